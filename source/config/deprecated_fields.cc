#include "source/config/deprecated_fields.h"

#include <algorithm>
#include <iterator>

namespace narthex {
namespace {

struct Advice {
  std::string_view message, field, text;
};

constexpr std::string_view kHeaderMatcher = "envoy.config.route.v3.HeaderMatcher";
constexpr std::string_view kCluster = "envoy.config.cluster.v3.Cluster";
constexpr std::string_view kUseStringMatch = "; use string_match";
// What Envoy has in their place is a cluster_type of its own, which says the same in other words.
constexpr std::string_view kWorksAllTheSame = " in Envoy v3 and works all the same";

constexpr Advice kAdvice[] = {
    {kHeaderMatcher, "exact_match", kUseStringMatch},
    {kHeaderMatcher, "prefix_match", kUseStringMatch},
    {kHeaderMatcher, "suffix_match", kUseStringMatch},
    {kHeaderMatcher, "contains_match", kUseStringMatch},
    {kHeaderMatcher, "safe_regex_match", kUseStringMatch},
    {kCluster, "dns_refresh_rate", kWorksAllTheSame},
    {kCluster, "dns_jitter", kWorksAllTheSame},
    {kCluster, "dns_failure_refresh_rate", kWorksAllTheSame},
    {kCluster, "respect_dns_ttl", kWorksAllTheSame},
    {kCluster, "max_requests_per_connection",
     "; use common_http_protocol_options.max_requests_per_connection of HttpProtocolOptions in "
     "typed_extension_protocol_options"},
};

}  // namespace

std::string DescribeDeprecated(std::string_view message, std::string_view field) {
  std::string text = "field \"";
  text.append(field).append("\" is deprecated");
  const auto advice = std::find_if(std::begin(kAdvice), std::end(kAdvice), [&](const Advice& candidate) {
    return candidate.message == message && candidate.field == field;
  });
  return advice == std::end(kAdvice) ? text : text.append(advice->text);
}

}  // namespace narthex
