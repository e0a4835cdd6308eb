#include "source/router/virtual_host.h"

#include <charconv>

#include "source/base/ascii.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

std::string_view PathOf(const RouteInput& input) {
  std::string_view path = input.headers.Get(Header::kPath);
  return path.substr(0, PathLength(path));
}

bool PathMatches(const CompiledRoute& route, const RouteInput& input) {
  const bool connect = route.path_kind == CompiledRoute::PathKind::kConnect;
  if (connect || IsConnect(input.headers)) return connect && IsConnect(input.headers);
  const std::string_view path = PathOf(input);
  if (route.path_kind == CompiledRoute::PathKind::kRegex) return route.regex->FullMatch(path);
  std::string_view text = route.path;
  if (path.size() < text.size()) return false;
  std::string_view head = path.substr(0, text.size());
  if (!(route.case_sensitive ? head == text : EqualsLower(head, text))) return false;
  bool whole = path.size() == text.size();
  if (route.path_kind == CompiledRoute::PathKind::kExact) return whole;
  return route.path_kind == CompiledRoute::PathKind::kPrefix || whole || path[text.size()] == '/';
}

bool PredicatesMatch(const CompiledRoute& route, const RouteInput& input) {
  return route.predicates == nullptr || route.predicates->Match(input);
}

// The number that chooses a weighted cluster: other bits than a runtime_fraction looks at, so that a share of
// a share is what it says.
uint64_t Draw(const CompiledRoute::WeightedChoice& choice, const RouteInput& input) {
  uint64_t number = input.random >> 32;
  if (choice.random_header.empty()) return number;
  std::string_view value = input.headers.Get(choice.random_header);
  uint64_t given = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), given);
  return error == std::errc() && end == value.data() + value.size() ? given : number;
}

const CompiledRoute* Choose(const CompiledRoute& route, const RouteInput& input) {
  if (route.weighted == nullptr) return &route;
  uint64_t left = Draw(*route.weighted, input) % route.weighted->total;
  for (const auto& [weight, choice] : route.weighted->routes) {
    if (left < weight) return choice.get();
    left -= weight;
  }
  return nullptr;
}

std::string DescribePath(const CompiledRoute& route) {
  static constexpr std::string_view kNames[] = {"prefix", "path", "path_separated_prefix", "safe_regex",
                                                "connect_matcher"};
  std::string words(kNames[static_cast<size_t>(route.path_kind)]);
  if (route.path_kind == CompiledRoute::PathKind::kConnect) return words;
  words.append(" \"").append(route.path).append("\"");
  if (!route.case_sensitive) words.append(" (ignoring case)");
  return words;
}

std::string DescribeMismatch(const CompiledRoute& route, const RouteInput& input) {
  if (route.path_kind == CompiledRoute::PathKind::kConnect) return "connect_matcher takes CONNECT alone";
  if (IsConnect(input.headers)) return DescribePath(route) + " takes no CONNECT, which connect_matcher does";
  return DescribePath(route) + " does not match the path \"" + std::string(PathOf(input)) + "\"";
}

std::string DescribeTarget(const CompiledRoute& route) {
  if (route.redirect != nullptr) return "redirect " + std::to_string(route.redirect->status);
  if (route.direct_response != nullptr) {
    return "direct response " + std::to_string(route.direct_response->status);
  }
  if (!route.cluster.empty()) return "cluster " + route.cluster;
  return "the cluster that the request header " + route.forward->cluster_header + " names";
}

// One of several, with the shares of all.
std::string DescribeChoice(const CompiledRoute& route, const RouteInput& input) {
  std::string words = DescribeTarget(*Choose(route, input));
  if (route.weighted == nullptr) return words;
  words += ", one of weighted_clusters:";
  for (const auto& [weight, choice] : route.weighted->routes) {
    words += " " + DescribeTarget(*choice) + " for " + std::to_string(weight) + " of " +
             std::to_string(route.weighted->total) + ",";
  }
  words.pop_back();
  return words;
}

// Who gets copies of it.
std::string DescribeMirrors(const CompiledRoute& route) {
  const MirrorPolicies* mirrors = route.forward == nullptr ? nullptr : route.mirrors();
  std::string words;
  if (mirrors == nullptr) return words;
  for (const MirrorPolicy& mirror : *mirrors) {
    words += mirror.cluster.empty()
                 ? "; copied to the cluster that the request header " + mirror.cluster_header + " names"
                 : "; copied to cluster " + mirror.cluster;
    const FractionMatcher& share = mirror.share;
    if (share.numerator >= share.denominator) continue;
    words += ", " + std::to_string(share.numerator) + " of " + std::to_string(share.denominator);
  }
  return words;
}

}  // namespace

bool VirtualHost::NeedsTls(const RouteInput& input) const {
  if (require_tls == Tls::kNone) return false;
  std::string_view scheme = input.headers.Get(Header::kXForwardedProto);
  if (scheme.empty()) scheme = input.headers.Get(Header::kScheme);
  if (scheme == "https") return false;
  return require_tls == Tls::kAll || input.headers.Get(Header::kXEnvoyInternal) != "true";
}

const CompiledRoute* VirtualHost::MatchConnect(const RouteInput& input) const {
  for (const uint32_t i : connects) {
    if (PredicatesMatch(*routes[i], input)) return Choose(*routes[i], input);
  }
  return nullptr;
}

const CompiledRoute* VirtualHost::Match(const RouteInput& input) const {
  if (NeedsTls(input)) return tls_redirect.get();
  if (IsConnect(input.headers)) return MatchConnect(input);
  PathIndex::Candidates candidates(index, PathOf(input));
  for (uint32_t i = candidates.Next(); i != PathIndex::kNone; i = candidates.Next()) {
    if (PredicatesMatch(*routes[i], input)) return Choose(*routes[i], input);
  }
  return nullptr;
}

const CompiledRoute* VirtualHost::MatchLinear(const RouteInput& input) const {
  if (NeedsTls(input)) return tls_redirect.get();
  for (const auto& route : routes) {
    if (PathMatches(*route, input) && PredicatesMatch(*route, input)) return Choose(*route, input);
  }
  return nullptr;
}

void VirtualHost::Explain(const RouteInput& input, std::vector<std::string>& lines) const {
  if (NeedsTls(input)) {
    lines.push_back("  " + tls_redirect->config_path().Origin().ToString() + ": redirected to https");
    return;
  }
  for (const auto& route : routes) {
    std::string line = "  " + route->config_path().Origin().ToString();
    if (!route->name.empty()) line += " \"" + route->name + "\"";
    if (!PathMatches(*route, input)) {
      lines.push_back(line + ": no: " + DescribeMismatch(*route, input));
      continue;
    }
    std::string failure = route->predicates == nullptr ? "" : route->predicates->FirstFailure(input);
    if (!failure.empty()) {
      lines.push_back(line + ": no: " + failure);
      continue;
    }
    lines.push_back(line + ": takes the request (" + DescribePath(*route) +
                    "): " + DescribeChoice(*route, input) + DescribeMirrors(*route));
    return;
  }
  lines.push_back("  no route of this virtual host matches");
}

}  // namespace narthex
