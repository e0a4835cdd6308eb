#pragma once

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/server/lint.h"
#include "test/server/text_snapshot.h"

namespace narthex {

// What `check` says of a configuration, one warning a line. The long path of the first listener's connection
// manager reads HCM, and the name of the text is left out: "2:1: HCM.route_config...: warning: ...".
inline std::string LintOf(const std::string& yaml) {
  TextSnapshot text(yaml);
  EXPECT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  if (text.snapshot != nullptr) LintSnapshot(*text.snapshot, text.diagnostics);
  std::string found = text.diagnostics.ToText();
  const auto replace = [&found](const std::string& what, const std::string& with) {
    for (size_t at = found.find(what); at != std::string::npos; at = found.find(what, at)) {
      found.replace(at, what.size(), with);
    }
  };
  replace("static_resources.listeners[0].filter_chains[0].filters[0].typed_config", "HCM");
  replace("<--config-yaml>:", "");
  return found;
}

// A static cluster with one host, in flow style; `fields` are added to it.
inline std::string ClusterWith(const std::string& name, const std::string& fields = "connect_timeout: 1s") {
  return "{name: " + name + ", type: STATIC, " + fields + ", load_assignment: {cluster_name: " + name +
         ", endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, "
         "port_value: 1}}}}]}]}}";
}

// A gateway whose connection manager holds `fields`, in flow style and each with a comma after it; they begin
// at line 2, column 1.
inline std::string GatewayWith(const std::string& fields, const std::string& clusters = ClusterWith("c")) {
  return "static_resources: {listeners: [{name: l, address: {socket_address: {address: 127.0.0.1, "
         "port_value: "
         "80}}, filter_chains: [{filters: [{name: hcm, typed_config: {'@type': type.googleapis.com/"
         "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: "
         "s,\n" +
         fields +
         "\nhttp_filters: [{name: router, typed_config: {'@type': "
         "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}]}]}], clusters: [\n" +
         clusters + "]}\n";
}

// What `check` says of the routes of one virtual host, a.test: the first begins at line 3, column 1.
inline std::string LintRoutesOf(const std::string& routes, const std::string& clusters = ClusterWith("c")) {
  return LintOf(GatewayWith(
      "route_config: {virtual_hosts: [{name: v, domains: [a.test], routes: [\n" + routes + "]}]},",
      clusters));
}

}  // namespace narthex
