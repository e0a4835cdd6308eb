#pragma once

#include <memory>
#include <string>

#include "filters/registry.h"
#include "source/server/snapshot.h"

namespace narthex {

// A snapshot of configuration written in a test, with what was found wrong.
struct TextSnapshot {
  explicit TextSnapshot(std::string yaml) : registry(BuiltInFilters()) {
    CommandLine line;
    line.config_yaml = std::move(yaml);
    snapshot = BuildSnapshot(line, registry, diagnostics, nullptr);
  }
  FilterRegistry registry;
  Diagnostics diagnostics;
  std::shared_ptr<const Snapshot> snapshot;
};

// A listener's filter with these routes of one virtual host, for flow style YAML.
inline std::string HcmWith(const std::string& routes) {
  return "{name: hcm, typed_config: {'@type': type.googleapis.com/"
         "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: s, "
         "route_config: {virtual_hosts: [{name: v, domains: ['a.test'], routes: [" +
         routes +
         "]}]}, http_filters: [{name: router, typed_config: {'@type': "
         "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}";
}

inline std::string ListenerWith(const std::string& name, int port, const std::string& chains) {
  return "  - {name: " + name +
         ", address: {socket_address: {address: 127.0.0.1, port_value: " + std::to_string(port) +
         "}}, filter_chains: [" + chains + "]}\n";
}

// A bootstrap with these listeners and static clusters of these names, one a line.
inline std::string BootstrapWith(const std::string& listeners, const std::vector<std::string>& clusters) {
  std::string yaml = "static_resources:\n  listeners:\n" + listeners + "  clusters:\n";
  for (const std::string& name : clusters) {
    yaml += "  - {name: " + name +
            ", type: STATIC, connect_timeout: 1s, load_assignment: {cluster_name: " + name +
            ", endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, "
            "port_value: "
            "1}}}}]}]}}\n";
  }
  return yaml;
}

}  // namespace narthex
