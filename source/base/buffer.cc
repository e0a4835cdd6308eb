#include "source/base/buffer.h"

#include <algorithm>
#include <cstring>

namespace narthex {

Buffer::Buffer(Buffer&& other) noexcept
    : slices_(std::move(other.slices_)),
      first_(std::exchange(other.first_, 0)),
      size_(std::exchange(other.size_, 0)) {
  other.slices_.clear();
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  slices_ = std::move(other.slices_);
  other.slices_.clear();
  first_ = std::exchange(other.first_, 0);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

std::span<char> Buffer::Tail() {
  if (first_ == slices_.size()) return {};
  Slice& last = slices_.back();
  if (last.block->shared()) return {};
  return {last.block->data() + last.end, Block::kSize - last.end};
}

std::span<char> Buffer::Reserve() {
  std::span<char> tail = Tail();
  if (!tail.empty()) return tail;
  slices_.push_back(Slice{BlockRef::Adopt(Block::Take()), 0, 0});
  return Tail();
}

size_t Buffer::ReserveVectors(iovec* out, size_t max, size_t want) {
  size_t count = 0, bytes = 0;
  std::span<char> tail = Tail();
  if (!tail.empty()) {
    out[count++] = {tail.data(), tail.size()};
    bytes = tail.size();
  }
  while (count < max && bytes < want) {
    slices_.push_back(Slice{BlockRef::Adopt(Block::Take()), 0, 0});
    out[count++] = {slices_.back().block->data(), Block::kSize};
    bytes += Block::kSize;
  }
  return count;
}

void Buffer::Commit(size_t n) {
  size_ += n;
  // Fresh slices stand empty at the end; the first that can take bytes is the last with any, or the first
  // fresh one.
  size_t i = slices_.size();
  while (i > first_ && slices_[i - 1].size() == 0) --i;
  const bool tail_writable =
      i > first_ && !slices_[i - 1].block->shared() && slices_[i - 1].end < Block::kSize;
  if (tail_writable) --i;
  for (; n > 0; ++i) {
    Slice& slice = slices_[i];
    const size_t used = std::min<size_t>(n, Block::kSize - slice.end);
    slice.end += used;
    n -= used;
  }
  while (slices_.size() > first_ && slices_.back().size() == 0) slices_.pop_back();
  if (first_ == slices_.size()) Clear();
}

void Buffer::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    std::span<char> room = Reserve();
    const size_t n = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), n);
    slices_.back().end += n;
    size_ += n;
    bytes.remove_prefix(n);
  }
}

void Buffer::Append(Buffer&& other) {
  if (other.empty()) return;
  if (empty()) {
    *this = std::move(other);
    return;
  }
  while (slices_.back().size() == 0) slices_.pop_back();  // reserved and never committed
  for (size_t i = other.first_; i < other.slices_.size(); ++i) slices_.push_back(std::move(other.slices_[i]));
  size_ += other.size_;
  other.Clear();
}

std::string_view Buffer::Front() const {
  if (size_ == 0) return {};
  const Slice& slice = slices_[first_];
  return {slice.block->data() + slice.begin, slice.size()};
}

BlockRef Buffer::FrontBlock() const {
  return slices_[first_].block;
}

bool Buffer::Linearize(size_t n) {
  if (n > size_ || n > Block::kSize) return false;
  if (n == 0 || slices_[first_].size() >= n) return true;
  Slice joined{BlockRef::Adopt(Block::Take()), 0, 0};
  while (joined.end < n) {
    const std::string_view front = Front();
    const size_t take = std::min<size_t>(front.size(), Block::kSize - joined.end);
    std::memcpy(joined.block->data() + joined.end, front.data(), take);
    joined.end += take;
    Consume(take);
    if (empty()) break;
  }
  size_ += joined.size();
  if (first_ > 0) {
    slices_[--first_] = std::move(joined);
  } else {
    slices_.insert(slices_.begin(), std::move(joined));
  }
  return true;
}

void Buffer::DropFront() {
  slices_[first_].block = BlockRef();
  ++first_;
  if (first_ == slices_.size()) {
    slices_.clear();
    first_ = 0;
  } else if (first_ > 16 && first_ * 2 > slices_.size()) {
    slices_.erase(slices_.begin(), slices_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Buffer::Consume(size_t n) {
  size_ -= n;
  while (n > 0) {
    Slice& slice = slices_[first_];
    const size_t used = std::min(n, slice.size());
    slice.begin += used;
    n -= used;
    if (slice.size() == 0) DropFront();
  }
}

Buffer Buffer::Take(size_t n) {
  if (n == size_) return std::move(*this);
  Buffer taken;
  size_ -= n;
  taken.size_ = n;
  while (n > 0) {
    Slice& slice = slices_[first_];
    if (slice.size() <= n) {
      n -= slice.size();
      taken.slices_.push_back(std::move(slice));
      DropFront();
    } else {
      taken.slices_.push_back(Slice{slice.block, slice.begin, static_cast<uint32_t>(slice.begin + n)});
      slice.begin += n;
      n = 0;
    }
  }
  return taken;
}

Buffer Buffer::Share() const {
  Buffer shared;
  shared.slices_.assign(slices_.begin() + static_cast<ptrdiff_t>(first_), slices_.end());
  shared.size_ = size_;
  return shared;
}

void Buffer::Clear() {
  slices_.clear();
  first_ = 0;
  size_ = 0;
}

size_t Buffer::Vectors(iovec* out, size_t max) const {
  size_t count = 0;
  for (size_t i = first_; i < slices_.size() && count < max; ++i) {
    const Slice& slice = slices_[i];
    out[count++] = {slice.block->data() + slice.begin, slice.size()};
  }
  return count;
}

std::string Buffer::ToString() const {
  std::string all;
  all.reserve(size_);
  for (size_t i = first_; i < slices_.size(); ++i) {
    all.append(slices_[i].block->data() + slices_[i].begin, slices_[i].size());
  }
  return all;
}

}  // namespace narthex
