#include <string>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "gtest/gtest.h"
#include "source/config/document.h"
#include "source/upstream/cluster_config.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

// Compiles a cluster of three hosts with further fields, in YAML behind four spaces.
struct Compiled {
  explicit Compiled(const std::string& fields, const std::string& endpoint = "") {
    std::string yaml =
        "static_resources:\n  clusters:\n  - name: products\n    load_assignment:\n      cluster_name: "
        "products\n"
        "      endpoints:\n      - lb_endpoints:\n";
    for (int i = 1; i <= 3; ++i) {
      yaml += "        - endpoint:\n            address: {socket_address: {address: 10.0.0." +
              std::to_string(i) + ", port_value: 80}}\n" + (i == 1 ? endpoint : "");
    }
    yaml += fields;
    envoy::config::bootstrap::v3::Bootstrap bootstrap;
    if (LoadString("gateway.yaml", yaml, bootstrap, document, diagnostics)) {
      const ConfigPath path = document.Root().Field("static_resources").Field("clusters").Index(0);
      config = CompileCluster(bootstrap.static_resources().clusters(0), path, diagnostics);
    }
    text = diagnostics.ToText();
  }
  bool Says(std::string_view part) const { return text.find(part) != std::string::npos; }

  ConfigDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<const ClusterConfig> config;
  std::string text;
};

std::string Check(const std::string& fields) {
  return "    health_checks:\n    - {timeout: 1s, interval: 5s, unhealthy_threshold: 3, healthy_threshold: "
         "2, " +
         fields + "}\n";
}

TEST(HealthOptions, AreNoneUnlessSet) {
  const Compiled compiled("");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  EXPECT_FALSE(compiled.config->health_check || compiled.config->outliers);
  EXPECT_EQ(compiled.config->endpoints[0].first_health, 0u);
}

TEST(HealthOptions, HaveEnvoysDefaults) {
  const Compiled compiled(Check("http_health_check: {path: /ready}"));
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const HealthCheckSettings& settings = *compiled.config->health_check;
  EXPECT_EQ(settings.unhealthy_threshold, 3u);
  EXPECT_EQ(settings.unhealthy_edge_interval, 5s);
  EXPECT_EQ(settings.healthy_edge_interval, 5s);
  EXPECT_EQ(settings.no_traffic_healthy_interval, 60s);
  EXPECT_TRUE(settings.reuse_connection);
  const auto& http = std::get<HttpCheck>(settings.check);
  EXPECT_EQ(http.method, "GET");
  EXPECT_EQ(http.body_limit, 1024u);
  EXPECT_EQ(http.expected, (std::vector<StatusRange>{{200, 201}}));
  EXPECT_EQ(compiled.config->endpoints[0].first_health, HostHealth::kFailedActiveHc);
}

TEST(HealthOptions, ReadsHttpChecks) {
  const Compiled compiled(
      Check("unhealthy_interval: 2s, no_traffic_interval: 7s, http_health_check: {host: shop, path: /ready, "
            "method: HEAD, "
            "codec_client_type: HTTP2, expected_statuses: [{start: 200, end: 300}], "
            "retriable_statuses: [{start: 503, end: 504}], request_headers_to_remove: [User-Agent], "
            "request_headers_to_add: [{header: {key: X-Probe, value: a}, append_action: "
            "OVERWRITE_IF_EXISTS_OR_ADD}, "
            "{header: {key: x-empty, value: ''}}]}"));
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const HealthCheckSettings& settings = *compiled.config->health_check;
  EXPECT_EQ(settings.unhealthy_edge_interval, 2s);
  EXPECT_EQ(settings.no_traffic_healthy_interval, 7s);
  const auto& http = std::get<HttpCheck>(settings.check);
  EXPECT_EQ(http.method, "HEAD");
  EXPECT_TRUE(http.http2);
  EXPECT_EQ(http.retriable, (std::vector<StatusRange>{{503, 504}}));
  ASSERT_EQ(http.edits.size(), 1u);
  EXPECT_EQ(http.edits[0].name, "x-probe");
  EXPECT_EQ(http.removed_headers, std::vector<std::string>{"user-agent"});
}

TEST(HealthOptions, ReadsPayloads) {
  const Compiled compiled(
      Check("tcp_health_check: {send: {text: '50494e47'}, receive: [{text: '504f4e47'}]}"));
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const auto& tcp = std::get<TcpCheck>(compiled.config->health_check->check);
  EXPECT_EQ(tcp.send, "PING");
  EXPECT_EQ(tcp.receive, std::vector<std::string>{"PONG"});
}

TEST(HealthOptions, RefusesWhatCanNotBeChecked) {
  EXPECT_TRUE(
      Compiled(Check("tcp_health_check: {send: {text: 5049z}}")).Says("send.text: must be bytes in hex"));
  EXPECT_TRUE(Compiled(Check("http_health_check: {path: /, codec_client_type: HTTP3}"))
                  .Says("HTTP3 is not supported"));
  EXPECT_TRUE(Compiled(Check("http_health_check: {path: /, expected_statuses: [{start: 300, end: 200}]}"))
                  .Says("must be a range of statuses"));
  EXPECT_TRUE(Compiled(Check("http_health_check: {path: /, request_headers_to_add: "
                             "[{header: {key: x, value: '%PROTOCOL%'}}]}"))
                  .Says("can't have operators"));
  EXPECT_TRUE(Compiled(Check("http_health_check: {path: /, method: CONNECT}")).Says("method"));
  EXPECT_TRUE(Compiled(Check("interval_jitter_percent: 5")).Says("health_checks[0]"));
  const std::string check =
      "{timeout: 1s, interval: 5s, unhealthy_threshold: 1, healthy_threshold: 1, "
      "tcp_health_check: {}}";
  EXPECT_TRUE(Compiled("    health_checks: [" + check + ", " + check + "]\n").Says("one health check only"));
}

TEST(HealthOptions, AnEndpointMayBeCheckedOtherwise) {
  const Compiled compiled(
      Check("tcp_health_check: {}") + "    common_lb_config: {ignore_new_hosts_until_first_hc: true}\n",
      "            health_check_config: {port_value: 9000, hostname: own, disable_active_health_check: true, "
      "address: {socket_address: {address: 10.1.1.1, port_value: 81}}}\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const EndpointConfig& endpoint = compiled.config->endpoints[0];
  EXPECT_EQ(endpoint.check.port, 9000);
  EXPECT_EQ(endpoint.check.hostname, "own");
  EXPECT_EQ(endpoint.check.address.ToString(), "10.1.1.1:81");
  EXPECT_EQ(endpoint.first_health, 0u);
  EXPECT_EQ(compiled.config->endpoints[1].first_health,
            uint32_t{HostHealth::kFailedActiveHc} | HostHealth::kPendingActiveHc);
}

TEST(HealthOptions, OutlierDetectionHasEnvoysDefaults) {
  const Compiled compiled("    outlier_detection: {always_eject_one_host: true}\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const OutlierSettings& settings = *compiled.config->outliers;
  EXPECT_EQ(settings.interval, 10s);
  EXPECT_EQ(settings.base_ejection_time, 30s);
  EXPECT_EQ(settings.max_ejection_time, 300s);
  EXPECT_EQ(settings.max_ejection_percent, 10u);
  EXPECT_EQ(settings.consecutive_5xx.limit, 5u);
  EXPECT_EQ(settings.consecutive_gateway_failure.enforcing, 0u);
  EXPECT_TRUE(settings.uneject_by_active_check);
  EXPECT_EQ(compiled.text, "");
}

TEST(HealthOptions, ReadsOutlierDetection) {
  const Compiled compiled(
      "    outlier_detection: {consecutive_5xx: 2, interval: 1s, base_ejection_time: 400s, "
      "max_ejection_percent: 67, "
      "split_external_local_origin_errors: true, consecutive_local_origin_failure: 3, "
      "enforcing_local_origin_success_rate: 7, failure_percentage_threshold: 20, "
      "successful_active_health_check_uneject_host: false}\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const OutlierSettings& settings = *compiled.config->outliers;
  EXPECT_EQ(settings.consecutive_5xx.limit, 2u);
  EXPECT_EQ(settings.max_ejection_time, 400s);
  EXPECT_EQ(settings.max_ejection_percent, 67u);
  EXPECT_TRUE(settings.split_local_origin);
  EXPECT_EQ(settings.consecutive_local_origin_failure.limit, 3u);
  EXPECT_EQ(settings.local_origin_success_rate_enforcing, 7u);
  EXPECT_EQ(settings.failure_percentage.limit, 20u);
  EXPECT_FALSE(settings.uneject_by_active_check);
}

TEST(HealthOptions, SaysWhereOutlierDetectionCanNotWork) {
  EXPECT_TRUE(Compiled("    outlier_detection: {}\n").Says("10 percent of 3 hosts is less than one"));
  EXPECT_TRUE(Compiled("    outlier_detection: {max_ejection_time: 1s}\n")
                  .Says("must not be below base_ejection_time"));
}

}  // namespace
}  // namespace narthex
