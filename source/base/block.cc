#include "source/base/block.h"

namespace narthex {
namespace {

// Trims when the thread ends. Apart from the list, so that using that needs no check for a constructor.
struct TrimAtExit {
  ~TrimAtExit() { Block::TrimFreeBlocks(0); }
};

}  // namespace

constinit thread_local Block::FreeList Block::free_ = {};

Block* Block::TakeFromSystem() {
  thread_local TrimAtExit trim;
  [[maybe_unused]] volatile TrimAtExit* made = &trim;
  // The payload stays uninitialised on purpose: it is written before it is read.
  auto* block = new Block;
  block->next_free_ = free_.head;
  ++free_.count;
  return block;
}

void Block::TrimFreeBlocks(size_t keep) {
  while (free_.count > keep) {
    Block* block = free_.head;
    free_.head = block->next_free_;
    --free_.count;
    delete block;
  }
}

}  // namespace narthex
