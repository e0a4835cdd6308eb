#pragma once

#include <cstdint>

namespace narthex {

// What the process's allocator holds, in bytes.
struct Heap {
  uint64_t allocated;  // in use, also by our own pools
  uint64_t size;       // got from the system
  uint64_t free;       // got from the system and not in use

  // Looks through all arenas, each under its lock for as long: for reports and once a refresh, not for
  // requests.
  static Heap Now();
  // Gives free memory back to the system. Any thread; takes milliseconds where there is much.
  static void Trim();
};

}  // namespace narthex
