#include "test/router/route_generator.h"

#include <algorithm>
#include <set>

#include "source/base/ascii.h"

namespace narthex {
namespace {

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  quoted.append(text).append("'");
  return quoted;
}

// The three ways in which a domain may match, the better first; none: kMisses.
enum Rank { kExactDomain, kSuffixDomain, kPrefixDomain, kAnyDomain, kMisses };

Rank RankOf(std::string_view domain, std::string_view host) {
  if (domain == "*") return kAnyDomain;
  if (domain == host) return kExactDomain;
  if (domain.starts_with('*')) {
    domain.remove_prefix(1);
    return host.size() > domain.size() && host.ends_with(domain) ? kSuffixDomain : kMisses;
  }
  if (!domain.ends_with('*')) return kMisses;
  domain.remove_suffix(1);
  return host.size() > domain.size() && host.starts_with(domain) ? kPrefixDomain : kMisses;
}

std::string_view WithoutDigitsAfterColon(std::string_view host) {
  size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find_first_not_of("0123456789", colon + 1) != host.npos) {
    return host;
  }
  return host.substr(0, colon);
}

}  // namespace

std::string RouteGenerator::Pick(std::initializer_list<std::string_view> values) {
  return std::string(values.begin()[choose_(static_cast<uint32_t>(values.size()))]);
}

std::string RouteGenerator::Path(uint32_t max_size) {
  static constexpr std::string_view kLetters = "abaAB/";
  std::string path = "/";
  for (uint32_t size = choose_(max_size + 1); size > 0; --size) {
    path += kLetters[choose_(static_cast<uint32_t>(kLetters.size()))];
  }
  return path;
}

std::string RouteGenerator::Host() {
  std::string host = Pick({"a", "b", "ab", "A"});
  for (uint32_t labels = choose_(3); labels > 0; --labels) host += "." + Pick({"a", "b", "ba", "B"});
  return host;
}

std::string RouteGenerator::Domain() {
  switch (choose_(6)) {
    case 0:
      return "*";
    case 1:
      return "*" + std::string(OneIn(3) ? "" : ".") + Host();
    case 2:
      return Host() + (OneIn(3) ? "*" : ".*");
    case 3:
      return Host() + ":8080";
    default:
      return Host();
  }
}

std::string RouteGenerator::Text() {
  return Pick({"a", "b", "ab", "B", "Ab", "7"});
}

std::string RouteGenerator::StringMatch() {
  std::string fold = OneIn(3) ? ", ignore_case: true" : "";
  switch (choose_(5)) {
    case 0:
      return "{exact: " + Quoted(Text()) + fold + "}";
    case 1:
      return "{prefix: " + Quoted(Text()) + fold + "}";
    case 2:
      return "{suffix: " + Quoted(Text()) + fold + "}";
    case 3:
      return "{contains: " + Quoted(Text()) + fold + "}";
    default:
      return "{safe_regex: {regex: " + Quoted(Pick({"a+", "[ab]*", "(?i)b", ".*", "\\d+"})) + "}}";
  }
}

std::string RouteGenerator::PathMatch() {
  std::string fold = OneIn(3) ? ", case_sensitive: false" : "";
  switch (choose_(4)) {
    case 0:
      return "prefix: " + Quoted(OneIn(8) ? "" : Path(5)) + fold;
    case 1:
      return "path: " + Quoted(Path(5)) + fold;
    case 2:
      return "path_separated_prefix: " + Quoted(Path(4) + "a") + fold;
    default:
      return "safe_regex: {regex: " +
             Quoted(Pick({"/.*", "/a.*", "/[ab]+", "(?i)/ab?/.*", ".*/b", "/(a|b)/?", "/a{2,3}"})) + "}" +
             fold;
  }
}

std::string RouteGenerator::HeaderMatch() {
  std::string match = "{name: " + Quoted(Pick({"x-a", "X-B", "accept", ":method", "host"}));
  switch (choose_(4)) {
    case 0:
      match += ", present_match: " + Pick({"true", "false"});
      break;
    case 1:
      match += ", range_match: {start: 5, end: " + Pick({"7", "8", "5"}) + "}";
      break;
    case 2:
      break;
    default:
      match += ", string_match: " + StringMatch();
      break;
  }
  if (OneIn(3)) match += ", invert_match: true";
  if (OneIn(4)) match += ", treat_missing_header_as_empty: true";
  return match + "}";
}

std::string RouteGenerator::Conditions() {
  std::string conditions;
  if (OneIn(3)) {
    conditions += ", headers: [" + HeaderMatch() + (OneIn(3) ? ", " + HeaderMatch() : "") + "]";
  }
  if (OneIn(5)) {
    conditions += ", query_parameters: [{name: " + Pick({"q", "r"}) + ", ";
    conditions += OneIn(2) ? "present_match: true}]" : "string_match: " + StringMatch() + "}]";
  }
  if (OneIn(8)) {
    conditions += ", cookies: [{name: c, string_match: " + StringMatch();
    conditions += OneIn(2) ? "}]" : ", invert_match: true}]";
  }
  if (OneIn(10)) conditions += ", grpc: {}";
  if (OneIn(8)) {
    conditions += ", runtime_fraction: {default_value: {numerator: " + Pick({"0", "30", "100"}) + "}}";
  }
  return conditions;
}

std::string RouteGenerator::Action(uint32_t number) {
  switch (choose_(6)) {
    case 0:
      return "direct_response: {status: 204}";
    case 1:
      return "redirect: {https_redirect: true}";
    case 2:
      return "route: {weighted_clusters: {clusters: [{name: w0, weight: 1}, {name: w1, weight: 0}, {name: "
             "w2, weight: 3}]" +
             std::string(OneIn(2) ? ", header_name: x-pick}}" : "}}");
    default:
      return "route: {cluster: c" + std::to_string(number) + "}";
  }
}

std::string RouteGenerator::Routes(uint32_t max_routes) {
  std::string yaml;
  uint32_t count = choose_(max_routes + 1);
  for (uint32_t i = 0; i < count; ++i) {
    yaml += "  - {match: {" + PathMatch() + Conditions() + "}, " + Action(i) + "}\n";
  }
  return yaml;
}

RouteGenerator::Table RouteGenerator::MakeTable(uint32_t max_hosts, uint32_t max_routes) {
  Table table;
  table.ignore_port = OneIn(2);
  table.yaml =
      std::string(table.ignore_port ? "ignore_port_in_host_matching: true\n" : "") + "virtual_hosts:\n";
  std::set<std::string> taken;
  for (uint32_t hosts = 1 + choose_(max_hosts); hosts > 0; --hosts) {
    std::vector<std::string> domains;
    for (uint32_t wanted = 1 + choose_(3); wanted > 0; --wanted) {
      std::string domain = Domain();
      if (taken.insert(ToLowerAscii(domain)).second) domains.push_back(domain);
    }
    if (domains.empty()) continue;
    table.yaml += "- name: '" + std::to_string(table.domains.size()) + "'\n  domains: [";
    for (const std::string& domain : domains) table.yaml += Quoted(domain) + ", ";
    table.yaml += "]\n" + std::string(OneIn(12) ? "  require_tls: EXTERNAL_ONLY\n" : "");
    std::string routes = Routes(max_routes);
    if (!routes.empty()) table.yaml += "  routes:\n" + routes;
    table.domains.push_back(std::move(domains));
  }
  return table;
}

RouteGenerator::Request RouteGenerator::MakeRequest() {
  Request request;
  std::string host = Host();
  if (OneIn(4)) host += Pick({":8080", ":80", ":x"});
  request.fields.emplace_back(":authority", host);
  std::string path = Path(7);
  if (OneIn(12)) path += "\xff";
  if (OneIn(3)) path += "?" + Pick({"q", "q=a", "r=b&q=ab", "x=1&r", "q=b#q=a"});
  if (OneIn(12)) path += "#" + Path(2);
  request.fields.emplace_back(":path", path);
  if (OneIn(4)) request.fields.emplace_back(":method", Pick({"POST", "a"}));
  for (const char* name : {"x-a", "x-b", "accept"}) {
    for (uint32_t copies = choose_(3); copies > 0; --copies) request.fields.emplace_back(name, Text());
  }
  if (OneIn(3)) request.fields.emplace_back("cookie", Pick({"c=a", "d=1; c=\"b\"", "c", "cc=a"}));
  if (OneIn(4)) request.fields.emplace_back("content-type", Pick({"application/grpc", "application/grpcx"}));
  if (OneIn(4)) request.fields.emplace_back("x-pick", Pick({"0", "1", "3", "18446744073709551615", "x"}));
  if (OneIn(3)) request.fields.emplace_back("x-forwarded-proto", Pick({"http", "https"}));
  if (OneIn(4)) request.fields.emplace_back("x-envoy-internal", "true");
  request.random = uint64_t{choose_(1U << 30)} << 34 | choose_(1U << 30);
  return request;
}

std::string RouteGenerator::Request::ToString() const {
  std::string text;
  for (const auto& [name, value] : fields) text += name + ": " + value + "\n";
  return text + "random: " + std::to_string(random);
}

int ChooseVirtualHost(const RouteGenerator::Table& table, std::string_view host) {
  std::string seen = ToLowerAscii(table.ignore_port ? WithoutDigitsAfterColon(host) : host);
  std::pair<Rank, size_t> best{kMisses, 0};  // of equal rank, the longest
  int chosen = -1;
  for (size_t i = 0; i < table.domains.size(); ++i) {
    for (const std::string& domain : table.domains[i]) {
      std::pair<Rank, size_t> found{RankOf(ToLowerAscii(domain), seen), domain.size()};
      if (found.first == kMisses) continue;
      if (found.first > best.first || (found.first == best.first && found.second <= best.second)) continue;
      best = found;
      chosen = static_cast<int>(i);
    }
  }
  return chosen;
}

}  // namespace narthex
