#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/config_path.h"
#include "source/filter/route.h"
#include "source/router/cluster_response_stats.h"
#include "source/router/hash_policy.h"
#include "source/router/header_mutation.h"
#include "source/router/matchers.h"
#include "source/router/mirror_policy.h"
#include "source/router/path_rewrite.h"
#include "source/router/redirect.h"
#include "source/router/retry_policy.h"
#include "source/router/route_stats.h"
#include "source/router/upgrade_rules.h"
#include "source/upstream/cluster.h"
#include "source/upstream/lb_metadata.h"

namespace narthex {

// Where a forwarded request goes and how; 10,000 of them fit in a few MiB because what is rare hangs behind
// `rare`, and routes that say the same share one object. Immutable.
struct ForwardAction {
  static constexpr std::chrono::milliseconds kDefaultTimeout{15'000};

  // From the end of the request to the end of the response; 0: none.
  std::chrono::milliseconds timeout = kDefaultTimeout;
  // Without a byte in either direction; overrides the connection manager's stream_idle_timeout.
  std::optional<std::chrono::milliseconds> idle_timeout;
  // From the request's head on, overrides the connection manager's; 0: none.
  std::optional<std::chrono::milliseconds> max_stream_duration;
  // Set: honour grpc-timeout in place of max_stream_duration, up to this (0: any), less the offset.
  std::optional<std::chrono::milliseconds> grpc_timeout_max;
  std::chrono::milliseconds grpc_timeout_offset{0};
  // max_stream_duration is written (whatever it sets): `timeout` is then not used, as in Envoy.
  bool stream_duration_rules = false;

  Priority priority = Priority::kDefault;
  int cluster_not_found_status = 503;
  bool auto_host_rewrite = false;
  bool append_x_forwarded_host = false;
  std::string cluster_header;  // not empty: the request header that names the cluster, in lower case
  std::string timeout_text;    // `timeout` in milliseconds, for x-envoy-expected-rq-timeout-ms
  PathRewrite path_rewrite;
  HostRewrite host_rewrite;
  std::shared_ptr<const RetryPolicy> retries;     // null: the virtual host's
  std::shared_ptr<const MirrorPolicies> mirrors;  // null: the virtual host's
  std::optional<bool> hedges;                     // none: as the virtual host says
  UpgradeRules upgrades;                          // where they say nothing, the connection manager's hold
  bool terminates_connect = false;  // a CONNECT's bytes go to a host of the cluster, and no CONNECT does
  std::shared_ptr<const HashPolicies> hash_policies;    // null: none
  std::shared_ptr<const MetadataMatch> metadata_match;  // null: any host will do
};

// What a virtual host says about each of its routes. Immutable.
struct RouteScope {
  std::string virtual_host;
  uint32_t virtual_host_index = 0;
  ConfigPath
      table_path;  // of the RouteConfiguration; its OriginMap outlives the table (the snapshot holds it)
  bool include_request_attempt_count = false;
  bool include_attempt_count_in_response = false;
  std::shared_ptr<const RetryPolicy> retries;     // null: none
  std::shared_ptr<const MirrorPolicies> mirrors;  // its own, or the table's; null: none
  bool hedges = false;
};

struct DirectResponse {
  int status = 200;
  std::string body;
};

// A route, compiled: what it matches and what it does. A route with weighted clusters has one of these for
// each cluster and one that only matches; Match returns the chosen cluster's. Immutable, shared by all
// requests.
struct CompiledRoute : Route {
  enum class PathKind : uint8_t { kPrefix, kExact, kSegments, kRegex, kConnect };
  struct WeightedChoice {
    uint32_t total = 0;
    std::string random_header;  // whose number takes the place of the random one; in lower case
    std::vector<std::pair<uint32_t, std::unique_ptr<const CompiledRoute>>> routes;  // weight, route
  };

  // Exactly one of the three is set, unless `weighted` is.
  std::shared_ptr<const ForwardAction> forward;
  std::unique_ptr<const RedirectAction> redirect;
  std::unique_ptr<const DirectResponse> direct_response;

  // Header changes of all levels in the order in which they apply; null when there are none.
  std::shared_ptr<const HeaderMutations> request_mutations;
  std::shared_ptr<const HeaderMutations> response_mutations;
  // Response counters of `cluster`; null for other actions and for clusters chosen by header.
  const ClusterResponseStats* cluster_stats = nullptr;
  // Of stat_prefix; null without one.
  const RouteStats* route_stats = nullptr;

  // The match. A path of a case-insensitive route is in lower case. kConnect takes CONNECT, which has no
  // path, and nothing else does.
  PathKind path_kind = PathKind::kPrefix;
  bool case_sensitive = true;
  std::string path;  // prefix, path or the text of the expression
  std::unique_ptr<const Regex> regex;
  std::unique_ptr<const RoutePredicates> predicates;  // null: the path is all that is looked at
  std::unique_ptr<const WeightedChoice> weighted;

  const RouteScope* scope = nullptr;  // owned by the table
  uint32_t index = 0;                 // in the virtual host; kNoIndex for a route the table itself made
  std::optional<uint64_t> request_body_buffer_limit;
  static constexpr uint32_t kNoIndex = ~uint32_t{0};

  // The route's own, or the virtual host's; null: none. REQUIRES: forward is set.
  const RetryPolicy* retry_policy() const {
    return forward->retries != nullptr ? forward->retries.get() : scope->retries.get();
  }
  // Likewise; null: none.
  const MirrorPolicies* mirrors() const {
    return forward->mirrors != nullptr ? forward->mirrors.get() : scope->mirrors.get();
  }
  // Whether a try that takes too long goes on beside the next one.
  bool hedges() const { return forward->hedges.value_or(scope->hedges); }
  // The place in the configuration of the route, for errors and explain.
  ConfigPath config_path() const;
  // Where the setting of this route's field was written ("route", "timeout"): the field or its closest
  // written ancestor.
  Origin OriginOf(std::string_view action, std::string_view field) const;
};

// The route of `request`. REQUIRES: its exchange's route came from a RouteTable.
inline const CompiledRoute& CompiledRouteOf(const Request& request) {
  return static_cast<const CompiledRoute&>(request.route());
}

}  // namespace narthex
