#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/base/escape.h"
#include "source/server/health_fields.h"
#include "source/server/server.h"
#include "source/upstream/health_digest.h"

namespace narthex {
namespace {

// One host's figures, named as Envoy names them.
struct Figure {
  const char* name;
  uint64_t value;
  bool gauge;
};

std::vector<Figure> FiguresOf(const Host& host) {
  const HostTotals totals = host.Totals();
  return {{"cx_active", totals.cx_active, true},    {"cx_connect_fail", totals.cx_connect_fail, false},
          {"cx_total", totals.cx_total, false},     {"rq_active", totals.rq_active, true},
          {"rq_error", totals.rq_error, false},     {"rq_success", totals.rq_success, false},
          {"rq_timeout", totals.rq_timeout, false}, {"rq_total", totals.rq_total, false}};
}

// The limits of one priority, named as Envoy names them.
std::array<std::pair<const char*, uint32_t>, 4> LimitsOf(const BreakerLimits& limits) {
  return {{{"max_connections", limits.connections.value},
           {"max_pending_requests", limits.pending_requests.value},
           {"max_requests", limits.requests.value},
           {"max_retries", limits.retries.value}}};
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  AppendJsonEscaped(quoted, text);
  return quoted + "\"";
}

std::string LogEscaped(const std::string& text) {
  std::string escaped;
  AppendLogEscaped(escaped, text);
  return escaped;
}

std::string HostText(const std::string& cluster, const Host& host) {
  const std::string prefix = cluster + "::" + host.address_text() + "::";
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += prefix + name + "::" + value + "\n";
  };
  for (const Figure& figure : FiguresOf(host)) line(figure.name, std::to_string(figure.value));
  line("hostname", host.hostname());
  line("health_flags", HealthFlagsText(host));
  const std::string why = HealthCause(host);
  if (!why.empty()) line("health_cause", LogEscaped(why));
  line("weight", std::to_string(host.weight()));
  line("region", host.locality().region);
  line("zone", host.locality().zone);
  line("sub_zone", host.locality().sub_zone);
  line("canary", "false");
  line("priority", std::to_string(host.priority()));
  const HostFailure failure = host.last_failure();
  if (!failure.cause.empty()) line("last_error", LogEscaped(failure.cause));
  return text;
}

std::string ClusterText(const std::string& name, const ClusterRuntime& cluster, bool added_via_api) {
  std::string text = name + "::observability_name::" + cluster.config().stat_name + "\n";
  for (const auto& [priority, title] :
       {std::pair(Priority::kDefault, "default_priority"), std::pair(Priority::kHigh, "high_priority")}) {
    for (const auto& [limit, value] : LimitsOf(cluster.config().limits(priority))) {
      text += name + "::" + title + "::" + limit + "::" + std::to_string(value) + "\n";
    }
  }
  text += name + "::added_via_api::" + (added_via_api ? "true" : "false") + "\n";
  const std::string error = cluster.discovery_error();
  if (!error.empty()) text += name + "::discovery_error::" + error + "\n";
  const std::string digest = HealthDigest(*cluster.hosts());
  if (!digest.empty()) text += name + "::unhealthy::" + LogEscaped(digest) + "\n";
  for (const auto& host : cluster.hosts()->hosts) text += HostText(name, *host);
  return text;
}

std::string AddressJson(const Host& host) {
  if (!host.address().is_ip()) return "{\"pipe\":{\"path\":" + Quoted(host.address_text()) + "}}";
  return "{\"socket_address\":{\"address\":" + Quoted(host.address().IpString()) +
         ",\"port_value\":" + std::to_string(host.address().port()) + "}}";
}

std::string LocalityJson(const Locality& locality) {
  return "{\"region\":" + Quoted(locality.region) + ",\"zone\":" + Quoted(locality.zone) +
         ",\"sub_zone\":" + Quoted(locality.sub_zone) + "}";
}

std::string HostJson(const Host& host) {
  std::string json = "{\"address\":" + AddressJson(host) + ",\"stats\":[";
  for (const Figure& figure : FiguresOf(host)) {
    if (json.back() == '}') json += ",";
    json += std::string("{\"type\":\"") + (figure.gauge ? "GAUGE" : "COUNTER") + "\",\"name\":\"" +
            figure.name + "\",\"value\":\"" + std::to_string(figure.value) + "\"}";
  }
  json += "],\"health_status\":" + HealthStatusJson(host) + ",\"weight\":" + std::to_string(host.weight()) +
          ",\"priority\":" + std::to_string(host.priority()) + ",\"hostname\":" + Quoted(host.hostname()) +
          ",\"locality\":" + LocalityJson(host.locality());
  const std::string why = HealthCause(host);
  if (!why.empty()) json += ",\"health_cause\":" + Quoted(why);
  const HostFailure failure = host.last_failure();
  if (!failure.cause.empty()) json += ",\"last_error\":" + Quoted(failure.cause);
  return json + "}";
}

std::string ThresholdsJson(const ClusterConfig& config) {
  std::string json;
  for (const Priority priority : {Priority::kDefault, Priority::kHigh}) {
    json += priority == Priority::kDefault ? "{\"priority\":\"DEFAULT\"" : ",{\"priority\":\"HIGH\"";
    for (const auto& [name, value] : LimitsOf(config.limits(priority))) {
      json += std::string(",\"") + name + "\":" + std::to_string(value);
    }
    json += "}";
  }
  return json;
}

std::string ClusterJson(const std::string& name, const ClusterRuntime& cluster, bool added_via_api) {
  std::string json = "{\"name\":" + Quoted(name) +
                     ",\"observability_name\":" + Quoted(cluster.config().stat_name) +
                     ",\"added_via_api\":" + (added_via_api ? "true" : "false") +
                     ",\"circuit_breakers\":{\"thresholds\":[" + ThresholdsJson(cluster.config()) + "]}";
  const std::string error = cluster.discovery_error();
  if (!error.empty()) json += ",\"discovery_error\":" + Quoted(error);
  const std::string digest = HealthDigest(*cluster.hosts());
  if (!digest.empty()) json += ",\"unhealthy\":" + Quoted(digest);
  json += ",\"host_statuses\":[";
  bool first = true;
  for (const auto& host : cluster.hosts()->hosts) {
    if (!std::exchange(first, false)) json += ",";
    json += HostJson(*host);
  }
  return json + "]}";
}

// Clusters of files that dynamic_resources name.
std::set<std::string> AddedViaApi(const ConfigFiles& files) {
  std::set<std::string> names;
  for (size_t i = files.static_clusters; i < files.clusters.size(); ++i) {
    names.insert(files.clusters[i].message->name());
  }
  return names;
}

}  // namespace

std::string Server::ClustersText() const {
  const std::set<std::string> added = AddedViaApi(*snapshot_->files);
  std::string text;
  for (const auto& [name, cluster] : snapshot_->clusters->clusters) {
    text += ClusterText(name, *cluster, added.contains(name));
  }
  return text;
}

std::string Server::ClustersJson() const {
  const std::set<std::string> added = AddedViaApi(*snapshot_->files);
  std::string json = "{\"cluster_statuses\":[";
  bool first = true;
  for (const auto& [name, cluster] : snapshot_->clusters->clusters) {
    if (!std::exchange(first, false)) json += ",";
    json += ClusterJson(name, *cluster, added.contains(name));
  }
  return json + "]}";
}

}  // namespace narthex
