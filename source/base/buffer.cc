#include "source/base/buffer.h"

#include <algorithm>
#include <cstring>

namespace narthex {
namespace {

// Up to here copying to the tail costs less than what another piece costs each time it is walked and written.
constexpr size_t kCopied = 4096;

}  // namespace

std::span<char> Buffer::Tail() const {
  if (first_ == nullptr || last_->block->shared()) return {};
  return {last_->block->data() + last_->end, Block::kSize - last_->end};
}

void Buffer::Link(Slice* slice) {
  (first_ == nullptr ? first_ : last_->next) = slice;
  last_ = slice;
}

std::span<char> Buffer::Reserve() {
  const std::span<char> tail = Tail();
  if (!tail.empty()) return tail;
  if (reserved_ == nullptr) reserved_ = EmptySlice();
  return {reserved_->block->data(), Block::kSize};
}

size_t Buffer::ReserveVectors(iovec* out, size_t max, size_t want) {
  size_t count = 0, bytes = 0;
  const std::span<char> tail = Tail();
  if (!tail.empty()) {
    out[count++] = {tail.data(), tail.size()};
    bytes = tail.size();
  }
  for (Slice** at = &reserved_; count < max && bytes < want; at = &(*at)->next) {
    if (*at == nullptr) *at = EmptySlice();
    out[count++] = {(*at)->block->data(), Block::kSize};
    bytes += Block::kSize;
  }
  return count;
}

void Buffer::Commit(size_t n) {
  size_ += n;
  const size_t at_tail = std::min(n, Tail().size());
  if (at_tail > 0) {
    last_->end += static_cast<uint32_t>(at_tail);
    n -= at_tail;
  }
  while (n > 0) {
    Slice* slice = std::exchange(reserved_, reserved_->next);
    slice->next = nullptr;
    slice->end = static_cast<uint32_t>(std::min(n, Block::kSize));
    n -= slice->end;
    Link(slice);
  }
  DropReserved();
}

void Buffer::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<char> room = Reserve();
    const size_t n = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), n);
    Commit(n);
    bytes.remove_prefix(n);
  }
}

void Buffer::Append(Buffer&& other) {
  if (other.empty()) return;
  if (other.size_ <= kCopied && other.size_ <= Tail().size()) {
    for (const Slice* slice = other.first_; slice != nullptr; slice = slice->next) {
      std::memcpy(last_->block->data() + last_->end, slice->block->data() + slice->begin, slice->size());
      last_->end += static_cast<uint32_t>(slice->size());
    }
    size_ += other.size_;
    other.Clear();
    return;
  }
  DropReserved();
  if (first_ == nullptr) {
    first_ = other.first_;
  } else {
    last_->next = other.first_;
  }
  last_ = other.last_;
  size_ += other.size_;
  other.first_ = nullptr;
  other.Clear();
  other.size_ = 0;
}

bool Buffer::Join(size_t n) {
  if (n > size_ || n > Block::kSize) return false;
  Slice* joined = EmptySlice();
  while (joined->end < n) {
    const std::string_view front = Front();
    const size_t take = std::min<size_t>(front.size(), Block::kSize - joined->end);
    std::memcpy(joined->block->data() + joined->end, front.data(), take);
    joined->end += static_cast<uint32_t>(take);
    Consume(take);
    if (empty()) break;
  }
  size_ += joined->size();
  joined->next = first_;
  if (first_ == nullptr) last_ = joined;
  first_ = joined;
  return true;
}

void Buffer::DropAll() {
  while (first_ != nullptr) DropFront();
  DropReserved();
  size_ = 0;
}

void Buffer::ConsumeBlocks(size_t n) {
  size_ -= n;
  while (n > 0) {
    const size_t used = std::min(n, first_->size());
    first_->begin += static_cast<uint32_t>(used);
    n -= used;
    if (first_->size() == 0) DropFront();
  }
}

Buffer Buffer::Take(size_t n) {
  if (n == size_) {
    DropReserved();
    return std::move(*this);
  }
  Buffer taken;
  size_ -= n;
  taken.size_ = n;
  while (n > 0) {
    if (first_->size() <= n) {
      Slice* whole = std::exchange(first_, first_->next);
      whole->next = nullptr;
      n -= whole->size();
      taken.Link(whole);
    } else {
      taken.Link(new Slice(first_->block, first_->begin, first_->begin + n));
      first_->begin += static_cast<uint32_t>(n);
      n = 0;
    }
  }
  return taken;
}

Buffer Buffer::Share() const {
  Buffer shared;
  for (const Slice* slice = first_; slice != nullptr; slice = slice->next) {
    shared.Link(new Slice(slice->block, slice->begin, slice->end));
  }
  shared.size_ = size_;
  return shared;
}

size_t Buffer::Vectors(iovec* out, size_t max) const {
  size_t count = 0;
  for (const Slice* slice = first_; slice != nullptr && count < max; slice = slice->next) {
    out[count++] = {slice->block->data() + slice->begin, slice->size()};
  }
  return count;
}

std::string Buffer::ToString() const {
  std::string all;
  all.reserve(size_);
  for (const Slice* slice = first_; slice != nullptr; slice = slice->next) {
    all.append(slice->block->data() + slice->begin, slice->size());
  }
  return all;
}

}  // namespace narthex
