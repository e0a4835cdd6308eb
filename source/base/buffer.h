#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "source/base/block.h"
#include "source/base/frame_pool.h"

namespace narthex {

// A sequence of bytes in a chain of pooled blocks. Moving bytes from one buffer to another moves references,
// but for a few that fit behind the last; moving a buffer moves four words. Loop-confined, as its blocks are.
class Buffer {
 public:
  constexpr Buffer() = default;
  explicit Buffer(std::string_view bytes) { Append(bytes); }
  Buffer(Buffer&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)),
        last_(std::exchange(other.last_, nullptr)),
        reserved_(std::exchange(other.reserved_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    Clear();
    first_ = std::exchange(other.first_, nullptr);
    last_ = std::exchange(other.last_, nullptr);
    reserved_ = std::exchange(other.reserved_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { Clear(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Copies `bytes` to the end.
  void Append(std::string_view bytes);
  // Moves all of `other` to the end, and leaves it empty.
  void Append(Buffer&& other);

  // The bytes up to the end of the first block; empty only when the buffer is.
  std::string_view Front() const {
    if (first_ == nullptr) return {};
    return {first_->block->data() + first_->begin, first_->size()};
  }
  // The block that holds Front(): what views into it must pin to stay valid. REQUIRES: not empty.
  BlockRef FrontBlock() const { return first_->block; }
  // Makes the first `n` bytes contiguous, so that Front() holds them all; copies only when they span blocks.
  // False when n exceeds the block size or size().
  bool Linearize(size_t n) { return (first_ != nullptr && n <= first_->size()) || n == 0 || Join(n); }

  // Drops the first `n` bytes. REQUIRES: n <= size().
  void Consume(size_t n) {
    if (first_ == nullptr || n >= first_->size()) return ConsumeBlocks(n);
    first_->begin += static_cast<uint32_t>(n);
    size_ -= n;
  }
  // Splits off the first `n` bytes without copying. REQUIRES: n <= size().
  Buffer Take(size_t n);
  // The same bytes in another buffer, without copying them.
  Buffer Share() const;
  void Clear() {
    if (first_ != nullptr || reserved_ != nullptr) DropAll();
  }

  // Writable memory behind the last byte, at least one byte long, for the next Commit.
  std::span<char> Reserve();
  // Fills `out` with up to `max` writable pieces, at least `want` bytes together when they fit; then Commit
  // says how many were used.
  size_t ReserveVectors(iovec* out, size_t max, size_t want);
  // Takes the first `n` bytes of what was reserved last into the buffer, and gives unused blocks back.
  void Commit(size_t n);

  // The readable pieces for writev; how many were filled.
  size_t Vectors(iovec* out, size_t max) const;
  // A copy of all bytes: for tests, logs and small bodies.
  std::string ToString() const;

 private:
  // A part of a block. In the chain none is empty; reserved ones are.
  struct Slice : FromFramePool {
    Slice* next;
    BlockRef block;
    uint32_t begin;
    uint32_t end;

    Slice(BlockRef b, size_t from, size_t to)
        : next(nullptr),
          block(std::move(b)),
          begin(static_cast<uint32_t>(from)),
          end(static_cast<uint32_t>(to)) {}
    size_t size() const { return end - begin; }
  };

  static Slice* EmptySlice() { return new Slice(BlockRef::Adopt(Block::Take()), 0, 0); }
  // Room behind the last slice that nobody else sees.
  std::span<char> Tail() const;
  void Link(Slice* slice);
  bool Join(size_t n);
  void ConsumeBlocks(size_t n);
  void DropFront() { delete std::exchange(first_, first_->next); }
  void DropReserved() {
    while (reserved_ != nullptr) delete std::exchange(reserved_, reserved_->next);
  }
  void DropAll();

  Slice* first_ = nullptr;
  Slice* last_ = nullptr;      // undefined while first_ is null
  Slice* reserved_ = nullptr;  // between Reserve and Commit: what will follow the tail
  size_t size_ = 0;
};

}  // namespace narthex
