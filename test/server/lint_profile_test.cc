// Settings less safe than the edge profile's.
#include "test/server/lint_text.h"

namespace narthex {
namespace {

const std::string kRoutes =
    "\nroute_config: {virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /}, route: "
    "{cluster: "
    "c}}]}]},";

TEST(LintProfile, NamesEachDeviationWhereItIsWritten) {
  EXPECT_EQ(
      LintOf(GatewayWith("use_remote_address: false,\nnormalize_path: false,\nmerge_slashes: false,\n"
                         "request_headers_timeout: 60s,\n"
                         "common_http_protocol_options: {headers_with_underscores_action: ALLOW}," +
                         kRoutes)),
      "2:1: warning: HCM.use_remote_address: less safe than the edge profile: use_remote_address is false\n"
      "3:1: warning: HCM.normalize_path: less safe than the edge profile: normalize_path is false\n"
      "4:1: warning: HCM.merge_slashes: less safe than the edge profile: merge_slashes is false\n"
      "5:1: warning: HCM.request_headers_timeout: less safe than the edge profile: request_headers_timeout "
      "is 60s\n"
      "6:32: warning: HCM.common_http_protocol_options.headers_with_underscores_action: less safe than the "
      "edge profile: headers_with_underscores_action is ALLOW\n");
}

TEST(LintProfile, LeavesWhatIsAsSafeAlone) {
  EXPECT_EQ(LintOf(GatewayWith("use_remote_address: true,\nrequest_headers_timeout: 5s," + kRoutes)), "");
}

TEST(LintProfile, NamesLargeBuffers) {
  EXPECT_EQ(
      LintOf(GatewayWith(kRoutes,
                         "{name: c, type: STATIC, connect_timeout: 1s,\n"
                         "per_connection_buffer_limit_bytes: 1048576, load_assignment: {cluster_name: "
                         "c, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: "
                         "{address: 127.0.0.1, port_value: 1}}}}]}]}}")),
      "6:1: warning: static_resources.clusters[0].per_connection_buffer_limit_bytes: less safe than the edge "
      "profile: per_connection_buffer_limit_bytes is 1048576, above 32768\n");
}

TEST(LintProfile, NamesALowerClientRate) {
  const std::string extension =
      "bootstrap_extensions: [{name: p, typed_config: {'@type': "
      "type.googleapis.com/narthex.config.bootstrap.v1.Profile,\nmin_client_bytes_per_second: ";
  EXPECT_EQ(
      LintOf(extension + "0}}]\n" + GatewayWith(kRoutes)),
      "2:1: warning: bootstrap_extensions[0].typed_config.min_client_bytes_per_second: less safe than the "
      "edge profile: min_client_bytes_per_second is 0, below 240\n");
  EXPECT_EQ(LintOf(extension + "300}}]\n" + GatewayWith(kRoutes)), "");
}

TEST(LintProfile, SaysInOneLineWhatEnvoysDefaultsLeaveUnsafe) {
  std::string yaml = GatewayWith(kRoutes);
  yaml.insert(0,
              "bootstrap_extensions: [{name: p, typed_config: {'@type': "
              "type.googleapis.com/narthex.config.bootstrap.v1.Profile, profile: ENVOY}}]\n");
  yaml.insert(0,
              "layered_runtime: {layers: [{name: a, static_layer: "
              "{overload.global_downstream_max_connections: 100, "
              "envoy.resource_limits.listener.l.connection_limit: 100}}]}\n");
  const std::string found = LintOf(yaml);
  EXPECT_NE(found.find("less safe than the edge profile: by Envoy's defaults "), std::string::npos) << found;
  EXPECT_NE(found.find("normalize_path is false"), std::string::npos) << found;
  EXPECT_EQ(found.find('\n'), found.size() - 1) << found;
}

TEST(LintProfile, NamesLimitsOfConnectionsAboveItsOwn) {
  std::string yaml = GatewayWith("use_remote_address: true," + kRoutes);
  yaml.insert(0,
              "layered_runtime: {layers: [{name: a, static_layer: "
              "{overload.global_downstream_max_connections: 60000, "
              "envoy.resource_limits.listener.l.connection_limit: 10001}}]}\n");
  EXPECT_EQ(LintOf(yaml),
            "1:1: warning: layered_runtime: less safe than the edge profile: "
            "overload.global_downstream_max_connections of the runtime is 60000, above 50000\n"
            "2:32: warning: static_resources.listeners[0]: less safe than the edge profile: "
            "envoy.resource_limits.listener.l.connection_limit of the runtime is 10001, above 10000\n");
}

TEST(LintProfile, NamesAResourceMonitorThatAllowsMoreConnections) {
  std::string yaml = GatewayWith("use_remote_address: true," + kRoutes);
  yaml.insert(0,
              "overload_manager: {resource_monitors: [{name: cx, typed_config: {'@type': type.googleapis.com/"
              "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, "
              "max_active_downstream_connections: 50001}}]}\n");
  EXPECT_EQ(LintOf(yaml),
            "1:1: warning: overload_manager: less safe than the edge profile: cx is 50001, above 50000\n");
}

}  // namespace
}  // namespace narthex
