#include "source/base/block.h"

#include <new>

namespace narthex {
namespace {

// A worker in its stride reuses the same few hundred blocks; beyond that memory goes back to the system.
constexpr size_t kMaxFree = 256;

struct FreeList {
  Block* head = nullptr;
  size_t free = 0;
  size_t live = 0;
  ~FreeList() { Block::TrimFreeBlocks(0); }
};

thread_local FreeList free_list;

}  // namespace

Block* Block::Take() {
  Block* block = free_list.head;
  if (block != nullptr) {
    free_list.head = block->next_free_;
    --free_list.free;
  } else {
    // The payload stays uninitialised on purpose: it is written before it is read.
    block = new Block;
  }
  block->refs_ = 1;
  ++free_list.live;
  return block;
}

void Block::Recycle(Block* block) {
  --free_list.live;
  if (free_list.free >= kMaxFree) {
    delete block;
    return;
  }
  block->next_free_ = free_list.head;
  free_list.head = block;
  ++free_list.free;
}

size_t Block::FreeBlocks() {
  return free_list.free;
}
size_t Block::LiveBlocks() {
  return free_list.live;
}

void Block::TrimFreeBlocks(size_t keep) {
  while (free_list.free > keep) {
    Block* block = free_list.head;
    free_list.head = block->next_free_;
    --free_list.free;
    delete block;
  }
}

}  // namespace narthex
