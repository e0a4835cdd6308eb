#include "source/config/string_matcher.h"

#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/base/ascii.h"

namespace narthex {
namespace {

namespace matcher_v3 = envoy::type::matcher::v3;

bool Equal(std::string_view value, std::string_view text, bool ignore_case) {
  return ignore_case ? EqualsLower(value, text) : value == text;
}

bool Contains(std::string_view value, std::string_view text, bool ignore_case) {
  if (!ignore_case) return value.find(text) != std::string_view::npos;
  for (size_t i = 0; i + text.size() <= value.size(); ++i) {
    if (EqualsLower(value.substr(i, text.size()), text)) return true;
  }
  return false;
}

}  // namespace

void StringMatcher::SetText(Kind to, std::string_view value) {
  kind = to;
  text = ignore_case ? ToLowerAscii(value) : std::string(value);
}

bool StringMatcher::Matches(std::string_view value) const {
  switch (kind) {
    case Kind::kExact:
      return value.size() == text.size() && Equal(value, text, ignore_case);
    case Kind::kPrefix:
      return value.size() >= text.size() && Equal(value.substr(0, text.size()), text, ignore_case);
    case Kind::kSuffix:
      return value.size() >= text.size() &&
             Equal(value.substr(value.size() - text.size()), text, ignore_case);
    case Kind::kContains:
      return Contains(value, text, ignore_case);
    case Kind::kRegex:
      return regex->FullMatch(value);
  }
  return false;
}

std::string StringMatcher::Describe() const {
  static constexpr std::string_view kNames[] = {"exact", "prefix", "suffix", "contains", "safe_regex"};
  std::string words(kNames[static_cast<size_t>(kind)]);
  words.append(" \"").append(kind == Kind::kRegex ? regex->expression() : text).append("\"");
  if (ignore_case) words.append(" (ignoring case)");
  return words;
}

std::unique_ptr<const Regex> CompileRegex(std::string_view expression, const ConfigPath& path,
                                          Diagnostics& diagnostics) {
  std::string error;
  auto regex = Regex::Compile(expression, error);
  if (regex == nullptr) diagnostics.Error(path, "is no valid RE2 expression: " + error);
  return regex;
}

bool CompileStringMatcher(const matcher_v3::StringMatcher& config, const ConfigPath& path,
                          Diagnostics& diagnostics, StringMatcher& matcher) {
  matcher.ignore_case = config.ignore_case();
  switch (config.match_pattern_case()) {
    case matcher_v3::StringMatcher::kExact:
      matcher.SetText(StringMatcher::Kind::kExact, config.exact());
      return true;
    case matcher_v3::StringMatcher::kPrefix:
      matcher.SetText(StringMatcher::Kind::kPrefix, config.prefix());
      return true;
    case matcher_v3::StringMatcher::kSuffix:
      matcher.SetText(StringMatcher::Kind::kSuffix, config.suffix());
      return true;
    case matcher_v3::StringMatcher::kContains:
      matcher.SetText(StringMatcher::Kind::kContains, config.contains());
      return true;
    case matcher_v3::StringMatcher::kSafeRegex:
      if (matcher.ignore_case) {
        diagnostics.Error(path.Field("ignore_case"),
                          "has no effect on safe_regex: write (?i) in the expression");
        return false;
      }
      matcher.kind = StringMatcher::Kind::kRegex;
      matcher.regex =
          CompileRegex(config.safe_regex().regex(), path.Field("safe_regex").Field("regex"), diagnostics);
      return matcher.regex != nullptr;
    default:
      diagnostics.Error(path, "needs one of exact, prefix, suffix, contains and safe_regex");
      return false;
  }
}

}  // namespace narthex
