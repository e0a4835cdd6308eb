#pragma once

#include <cstddef>

namespace narthex {

// Memory of small objects that come and go with each request (coroutine frames, header indexes), from free
// lists by size class of the calling thread. What is taken on a thread must be given back on it
// (loop-confined).
class FramePool {
 public:
  // At least `size` bytes, aligned for any type.
  static void* Take(size_t size);
  // REQUIRES: `memory` came from Take(size) with the same size, on this thread.
  static void Give(void* memory, size_t size);
  // Gives the thread's free memory back to the system.
  static void Trim();
};

}  // namespace narthex
