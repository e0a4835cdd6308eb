// The reader on Envoy's own messages.

#include <string>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "gtest/gtest.h"
#include "source/config/document.h"

namespace narthex {
namespace {

constexpr char kGateway[] = R"(static_resources:
  listeners:
  - name: main
    address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                route: {cluster: products, timeout: 5s}
  clusters:
  - name: products
    connect_timeout: 1s
    load_assignment:
      cluster_name: products
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9000}}}
)";

std::string Findings(std::string text, const LoadOptions& options = {}) {
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  ConfigDocument document;
  Diagnostics diagnostics;
  LoadString("gateway.yaml", text, bootstrap, document, diagnostics, options);
  return diagnostics.ToText();
}

std::string Replace(std::string text, std::string_view from, std::string_view to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Envoy, AnOrdinaryGatewayIsValid) {
  EXPECT_EQ(Findings(kGateway), "");
}

TEST(Envoy, ConstraintsHoldThroughEveryTypedConfig) {
  std::string text = Replace(kGateway, "stat_prefix: front", "stat_prefix: \"\"");
  text = Replace(text, "domains: [\"*\"]", "domains: []");
  EXPECT_EQ(Findings(text),
            "gateway.yaml:10:11: "
            "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.stat_prefix: "
            "must not be empty\n"
            "gateway.yaml:16:15: "
            "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config."
            "virtual_hosts[0]: needs \"domains\", at least 1\n");
}

TEST(Envoy, AFieldThatOnlyEnvoyHasIsNotUnknownButNotSupported) {
  std::string text = Replace(kGateway, "connect_timeout: 1s", "cleanup_interval: 1s");
  std::string finding =
      "static_resources.clusters[0]: field \"cleanup_interval\" exists in Envoy v3 but is not supported\n";
  EXPECT_EQ(Findings(text), "gateway.yaml:23:5: " + finding);
  EXPECT_EQ(Findings(text, {.tolerate_unsupported = true}), "gateway.yaml:23:5: warning: " + finding);
}

TEST(Envoy, ATypeThatOnlyEnvoyHasIsNotSupported) {
  std::string text = Replace(kGateway, "envoy.extensions.filters.http.router.v3.Router",
                             "envoy.extensions.filters.http.mcp_router.v3.McpRouter");
  EXPECT_EQ(Findings(text),
            "gateway.yaml:13:37: "
            "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0]."
            "typed_config: type "
            "\"type.googleapis.com/envoy.extensions.filters.http.mcp_router.v3.McpRouter\" exists in "
            "Envoy v3 but is not supported\n");
}

TEST(Envoy, ATypeOfAnOldVersionSuggestsTheNewOne) {
  std::string text = Replace(kGateway, "envoy.extensions.filters.http.router.v3.Router",
                             "envoy.config.filter.http.router.v2.Router");
  EXPECT_NE(Findings(text).find(
                "did you mean \"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\"?"),
            std::string::npos)
      << Findings(text);
}

}  // namespace
}  // namespace narthex
