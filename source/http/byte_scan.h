#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace narthex {

// Looks at sixteen bytes at a time where the processor can. No function reads or writes a byte outside what
// it is given.

// Copies a short piece with a few overlapping moves, which beats a call to memcpy.
[[gnu::always_inline]] inline char* CopyShort(char* to, std::string_view piece) {
  const char* from = piece.data();
  const size_t size = piece.size();
  if (size >= 16) {
    size_t done = 0;
    for (; done + 16 < size; done += 16) std::memcpy(to + done, from + done, 16);
    std::memcpy(to + size - 16, from + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + size - 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + size - 4, from + size - 4, 4);
  } else if (size > 0) {
    to[0] = from[0];
    to[size - 1] = from[size - 1];
    to[size / 2] = from[size / 2];
  }
  return to + size;
}

#if defined(__SSE2__)
// The bytes from `at` on; where less than sixteen are left before `end`, zeroes follow them.
inline __m128i LoadUpTo16(const char* at, const char* end) {
  if (end - at >= 16) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  char padded[16] = {};
  CopyShort(padded, {at, static_cast<size_t>(end - at)});
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(padded));
}
#endif

// The first byte in [at, end) that no field value may hold: control bytes but HTAB, and DEL (RFC 9110
// section 5.5); `end` when there is none.
inline char* FieldTextEnd(char* at, char* end) {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x20);
  for (; at < end; at += 16) {
    const __m128i bytes = LoadUpTo16(at, end);
    // Unsigned "below a space": the smaller of the two is the byte, and not the space.
    const __m128i printing = _mm_cmpeq_epi8(_mm_min_epu8(bytes, space), space);
    const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    const __m128i good = _mm_andnot_si128(del, _mm_or_si128(printing, tab));
    const uint32_t bad = 0xffffu & ~static_cast<uint32_t>(_mm_movemask_epi8(good));
    // The zeroes behind the end are no field text either.
    if (bad != 0) return at + __builtin_ctz(bad);
  }
#else
  for (; at < end; ++at) {
    const auto c = static_cast<uint8_t>(*at);
    if ((c < 0x20 && c != '\t') || c == 0x7f) return at;
  }
#endif
  return end;
}

// The first line feed in [at, end) that stands one or two bytes behind another one, as at the end of a head;
// `end` when there is none. What is between the two is for the caller to look at.
inline const char* FindSecondLineFeed(const char* at, const char* end) {
  uint32_t before = 0;  // bits 14 and 15: whether the two bytes before `at` are line feeds
#if defined(__SSE2__)
  const __m128i feed = _mm_set1_epi8('\n');
  for (; at < end; at += 16) {
    const __m128i bytes = LoadUpTo16(at, end);
    const auto feeds = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, feed)));
    const uint32_t all = feeds << 16 | before;
    const uint32_t second = (all & (all << 1 | all << 2)) >> 16;
    if (second != 0) return at + __builtin_ctz(second);
    before = feeds & 0xc000;
  }
#else
  for (; at < end; ++at) {
    const bool feed_here = *at == '\n';
    if (feed_here && before != 0) return at;
    before = before >> 1 & 0x4000;
    if (feed_here) before |= 0x8000;
  }
#endif
  return end;
}

// Puts a field name's letters, digits and hyphens at [at, end) in lower case, sixteen at a time; where the
// first byte of another kind stands. Where the processor can't, `at`: the caller's own loop does the work.
inline char* LowerUsualName(char* at, char* end) {
#if defined(__SSE2__)
  const auto within = [](__m128i bytes, char low, char high) {
    const __m128i above = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(low - 1)));
    return _mm_and_si128(above, _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(high + 1))));
  };
  for (; at < end; at += 16) {
    const __m128i bytes = LoadUpTo16(at, end);
    const __m128i upper = within(bytes, 'A', 'Z');
    const __m128i lower = _mm_or_si128(bytes, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
    const __m128i usual = _mm_or_si128(_mm_or_si128(within(lower, 'a', 'z'), within(bytes, '0', '9')),
                                       _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    const auto others = 0xffffu & ~static_cast<unsigned>(_mm_movemask_epi8(usual));
    if (others == 0) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at), lower);
      continue;
    }
    const int name = __builtin_ctz(others);
    const auto capitals = static_cast<unsigned>(_mm_movemask_epi8(upper)) & ((1u << name) - 1);
    for (unsigned left = capitals; left != 0; left &= left - 1) at[__builtin_ctz(left)] |= 0x20;
    return at + name;
  }
#endif
  return at;
}

// Whether a space or a control character is among the bytes: what could end a request target.
inline bool HasSpaceOrControl(std::string_view text) {
  for (const char c : text) {
    if ((c >= '\0' && c <= ' ') || c == '\177') return true;
  }
  return false;
}

// Whether CR, LF or NUL is among the bytes: what could end a line or a string.
inline bool HasLineEnd(std::string_view text) {
  const char* at = text.data();
  size_t left = text.size();
#if defined(__SSE2__)
  const auto any = [](__m128i bytes) {
    const __m128i cr = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'));
    const __m128i lf = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
    const __m128i nul = _mm_cmpeq_epi8(bytes, _mm_setzero_si128());
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(cr, lf), nul)) != 0;
  };
  if (left >= 16) {
    // The last piece may overlap the one before.
    const char* const last = at + left - 16;
    for (; at < last; at += 16) {
      if (any(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)))) return true;
    }
    return any(_mm_loadu_si128(reinterpret_cast<const __m128i*>(last)));
  }
  if (left >= 8) {
    int64_t first, second;
    std::memcpy(&first, at, 8);
    std::memcpy(&second, at + left - 8, 8);
    return any(_mm_set_epi64x(first, second));
  }
#endif
  for (; left > 0; --left, ++at) {
    if (*at == '\r' || *at == '\n' || *at == '\0') return true;
  }
  return false;
}

}  // namespace narthex
