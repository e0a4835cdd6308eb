#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/config/regex.h"

namespace envoy::type::matcher::v3 {
class StringMatcher;
}

namespace narthex {

// Envoy's StringMatcher, compiled. Immutable, thread-safe.
struct StringMatcher {
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kContains, kRegex };
  Kind kind = Kind::kExact;
  bool ignore_case = false;
  std::string text;  // in lower case with ignore_case
  std::shared_ptr<const Regex> regex;

  // REQUIRES: ignore_case is as it will stay.
  void SetText(Kind to, std::string_view value);
  bool Matches(std::string_view value) const;
  // `prefix "/api"`.
  std::string Describe() const;
};

// From configuration; load time only. Errors go to the diagnostics with their position; false after one.
bool CompileStringMatcher(const envoy::type::matcher::v3::StringMatcher& config, const ConfigPath& path,
                          Diagnostics& diagnostics, StringMatcher& matcher);
// Null after an error.
std::unique_ptr<const Regex> CompileRegex(std::string_view expression, const ConfigPath& path,
                                          Diagnostics& diagnostics);

}  // namespace narthex
