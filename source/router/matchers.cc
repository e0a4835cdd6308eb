#include "source/router/matchers.h"

#include <algorithm>
#include <charconv>

#include "source/base/ascii.h"
#include "source/router/route_table.h"
#include "source/tls/facts.h"

namespace narthex {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string JoinValues(const HeaderMap& headers, Header known) {
  std::string joined;
  bool first = true;
  for (const HeaderMap::Field& field : headers) {
    if (field.known != known) continue;
    if (!first) joined += known == Header::kCookie ? "; " : ",";
    joined += field.value;
    first = false;
  }
  return joined;
}

}  // namespace

bool HeaderMatcher::MatchesValue(std::string_view value) const {
  if (kind == Kind::kString) return text.Matches(value);
  int64_t number = 0;
  if (value.size() > 1 && value[0] == '+' && value[1] != '-') value.remove_prefix(1);
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return false;
  return number >= range_start && number < range_end;
}

bool HeaderMatcher::MatchesAny(const HeaderMap& headers) const {
  if (known != Header::kUnknown) {
    if (known == Header::kSetCookie || headers.Count(known) <= 1) return MatchesValue(headers.Get(known));
    return MatchesValue(JoinValues(headers, known));
  }
  for (const HeaderMap::Field& field : headers) {
    if (field.name == name && MatchesValue(field.value)) return true;
  }
  return false;
}

bool HeaderMatcher::Matches(const HeaderMap& headers) const {
  bool found = known != Header::kUnknown ? headers.Has(known) : headers.Has(name);
  if (kind == Kind::kPresent) return (found == present || (missing_is_empty && present)) != invert;
  if (!found) return missing_is_empty && MatchesValue("") != invert;
  return MatchesAny(headers) != invert;
}

std::string HeaderMatcher::Describe() const {
  std::string words = "header " + name + (invert ? " not " : " ");
  if (kind == Kind::kPresent) return words + (present ? "present" : "absent");
  if (kind == Kind::kString) return words + text.Describe();
  return words + "in [" + std::to_string(range_start) + ", " + std::to_string(range_end) + ")";
}

bool QueryMatcher::Matches(std::string_view path) const {
  std::string_view value = FindParameter(path, name);
  bool found = value.data() != nullptr;
  if (present_only) return found == present;
  return found && text.Matches(value);
}

std::string_view FindParameter(std::string_view path, std::string_view name) {
  size_t mark = path.find('?');
  if (mark == std::string_view::npos) return {};
  std::string_view query = path.substr(mark + 1);
  query = query.substr(0, query.find('#'));
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    size_t equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    return equals == std::string_view::npos ? std::string_view("") : pair.substr(equals + 1);
  }
  return {};
}

std::string_view FindCookie(const HeaderMap& headers, std::string_view name) {
  for (const HeaderMap::Field& field : headers) {
    if (field.known != Header::kCookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
      pair = Trim(pair);
      size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      std::string_view value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      return value;
    }
  }
  return {};
}

bool CookieMatcher::Matches(const HeaderMap& headers) const {
  std::string_view value = FindCookie(headers, name);
  return (value.data() != nullptr && text.Matches(value)) != invert;
}

bool MetadataMatcher::Matches(const Exchange* exchange) const {
  std::string_view value = exchange == nullptr ? std::string_view() : exchange->GetMetadata(space, key);
  bool found = value.data() != nullptr;
  bool result = false;
  switch (kind) {
    case Kind::kPresent:
      result = found;
      break;
    case Kind::kAbsent:
      break;  // present_match: false never matches, as in Envoy
    case Kind::kString:
      result = found && text.Matches(value);
      break;
    case Kind::kBool:
      result = found && value == (flag ? "true" : "false");
      break;
    case Kind::kRange: {
      double number = 0;
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      bool numeric = found && error == std::errc() && end == value.data() + value.size();
      result = numeric && number >= range_start && (number < range_end || number == range_start);
      break;
    }
  }
  return result != invert;
}

bool TlsMatcher::Matches(const Exchange* exchange) const {
  if (!presented && !validated) return true;
  // Without a connection, as in `explain`, there is no certificate.
  const TlsFacts* tls = exchange == nullptr ? nullptr : exchange->connection().tls();
  if (presented && *presented != (tls != nullptr && tls->peer() != nullptr)) return false;
  return !validated || *validated == (tls != nullptr && tls->peer_validated);
}

std::string TlsMatcher::Describe() const {
  std::string words = "client certificate";
  if (presented) words += *presented ? " presented" : " not presented";
  if (validated) words += *validated ? " validated" : " not validated";
  return words;
}

bool IsGrpc(const HeaderMap& headers) {
  std::string_view type = headers.Get(Header::kContentType);
  constexpr std::string_view kGrpc = "application/grpc";
  return type.starts_with(kGrpc) && (type.size() == kGrpc.size() || type[kGrpc.size()] == '+');
}

bool RoutePredicates::Match(const RouteInput& input) const {
  for (const HeaderMatcher& header : headers) {
    if (!header.Matches(input.headers)) return false;
  }
  for (const QueryMatcher& parameter : query) {
    if (!parameter.Matches(input.headers.Get(Header::kPath))) return false;
  }
  for (const CookieMatcher& cookie : cookies) {
    if (!cookie.Matches(input.headers)) return false;
  }
  if (grpc && !IsGrpc(input.headers)) return false;
  for (const MetadataMatcher& entry : metadata) {
    if (!entry.Matches(input.exchange)) return false;
  }
  if (!tls.Matches(input.exchange)) return false;
  return !fraction || fraction->Matches(input.random);
}

std::string RoutePredicates::FirstFailure(const RouteInput& input) const {
  for (const HeaderMatcher& header : headers) {
    if (header.Matches(input.headers)) continue;
    std::string_view value = input.headers.Get(header.name == "host" ? ":authority" : header.name);
    std::string found = value.data() == nullptr ? "it is missing" : "it is \"" + std::string(value) + "\"";
    return header.Describe() + ": " + found;
  }
  for (const QueryMatcher& parameter : query) {
    if (parameter.Matches(input.headers.Get(Header::kPath))) continue;
    std::string wanted = !parameter.present_only ? parameter.text.Describe()
                         : parameter.present     ? "present"
                                                 : "absent";
    return "query parameter " + parameter.name + " " + wanted;
  }
  for (const CookieMatcher& cookie : cookies) {
    if (cookie.Matches(input.headers)) continue;
    return "cookie " + cookie.name + (cookie.invert ? " not " : " ") + cookie.text.Describe();
  }
  if (grpc && !IsGrpc(input.headers)) return "grpc: content-type is not application/grpc";
  for (const MetadataMatcher& entry : metadata) {
    if (!entry.Matches(input.exchange)) return "dynamic metadata " + entry.space + " " + entry.key;
  }
  if (!tls.Matches(input.exchange)) return tls.Describe();
  if (!fraction || fraction->Matches(input.random)) return "";
  return "runtime_fraction " + std::to_string(fraction->numerator) + " of " +
         std::to_string(fraction->denominator);
}

}  // namespace narthex
