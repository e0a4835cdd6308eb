#include "source/base/frame_pool.h"

#include <new>

namespace narthex {
namespace {

// Trims when the thread ends. Apart from the lists, so that using those needs no check for a constructor.
struct TrimAtExit {
  ~TrimAtExit() { FramePool::Trim(); }
};

}  // namespace

constinit thread_local FramePool::List FramePool::lists_[kClasses + 1] = {};

void* FramePool::TakeFromSystem(size_t size) {
  thread_local TrimAtExit trim;
  [[maybe_unused]] volatile TrimAtExit* made = &trim;
  const size_t k = ClassOf(size);
  return ::operator new(k < kClasses ? k * kStep : size);
}

void FramePool::GiveToSystem(void* memory) {
  ::operator delete(memory);
}

void FramePool::Trim() {
  for (List& list : lists_) {
    while (Free* frame = list.head) {
      list.head = frame->next;
      ::operator delete(frame);
    }
    list.count = 0;
  }
}

}  // namespace narthex
