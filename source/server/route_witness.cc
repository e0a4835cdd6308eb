#include "source/server/route_witness.h"

#include "envoy/config/route/v3/route_components.pb.h"
#include "re2/re2.h"
#include "source/router/compiled_route.h"
#include "source/router/virtual_host.h"
#include "source/server/route_takers.h"

namespace narthex {

namespace {

using envoy::config::route::v3::HeaderMatcher;
using envoy::config::route::v3::RouteMatch;
using envoy::type::matcher::v3::StringMatcher;
using Text = std::optional<std::string>;

Text TextFor(const StringMatcher& matcher) {
  if (matcher.has_exact()) return matcher.exact();
  if (matcher.has_prefix()) return matcher.prefix();
  if (matcher.has_suffix()) return matcher.suffix();
  if (matcher.has_contains()) return matcher.contains();
  return std::nullopt;
}

Text TextFor(const HeaderMatcher& matcher) {
  switch (matcher.header_match_specifier_case()) {
    case HeaderMatcher::kStringMatch:
      return TextFor(matcher.string_match());
    case HeaderMatcher::kExactMatch:
      return matcher.exact_match();
    case HeaderMatcher::kPrefixMatch:
      return matcher.prefix_match();
    case HeaderMatcher::kSuffixMatch:
      return matcher.suffix_match();
    case HeaderMatcher::kContainsMatch:
      return matcher.contains_match();
    case HeaderMatcher::kRangeMatch:
      return std::to_string(matcher.range_match().start());
    case HeaderMatcher::kPresentMatch:
    case HeaderMatcher::HEADER_MATCH_SPECIFIER_NOT_SET:
      return "1";
    default:
      return std::nullopt;
  }
}

// A header that must be absent, or be something else, is left out.
bool WantsNone(const HeaderMatcher& matcher) {
  return matcher.invert_match() != (matcher.has_present_match() && !matcher.present_match());
}

std::string HostFor(const envoy::config::route::v3::VirtualHost& host) {
  std::string domain = host.domains_size() > 0 ? host.domains(0) : "*";
  if (domain == "*") return "any.example";
  if (domain.starts_with("*")) return "x" + domain.substr(1);
  if (domain.ends_with("*")) return domain.substr(0, domain.size() - 1) + "example";
  return domain;
}

// CONNECT names a port, too.
std::string WithPort(const std::string& host) {
  return host.find(':') == std::string::npos ? host + ":443" : host;
}

bool AddHeaders(const RouteMatch& match, RouteWitness& witness) {
  for (const HeaderMatcher& header : match.headers()) {
    if (WantsNone(header)) continue;
    const Text value = TextFor(header);
    if (!value || header.name().starts_with(":")) return false;
    witness.headers.emplace_back(header.name(), *value);
  }
  std::string cookies;
  for (const auto& cookie : match.cookies()) {
    const Text value = TextFor(cookie.string_match());
    if (cookie.invert_match()) continue;
    if (!value) return false;
    cookies += (cookies.empty() ? "" : "; ") + cookie.name() + "=" + *value;
  }
  if (!cookies.empty()) witness.headers.emplace_back("cookie", cookies);
  return true;
}

bool AddQuery(const RouteMatch& match, RouteWitness& witness) {
  char mark = '?';
  for (const auto& parameter : match.query_parameters()) {
    const Text value = parameter.has_string_match() ? TextFor(parameter.string_match()) : Text("1");
    if (!value) return false;
    witness.path += mark + parameter.name() + "=" + *value;
    mark = '&';
  }
  return true;
}

}  // namespace

std::optional<std::string> PathTakenBy(const RouteMatch& match) {
  Text path = LiteralOf(match);
  if (!match.has_safe_regex()) return path && path->empty() ? "/" : path;
  const RE2 expression(match.safe_regex().regex(), RE2::Quiet);
  std::string least, greatest;
  constexpr int kLength = 64;
  if (!expression.ok() || !expression.PossibleMatchRange(&least, &greatest, kLength)) return std::nullopt;
  // The expression may end where its texts begin to differ, or ask for a character of some class.
  for (const char* more : {"", "1", "a", "/", "/1"}) {
    std::string candidate = path.value_or(least) + more;
    if (RE2::FullMatch(candidate, expression)) return candidate;
  }
  return std::nullopt;
}

std::string RouteWitness::ToString() const {
  std::string text = path.empty() ? "CONNECT " + host : "GET http://" + host + path;
  for (const auto& [name, value] : headers) text.append(" -H '").append(name + ": " + value).append("'");
  return text;
}

std::optional<RouteWitness> MakeWitness(const envoy::config::route::v3::VirtualHost& host,
                                        const RouteMatch& match) {
  RouteWitness witness{HostFor(host), "", {}};
  if (match.has_connect_matcher()) {
    witness.host = WithPort(witness.host);
    if (match.query_parameters_size() > 0 || !AddHeaders(match, witness)) return std::nullopt;
    return witness;
  }
  const Text path = PathTakenBy(match);
  if (!path) return std::nullopt;
  witness.path = *path;
  if (!AddHeaders(match, witness) || !AddQuery(match, witness)) return std::nullopt;
  return witness;
}

bool IsTakenBy(const RouteTable& table, const RouteWitness& witness, int virtual_host, int route) {
  HeaderMap headers;
  headers.Add(Header::kMethod, witness.path.empty() ? "CONNECT" : "GET");
  headers.Add(Header::kScheme, "http");
  headers.Add(Header::kAuthority, witness.host);
  if (!witness.path.empty()) headers.Add(Header::kPath, witness.path);
  for (const auto& [name, value] : witness.headers) headers.Add(name, value);
  const CompiledRoute* taker = table.Match({headers, nullptr, 0});
  return taker != nullptr && taker->scope->virtual_host_index == static_cast<uint32_t>(virtual_host) &&
         taker->index == static_cast<uint32_t>(route);
}

}  // namespace narthex
