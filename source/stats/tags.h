#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/stats/stats.h"

namespace narthex {

// A statistic's name with its variable parts taken out: "cluster.products.upstream_rq_200" is
// "cluster.upstream_rq" with envoy_response_code = 200 and envoy_cluster_name = products.
struct TaggedName {
  std::string name;
  std::vector<StatTag> tags;  // names in Prometheus form, "envoy_cluster_name"
};

// Applies Envoy's default tag rules (those for the parts that Narthex has). As in Envoy, a name's part ends
// at the first dot, so clusters and prefixes with dots in their names are cut short.
TaggedName ExtractTags(std::string_view stat_name);

}  // namespace narthex
