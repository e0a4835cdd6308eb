#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "source/base/block.h"

namespace narthex {

// A sequence of bytes in a chain of pooled blocks. Moving bytes from one buffer to another moves references,
// not bytes. Loop-confined, as its blocks are.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::string_view bytes) { Append(bytes); }
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Copies `bytes` to the end.
  void Append(std::string_view bytes);
  // Moves all of `other` to the end, and leaves it empty.
  void Append(Buffer&& other);

  // The bytes up to the end of the first block; empty only when the buffer is.
  std::string_view Front() const;
  // The block that holds Front(): what views into it must pin to stay valid. REQUIRES: not empty.
  BlockRef FrontBlock() const;
  // Makes the first `n` bytes contiguous, so that Front() holds them all; copies only when they span blocks.
  // False when n exceeds the block size or size().
  bool Linearize(size_t n);

  // Drops the first `n` bytes. REQUIRES: n <= size().
  void Consume(size_t n);
  // Splits off the first `n` bytes without copying. REQUIRES: n <= size().
  Buffer Take(size_t n);
  // The same bytes in another buffer, without copying them.
  Buffer Share() const;
  void Clear();

  // Writable memory behind the last byte, at least one byte long, for the next Commit.
  std::span<char> Reserve();
  // Fills `out` with up to `max` writable pieces, at least `want` bytes together when they fit; then Commit
  // says how many were used.
  size_t ReserveVectors(iovec* out, size_t max, size_t want);
  // Takes the first `n` bytes of what was reserved into the buffer, and gives unused blocks back.
  void Commit(size_t n);

  // The readable pieces for writev; how many were filled.
  size_t Vectors(iovec* out, size_t max) const;
  // A copy of all bytes: for tests, logs and small bodies.
  std::string ToString() const;

 private:
  struct Slice {
    BlockRef block;
    uint32_t begin;
    uint32_t end;
    size_t size() const { return end - begin; }
  };

  // Whether bytes may be written behind the last slice: nobody else sees that part of its block.
  std::span<char> Tail();
  void DropFront();

  absl::InlinedVector<Slice, 2> slices_;
  // Slices before this one are spent; erased once there are many.
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace narthex
