#include "source/base/escape.h"
#include "source/server/server.h"

namespace narthex {
namespace {

// One host's figures, named as Envoy names them.
struct Figure {
  const char* name;
  uint64_t value;
};

std::vector<Figure> FiguresOf(const Host& host) {
  const HostTotals totals = host.Totals();
  return {{"cx_active", totals.cx_active},   {"cx_connect_fail", totals.cx_connect_fail},
          {"cx_total", totals.cx_total},     {"rq_active", totals.rq_active},
          {"rq_error", totals.rq_error},     {"rq_success", totals.rq_success},
          {"rq_timeout", totals.rq_timeout}, {"rq_total", totals.rq_total}};
}

const char* HealthOf(const Host& host) {
  return host.available() ? "healthy" : "/eds_status_unhealthy";
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  AppendJsonEscaped(quoted, text);
  return quoted + "\"";
}

std::string HostText(const std::string& cluster, const Host& host) {
  const std::string prefix = cluster + "::" + host.address_text() + "::";
  std::string text;
  for (const Figure& figure : FiguresOf(host))
    text += prefix + figure.name + "::" + std::to_string(figure.value) + "\n";
  text += prefix + "hostname::" + host.hostname() + "\n";
  text += prefix + "health_flags::" + HealthOf(host) + "\n";
  text += prefix + "weight::" + std::to_string(host.weight()) + "\n";
  text += prefix + "priority::" + std::to_string(host.priority()) + "\n";
  const HostFailure failure = host.last_failure();
  if (!failure.cause.empty()) {
    text += prefix + "last_error::";
    AppendLogEscaped(text, failure.cause);
    text += "\n";
  }
  return text;
}

std::string HostJson(const Host& host) {
  std::string json = "{\"address\":{\"socket_address\":{\"address\":" + Quoted(host.address().IpString()) +
                     ",\"port_value\":" + std::to_string(host.address().port()) + "}}";
  if (!host.address().is_ip())
    json = "{\"address\":{\"pipe\":{\"path\":" + Quoted(host.address_text()) + "}}";
  json += ",\"stats\":[";
  bool first = true;
  for (const Figure& figure : FiguresOf(host)) {
    json += first ? "" : ",";
    first = false;
    json +=
        "{\"name\":\"" + std::string(figure.name) + "\",\"value\":\"" + std::to_string(figure.value) + "\"}";
  }
  json += std::string("],\"health_status\":{\"eds_health_status\":\"") +
          (host.available() ? "HEALTHY" : "UNHEALTHY") + "\"},\"weight\":" + std::to_string(host.weight()) +
          ",\"priority\":" + std::to_string(host.priority()) + ",\"hostname\":" + Quoted(host.hostname());
  const HostFailure failure = host.last_failure();
  if (!failure.cause.empty()) json += ",\"last_error\":" + Quoted(failure.cause);
  return json + "}";
}

}  // namespace

std::string Server::ClustersText() const {
  std::string text;
  for (const auto& [name, runtime] : snapshot_->clusters->clusters) {
    const std::string error = runtime->discovery_error();
    if (!error.empty()) text += name + "::discovery_error::" + error + "\n";
    for (const auto& host : runtime->hosts()->hosts) text += HostText(name, *host);
  }
  return text;
}

std::string Server::ClustersJson() const {
  std::string json = "{\"cluster_statuses\":[";
  bool first = true;
  for (const auto& [name, runtime] : snapshot_->clusters->clusters) {
    json += (first ? "{\"name\":" : ",{\"name\":") + Quoted(name) + ",\"host_statuses\":[";
    first = false;
    bool first_host = true;
    for (const auto& host : runtime->hosts()->hosts) {
      if (!std::exchange(first_host, false)) json += ",";
      json += HostJson(*host);
    }
    json += "]}";
  }
  return json + "]}";
}

}  // namespace narthex
