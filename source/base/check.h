#pragma once

#include <cstdio>
#include <cstdlib>

namespace narthex {

// Ends the process with the place and the text of a broken invariant.
[[noreturn]] inline void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "[critical] %s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace narthex

// For invariants of the program only, never for input: going on would be worse than ending.
#define NARTHEX_CHECK(condition) \
  (static_cast<bool>(condition) ? (void)0 : ::narthex::CheckFailed(__FILE__, __LINE__, #condition))

// The same where it costs too much to be checked in optimised builds, but for those with a sanitizer; the
// condition must have no effects.
#if defined(NDEBUG) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define NARTHEX_DCHECKS 0
#define NARTHEX_DCHECK(condition) ((void)sizeof(static_cast<bool>(condition)))
#else
#define NARTHEX_DCHECKS 1
#define NARTHEX_DCHECK(condition) NARTHEX_CHECK(condition)
#endif
