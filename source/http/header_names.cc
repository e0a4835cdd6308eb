#include "source/http/header_names.h"

#include <cstring>

namespace narthex {
namespace {

// The known header among those of length N. With N a constant each comparison is two loads and a compare.
template <size_t N>
Header FindOfLength(const char* name) {
#define NARTHEX_HEADER_COMPARE(id, text)                    \
  if constexpr (sizeof(text) - 1 == N) {                    \
    if (std::memcmp(name, text, N) == 0) return Header::id; \
  }
  NARTHEX_KNOWN_HEADERS(NARTHEX_HEADER_COMPARE)
#undef NARTHEX_HEADER_COMPARE
  return Header::kUnknown;
}

constexpr size_t kLongest = 32;
#define NARTHEX_HEADER_CHECK(id, text) static_assert(sizeof(text) - 1 <= kLongest);
NARTHEX_KNOWN_HEADERS(NARTHEX_HEADER_CHECK)
#undef NARTHEX_HEADER_CHECK

}  // namespace

Header FindHeader(std::string_view lower_case_name) {
  const char* name = lower_case_name.data();
  switch (lower_case_name.size()) {
#define NARTHEX_LENGTH(n) \
  case n:                 \
    return FindOfLength<n>(name);
#define NARTHEX_LENGTHS(n) \
  NARTHEX_LENGTH(n)        \
  NARTHEX_LENGTH(n + 1)    \
  NARTHEX_LENGTH(n + 2) NARTHEX_LENGTH(n + 3) NARTHEX_LENGTH(n + 4) NARTHEX_LENGTH(n + 5)
    NARTHEX_LENGTHS(2)
    NARTHEX_LENGTHS(8)
    NARTHEX_LENGTHS(14)
    NARTHEX_LENGTHS(20)
    NARTHEX_LENGTHS(26)
#undef NARTHEX_LENGTHS
    NARTHEX_LENGTH(32)
#undef NARTHEX_LENGTH
    default:
      return Header::kUnknown;
  }
}

}  // namespace narthex
