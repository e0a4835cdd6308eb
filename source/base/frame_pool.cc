#include "source/base/frame_pool.h"

#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NARTHEX_FRAMES_FROM_MALLOC 1
#endif
#endif

namespace narthex {
namespace {

constexpr size_t kStep = 64;
constexpr size_t kLargest = 8192;
constexpr size_t kClasses = kLargest / kStep + 1;
// Free frames a class may keep: bounds what a burst of connections leaves behind.
constexpr size_t kMaxFreePerClass = 512;

struct FreeFrame {
  FreeFrame* next;
};

struct Lists {
  FreeFrame* head[kClasses] = {};
  size_t count[kClasses] = {};
  ~Lists() { FramePool::Trim(); }
};

thread_local Lists lists;

size_t ClassOf(size_t size) {
  return (size + kStep - 1) / kStep;
}

}  // namespace

void* FramePool::Take(size_t size) {
#ifdef NARTHEX_FRAMES_FROM_MALLOC
  // A pooled frame would hide a use after destruction from AddressSanitizer.
  return ::operator new(size);
#else
  if (size > kLargest) return ::operator new(size);
  const size_t k = ClassOf(size);
  FreeFrame* frame = lists.head[k];
  if (frame == nullptr) return ::operator new(k * kStep);
  lists.head[k] = frame->next;
  --lists.count[k];
  return frame;
#endif
}

void FramePool::Give(void* memory, size_t size) {
#ifdef NARTHEX_FRAMES_FROM_MALLOC
  ::operator delete(memory);
#else
  const size_t k = ClassOf(size);
  if (size > kLargest || lists.count[k] >= kMaxFreePerClass) {
    ::operator delete(memory);
    return;
  }
  auto* frame = static_cast<FreeFrame*>(memory);
  frame->next = lists.head[k];
  lists.head[k] = frame;
  ++lists.count[k];
#endif
}

void FramePool::Trim() {
  for (size_t k = 0; k < kClasses; ++k) {
    while (FreeFrame* frame = lists.head[k]) {
      lists.head[k] = frame->next;
      ::operator delete(frame);
    }
    lists.count[k] = 0;
  }
}

}  // namespace narthex
