#include "source/server/explain_cluster.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/manager/setting.h"
#include "source/upstream/health_digest.h"
#include "source/upstream/host_tables.h"

namespace narthex {
namespace {

using Answer = ExchangeExplanation;

const char* TypeName(DiscoveryType type) {
  switch (type) {
    case DiscoveryType::kStatic:
      return "STATIC";
    case DiscoveryType::kStrictDns:
      return "STRICT_DNS";
    case DiscoveryType::kLogicalDns:
      return "LOGICAL_DNS";
  }
  return "";
}

// Why the balancer does or does not pick this host, whose share of the load is `share`.
std::string Turn(const Host& host, double share, const HostTables& tables) {
  const size_t at = host.priority();
  const PriorityLoad::Shares& load = tables.load.shares()[at];
  if (share > 0) {
    const std::string percent = absl::StrFormat("%.1f%% of the load", 100 * share);
    if (host.available()) return percent;
    const PriorityTables& priority = tables.priorities[at];
    return absl::StrCat(percent, " although unhealthy: only ",
                        priority.healthy.size() + priority.degraded.size(), " of ", priority.all.size(),
                        " hosts are healthy, fewer than healthy_panic_threshold");
  }
  if (!host.available()) return "left out: " + HealthCause(host);
  if (load.panic) return "left out: its priority is in panic, with fail_traffic_on_panic";
  if (load.healthy + load.degraded > 0) {
    const bool second = host.health().state() == HostHealth::State::kDegraded && load.degraded == 0;
    return second ? "waits: it is degraded, and healthy hosts can take all"
                  : "left out: its locality has no weight";
  }
  for (size_t other = 0; other < tables.load.shares().size(); ++other) {
    const PriorityLoad::Shares& shares = tables.load.shares()[other];
    if (shares.healthy + shares.degraded > 0) return absl::StrCat("waits: priority ", other, " has hosts");
  }
  return "left out";
}

std::string HostLine(const Host& host, const std::string& turn) {
  const HostTotals totals = host.Totals();
  std::string line = absl::StrCat(host.address_text(), ": ", turn, ", weight ", host.weight(), ", priority ",
                                  host.priority(), ", ", totals.rq_active, " requests active");
  const HostFailure failure = host.last_failure();
  if (!failure.cause.empty()) absl::StrAppend(&line, ", last failure: ", failure.cause);
  return line;
}

void ExplainHosts(const ClusterRuntime& cluster, Answer& answer) {
  const std::string error = cluster.discovery_error();
  if (!error.empty()) answer.Add("hosts", "the last lookup failed: " + error);
  const std::shared_ptr<const HostSet> set = cluster.hosts();
  const ClusterConfig& config = cluster.config();
  if (set->hosts.empty() && config.type != DiscoveryType::kStatic) {
    for (const EndpointConfig& endpoint : config.endpoints) {
      const std::string name = endpoint.dns_name.empty()
                                   ? endpoint.address.ToString()
                                   : absl::StrCat(endpoint.dns_name, ":", endpoint.port);
      answer.Add("hosts", name + ": not resolved yet");
    }
    return;
  }
  if (set->hosts.empty()) answer.Add("hosts", "none: the request is answered with 503 (no_healthy_upstream)");
  std::vector<Host*> hosts;
  for (const auto& host : set->hosts) hosts.push_back(host.get());
  const HostTables tables = MakeHostTables(hosts, config.balancer);
  const std::map<const Host*, double> shares = ExpectedShares(tables, config.balancer);
  for (const Host* host : hosts) {
    const auto share = shares.find(host);
    answer.Add("hosts", HostLine(*host, Turn(*host, share == shares.end() ? 0 : share->second, tables)));
  }
}

void ExplainLimits(const ClusterRuntime& cluster, const ConfigPath& path, Answer& answer) {
  const ConnectionSettings& connection = cluster.config().connection;
  const ConfigPath options = path.Field("typed_extension_protocol_options")
                                 .Key("envoy.extensions.upstreams.http.v3.HttpProtocolOptions")
                                 .Field("common_http_protocol_options");
  const auto timeout = [&](const char* name, std::chrono::milliseconds value, const ConfigPath& at) {
    const std::string origin = at.IsWritten() ? at.Origin().ToString() : "default";
    answer.Add("timeouts", absl::StrCat("upstream ", name, ": ", DurationText(value), " (", origin, ")"));
  };
  timeout("connect_timeout", connection.connect_timeout, path.Field("connect_timeout"));
  timeout("idle_timeout", connection.idle_timeout, options.Field("idle_timeout"));
  if (connection.max_duration.count() > 0) {
    timeout("max_connection_duration", connection.max_duration, options.Field("max_connection_duration"));
  }
}

void ExplainBreakers(const ClusterRuntime& cluster, const ConfigPath& path, Priority priority,
                     Answer& answer) {
  const BreakerLimits& limits = cluster.config().limits(priority);
  const bool written = path.Field("circuit_breakers").IsWritten();
  const auto limit = [&](const char* name, const Limit& bound) {
    answer.Add("limits",
               absl::StrCat(name, ": ", bound.value, " (", written ? bound.origin : "default", ")"));
  };
  limit("max_connections", limits.connections);
  limit("max_pending_requests", limits.pending_requests);
  limit("max_requests", limits.requests);
  if (!limits.retry_budget) return limit("max_retries", limits.retries);
  answer.Add("limits",
             absl::StrCat("retry_budget: ", limits.retry_budget->percent, "% of active requests, at least ",
                          limits.retry_budget->least, " (", limits.retries.origin, ")"));
}

ConfigPath PathOf(const Snapshot& snapshot, const std::string& name) {
  for (const auto& placed : snapshot.files->clusters) {
    if (placed.message->name() == name) return placed.path;
  }
  return {};
}

}  // namespace

void ExplainCluster(const Snapshot& snapshot, const std::string& name, ExchangeExplanation& answer) {
  const auto found = snapshot.clusters->clusters.find(name);
  if (found == snapshot.clusters->clusters.end()) {
    answer.status = answer.no_cluster_status;
    return answer.Add("answer", absl::StrCat("status ", answer.status, ", cluster_not_found"));
  }
  const ClusterRuntime& cluster = *found->second;
  const ConfigPath path = PathOf(snapshot, name);
  const char* policy = NameOf(cluster.config().balancer.policy);
  answer.Add("cluster", absl::StrCat(TypeName(cluster.config().type), ", ", policy, " (",
                                     path.Origin().ToString(), ")"));
  ExplainHosts(cluster, answer);
  ExplainLimits(cluster, path, answer);
  ExplainBreakers(cluster, path, answer.priority, answer);
}

}  // namespace narthex
