#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// A pooled frame would hide a use after destruction from AddressSanitizer.
#define NARTHEX_FRAMES_FROM_MALLOC 1
#endif
#endif

namespace narthex {

// Memory of small objects that come and go with each request (coroutine frames, header maps, slices), from
// free lists by size class of the calling thread. What is taken on a thread must be given back on it
// (loop-confined).
class FramePool {
 public:
  // At least `size` bytes, aligned for any type.
  static void* Take(size_t size) {
    const size_t k = ClassOf(size);
    if (k < kClasses) [[likely]] {
      List& list = lists_[k];
      if (Free* frame = list.head; frame != nullptr) [[likely]] {
        list.head = frame->next;
        --list.count;
        return frame;
      }
    }
    return TakeFromSystem(size);
  }
  // REQUIRES: `memory` came from Take(size) with the same size, on this thread.
  static void Give(void* memory, size_t size) {
    const size_t k = ClassOf(size);
    if (k >= kClasses || lists_[k].count >= kMaxFreePerClass) [[unlikely]] {
      return GiveToSystem(memory);
    }
    auto* frame = static_cast<Free*>(memory);
    frame->next = lists_[k].head;
    lists_[k].head = frame;
    ++lists_[k].count;
  }
  // Gives the thread's free memory back to the system.
  static void Trim();

 private:
  struct Free {
    Free* next;
  };
  struct List {
    Free* head;
    uint32_t count;
  };
  static constexpr size_t kStep = 64;
  static constexpr size_t kLargest = 8192;
#ifdef NARTHEX_FRAMES_FROM_MALLOC
  static constexpr size_t kClasses = 0;
#else
  static constexpr size_t kClasses = kLargest / kStep + 1;
#endif
  // Free frames a class may keep: bounds what a burst of connections leaves behind.
  static constexpr uint32_t kMaxFreePerClass = 512;

  static constexpr size_t ClassOf(size_t size) { return (size + kStep - 1) / kStep; }
  static void* TakeFromSystem(size_t size);
  static void GiveToSystem(void* memory);

  // One more, so that there is one where pooling is off.
  static constinit thread_local List lists_[kClasses + 1];
};

// For classes whose objects come and go with each request: derive from it, and `new` takes from the pool.
struct FromFramePool {
  static void* operator new(size_t size) { return FramePool::Take(size); }
  static void operator delete(void* memory, size_t size) { FramePool::Give(memory, size); }
};

}  // namespace narthex
