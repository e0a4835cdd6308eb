#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/string_matcher.h"
#include "source/http/exchange.h"
#include "source/http/header_map.h"

namespace narthex {

struct RouteInput;

// A predicate on one header. A custom header that is repeated matches when one of its values does; values of
// well-known list headers are joined by a comma first, as Envoy does.
struct HeaderMatcher {
  enum class Kind : uint8_t { kString, kRange, kPresent };
  std::string name;  // in lower case
  Header known = Header::kUnknown;
  Kind kind = Kind::kPresent;
  bool present = true;
  bool invert = false;
  bool missing_is_empty = false;
  int64_t range_start = 0;
  int64_t range_end = 0;  // exclusive
  StringMatcher text;

  bool Matches(const HeaderMap& headers) const;
  std::string Describe() const;

 private:
  bool MatchesValue(std::string_view value) const;
  bool MatchesAny(const HeaderMap& headers) const;
};

// A predicate on the first parameter of that name in the query, undecoded.
struct QueryMatcher {
  std::string name;
  bool present_only = false;
  bool present = true;
  StringMatcher text;

  bool Matches(std::string_view path) const;
};

// A predicate on the first cookie of that name; quotes around its value are taken off.
struct CookieMatcher {
  std::string name;
  StringMatcher text;
  bool invert = false;

  bool Matches(const HeaderMap& headers) const;
};

// True for a share of the requests.
struct FractionMatcher {
  uint64_t numerator = 0;
  uint64_t denominator = 100;

  // As the runtime says it; below 0 is none, above 100 all.
  static FractionMatcher OfPercent(double percent) {
    constexpr uint64_t kMillion = 1'000'000;
    return {percent <= 0 ? 0 : percent >= 100 ? kMillion : static_cast<uint64_t>(percent * 10'000), kMillion};
  }
  bool Matches(uint64_t random) const { return random % denominator < numerator; }
};

// A predicate on one text value of dynamic metadata.
struct MetadataMatcher {
  std::string space;
  std::string key;  // steps joined by dots
  enum class Kind : uint8_t { kString, kPresent, kAbsent, kBool, kRange } kind = Kind::kPresent;
  StringMatcher text;
  bool flag = false;
  double range_start = 0;
  double range_end = 0;  // exclusive unless equal to the start
  bool invert = false;

  bool Matches(const Exchange* exchange) const;
};

// A predicate on the client's certificate; what is unset is not asked.
struct TlsMatcher {
  std::optional<bool> presented;
  std::optional<bool> validated;

  bool Matches(const Exchange* exchange) const;
  std::string Describe() const;
};

// What a route asks of a request beside its path: all must hold. Immutable, thread-safe.
struct RoutePredicates {
  std::vector<HeaderMatcher> headers;
  std::vector<QueryMatcher> query;
  std::vector<CookieMatcher> cookies;
  std::vector<MetadataMatcher> metadata;
  TlsMatcher tls;
  std::optional<FractionMatcher> fraction;
  bool grpc = false;

  bool Match(const RouteInput& input) const;
  // The first that does not hold, in words; empty when all do.
  std::string FirstFailure(const RouteInput& input) const;
};

// The value of the first parameter called `name` in the query of `path`, undecoded; data() is null when there
// is none.
std::string_view FindParameter(std::string_view path, std::string_view name);
// The value of the first cookie called `name`, without quotes; data() is null when there is none.
std::string_view FindCookie(const HeaderMap& headers, std::string_view name);
// Whether content-type is application/grpc or application/grpc+something.
bool IsGrpc(const HeaderMap& headers);

}  // namespace narthex
