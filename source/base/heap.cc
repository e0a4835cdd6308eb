#include "source/base/heap.h"

#include <malloc.h>

// A sanitizer puts an allocator of its own in the place of glibc's.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#define NARTHEX_SANITIZERS_HEAP 1
#endif

namespace narthex {

Heap Heap::Now() {
#ifdef NARTHEX_SANITIZERS_HEAP
  return {__sanitizer_get_current_allocated_bytes(), __sanitizer_get_heap_size(),
          __sanitizer_get_free_bytes()};
#else
  const struct mallinfo2 info = mallinfo2();
  return {info.uordblks + info.hblkhd, info.arena + info.hblkhd, info.fordblks};
#endif
}

void Heap::Trim() {
  malloc_trim(0);
}

}  // namespace narthex
