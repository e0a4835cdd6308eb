#include "source/stats/tags.h"

#include <algorithm>
#include <array>

namespace narthex {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// A rule for a name that consists of parts between dots: literal parts, "$" for the value, "*" for any one
// part, and more parts behind.
struct Rule {
  std::string_view pattern;
  std::string_view tag;
};

constexpr auto kRules = std::to_array<Rule>({
    {"cluster.$", "envoy_cluster_name"},
    {"http.$", "envoy_http_conn_manager_prefix"},
    {"http.*.user_agent.$", "envoy_http_user_agent"},
    {"http.*.fault.$", "envoy_fault_downstream_cluster"},
    {"http.*.rds.$", "envoy_rds_route_config"},
    {"tcp.$", "envoy_tcp_prefix"},
    {"vhost.$", "envoy_virtual_host"},
    {"vhost.*.vcluster.$", "envoy_virtual_cluster"},
    {"vhost.*.route.$", "envoy_route"},
    {"connection_limit.$", "envoy_connection_limit_prefix"},
    {"local_rate_limit.$", "envoy_local_ratelimit_prefix"},
    {"local_ratelimit.$", "envoy_local_listener_ratelimit_prefix"},
    {"$.http_local_rate_limit", "envoy_local_http_ratelimit_prefix"},
});

// The end of the part that starts at `at`.
size_t PartEnd(std::string_view name, size_t at) {
  const size_t dot = name.find('.', at);
  return dot == std::string_view::npos ? name.size() : dot;
}

struct Span {
  size_t begin = 0;
  size_t end = 0;
};

// Where the rule's value is; false when the name is not of its form. Something must follow the value.
bool Match(std::string_view name, std::string_view pattern, Span& value) {
  size_t at = 0;
  while (!pattern.empty()) {
    if (at >= name.size()) return false;
    const std::string_view want = pattern.substr(0, PartEnd(pattern, 0));
    const size_t end = PartEnd(name, at);
    if (want == "$") {
      if (end >= name.size()) return false;
      value = {at, end};
    } else if (want != "*" && want != name.substr(at, end - at)) {
      return false;
    }
    at = end + 1;
    pattern.remove_prefix(std::min(pattern.size(), want.size() + 1));
  }
  return true;
}

// The address in "listener.0.0.0.0_80.downstream_cx_total" or "listener.[__1]_80.http.x": digits, dots and
// underscores, or brackets with hexadecimal digits; it ends with a port.
Span ListenerAddress(std::string_view name) {
  constexpr std::string_view kPrefix = "listener.";
  if (!name.starts_with(kPrefix)) return {};
  const size_t begin = kPrefix.size();
  const size_t wrong = name.find_first_not_of(
      name.substr(begin).starts_with('[') ? "[]0123456789abcdefABCDEF_." : "0123456789_.", begin);
  if (wrong == std::string_view::npos) return {};
  const size_t end = name.rfind('.', wrong);
  if (end == std::string_view::npos || end <= begin || !IsDigit(name[end - 1])) return {};
  return {begin, end};
}

// Takes a part and the dot behind it out of the name.
void TakeOut(TaggedName& tagged, Span value, std::string_view tag) {
  tagged.tags.push_back({std::string(tag), tagged.name.substr(value.begin, value.end - value.begin)});
  tagged.name.erase(value.begin, value.end - value.begin + 1);
}

void ExtractListener(TaggedName& tagged) {
  const Span address = ListenerAddress(tagged.name);
  if (address.end != 0) TakeOut(tagged, address, "envoy_listener_address");
  Span value;
  if (Match(tagged.name, "listener.http.$", value)) {
    TakeOut(tagged, value, "envoy_http_conn_manager_prefix");
  }
  constexpr std::string_view kWorker = "listener.worker_";
  if (!tagged.name.starts_with(kWorker)) return;
  const size_t end = PartEnd(tagged.name, kWorker.size());
  if (end >= tagged.name.size()) return;
  tagged.tags.push_back({"envoy_worker_id", tagged.name.substr(kWorker.size(), end - kWorker.size())});
  tagged.name.erase(9, end - 9 + 1);
}

// "..._rq_200" and "..._rq_2xx".
void ExtractResponseCode(TaggedName& tagged) {
  constexpr std::string_view kMark = "_rq_";
  std::string& name = tagged.name;
  if (name.size() < kMark.size() + 3) return;
  const size_t at = name.size() - 3;
  if (std::string_view(name).substr(at - kMark.size(), kMark.size()) != kMark || !IsDigit(name[at])) return;
  if (name[at + 1] == 'x' && name[at + 2] == 'x') {
    tagged.tags.push_back({"envoy_response_code_class", name.substr(at, 1)});
    name.erase(at, 1);
  } else if (IsDigit(name[at + 1]) && IsDigit(name[at + 2])) {
    tagged.tags.push_back({"envoy_response_code", name.substr(at)});
    name.erase(at - 1);
  }
}

// "cluster.*.grpc.package.Service.Method.total", likewise "grpc-web": the last two parts are the method and
// what is counted, and the service, which may have dots, is what stands before. Not so
// "cluster.*.grpc.total".
void ExtractGrpcMethod(TaggedName& tagged) {
  const std::string& name = tagged.name;
  if (!name.starts_with("cluster.")) return;
  const size_t protocol = PartEnd(name, PartEnd(name, 0) + 1) + 1;
  if (protocol >= name.size()) return;
  const size_t service = PartEnd(name, protocol) + 1;
  const std::string_view word = std::string_view(name).substr(protocol, service - 1 - protocol);
  if (word != "grpc" && word != "grpc-web") return;
  const size_t leaf = name.rfind('.');
  const size_t method = leaf > service ? name.rfind('.', leaf - 1) : 0;
  if (method <= service) return;
  TakeOut(tagged, {method + 1, leaf}, "envoy_grpc_bridge_method");
  TakeOut(tagged, {service, method}, "envoy_grpc_bridge_service");
}

}  // namespace

TaggedName ExtractTags(std::string_view stat_name) {
  TaggedName tagged{std::string(stat_name), {}};
  ExtractResponseCode(tagged);
  if (stat_name.starts_with("listener.")) {
    ExtractListener(tagged);
    return tagged;
  }
  ExtractGrpcMethod(tagged);
  // Values are taken out from the back, so that the positions of those before stay right.
  std::vector<std::pair<Span, std::string_view>> found;
  for (const Rule& rule : kRules) {
    Span value;
    if (Match(tagged.name, rule.pattern, value)) found.emplace_back(value, rule.tag);
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first.begin > b.first.begin; });
  for (const auto& [value, tag] : found) TakeOut(tagged, value, tag);
  return tagged;
}

}  // namespace narthex
