#pragma once

#include <string>
#include <string_view>

namespace narthex {

inline char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

inline std::string ToLowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = LowerAscii(c);
  return lower;
}

// Whether `value` in lower case is `lower`.
inline bool EqualsLower(std::string_view value, std::string_view lower) {
  if (value.size() != lower.size()) return false;
  for (size_t i = 0; i < value.size(); ++i) {
    if (LowerAscii(value[i]) != lower[i]) return false;
  }
  return true;
}

}  // namespace narthex
