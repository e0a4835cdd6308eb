#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace narthex {

// A fixed piece of memory that buffers and header maps share by reference count.
//
// Blocks come from a free list of the thread and go back to it with the last reference. The count is a plain
// integer: a block never leaves the thread that took it (loop-confined).
class Block {
 public:
  // The bytes of a block's payload: with the header below, one block is 16 KiB of memory.
  static constexpr size_t kSize = 16 * 1024 - sizeof(void*) - sizeof(uint32_t);

  // A block with one reference, owned by the caller, from the thread's free list.
  static Block* Take() {
    Block* block = free_.head;
    if (block == nullptr) [[unlikely]]
      block = TakeFromSystem();
    free_.head = block->next_free_;
    --free_.count;
    ++free_.live;
    block->refs_ = 1;
    return block;
  }

  void Ref() { ++refs_; }
  void Unref() {
    if (--refs_ == 0) Recycle(this);
  }
  bool shared() const { return refs_ > 1; }

  char* data() { return bytes_; }

  // How many free blocks the calling thread keeps, and how many are in use on it.
  static size_t FreeBlocks() { return free_.count; }
  static size_t LiveBlocks() { return free_.live; }
  // Gives the thread's free blocks back to the system (overload, idle trim).
  static void TrimFreeBlocks(size_t keep);

 private:
  struct FreeList {
    Block* head;
    size_t count;
    size_t live;
  };
  // A worker in its stride reuses the same few hundred blocks; beyond that memory goes back to the system.
  static constexpr size_t kMaxFree = 256;

  // One more block on the free list.
  static Block* TakeFromSystem();
  static void Recycle(Block* block) {
    --free_.live;
    block->next_free_ = free_.head;
    free_.head = block;
    if (++free_.count > kMaxFree) [[unlikely]]
      TrimFreeBlocks(kMaxFree);
  }

  static constinit thread_local FreeList free_;

  Block* next_free_ = nullptr;
  uint32_t refs_ = 0;
  char bytes_[kSize];
};

// Owns one reference to a block, or none.
class BlockRef {
 public:
  BlockRef() = default;
  // Takes over a reference that the caller owns.
  static BlockRef Adopt(Block* block) { return BlockRef(block); }
  static BlockRef Share(Block* block) {
    block->Ref();
    return BlockRef(block);
  }
  BlockRef(const BlockRef& other) : block_(other.block_) {
    if (block_ != nullptr) block_->Ref();
  }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockRef() {
    if (block_ != nullptr) block_->Unref();
  }

  Block* get() const { return block_; }
  Block* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  explicit BlockRef(Block* block) : block_(block) {}
  Block* block_ = nullptr;
};

}  // namespace narthex
