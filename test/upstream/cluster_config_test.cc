#include "source/upstream/cluster_config.h"

#include <string>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "gtest/gtest.h"
#include "source/config/document.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

// Compiles the cluster whose fields, in YAML behind four spaces, are `fields`.
struct Compiled {
  explicit Compiled(std::string fields, ClusterDefaults defaults = {}) {
    const std::string yaml = "static_resources:\n  clusters:\n  - name: products\n" + fields;
    envoy::config::bootstrap::v3::Bootstrap bootstrap;
    if (LoadString("gateway.yaml", yaml, bootstrap, document, diagnostics)) {
      const ConfigPath path = document.Root().Field("static_resources").Field("clusters").Index(0);
      config = CompileCluster(bootstrap.static_resources().clusters(0), path, diagnostics, defaults);
    }
    text = diagnostics.ToText();
  }
  bool Says(std::string_view part) const { return text.find(part) != std::string::npos; }

  ConfigDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<const ClusterConfig> config;
  std::string text;
};

std::string Assignment(std::string endpoints) {
  return "    load_assignment:\n      cluster_name: products\n      endpoints:\n      - lb_endpoints:\n" +
         endpoints;
}

std::string Endpoint(const std::string& address, const std::string& more = "") {
  return "        - {endpoint: {address: {socket_address: {address: " + address + ", port_value: 80}}}" +
         more + "}\n";
}

TEST(ClusterConfig, HasEnvoysDefaults) {
  const Compiled compiled(Assignment(Endpoint("10.0.0.1")));
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const ClusterConfig& config = *compiled.config;
  EXPECT_EQ(config.stat_name, "products");
  EXPECT_EQ(config.type, DiscoveryType::kStatic);
  EXPECT_EQ(config.balancer.policy, LbPolicy::kRoundRobin);
  EXPECT_EQ(config.connection.connect_timeout, 5s);
  EXPECT_EQ(config.connection.idle_timeout, 1h);
  EXPECT_EQ(config.connection.max_requests, 0u);
  EXPECT_EQ(config.connection.codec.max_headers, 100u);
  EXPECT_EQ(config.connection.codec.max_response_header_kb, 60u);
  EXPECT_EQ(config.connection.codec.buffer_limit, 1024u * 1024);
  EXPECT_EQ(config.limits(Priority::kDefault).connections.value, 1024u);
  EXPECT_EQ(config.limits(Priority::kHigh).retries.value, 3u);
  EXPECT_EQ(config.balancer.priorities.panic_threshold, 50);
  ASSERT_EQ(config.endpoints.size(), 1u);
  EXPECT_EQ(config.endpoints[0].address.ToString(), "10.0.0.1:80");
  EXPECT_EQ(config.endpoints[0].weight, 1u);
  EXPECT_EQ(config.endpoints[0].origin.line, 8);
}

TEST(ClusterConfig, ReadsEndpoints) {
  const Compiled compiled(
      Assignment(Endpoint("'::1'", ", load_balancing_weight: 7, health_status: DRAINING") +
                 "        - endpoint: {hostname: b.example, address: {pipe: {path: /run/b}}}\n") +
      "        priority: 2\n        locality: {region: north, zone: a}\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const auto& endpoints = compiled.config->endpoints;
  ASSERT_EQ(endpoints.size(), 2u);
  EXPECT_EQ(endpoints[0].address.ToString(), "[::1]:80");
  EXPECT_EQ(endpoints[0].weight, 7u);
  EXPECT_EQ(endpoints[0].health, ConfiguredHealth::kDraining);
  EXPECT_EQ(endpoints[0].priority, 2u);
  EXPECT_EQ(endpoints[1].address.ToString(), "/run/b");
  EXPECT_EQ(endpoints[1].hostname, "b.example");
  EXPECT_EQ(endpoints[1].locality.zone, "a");
}

TEST(ClusterConfig, ReadsBreakersWithTheirOrigins) {
  const Compiled compiled(
      "    circuit_breakers:\n      thresholds:\n      - priority: HIGH\n        max_connections: 5\n"
      "        track_remaining: true\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const BreakerLimits& high = compiled.config->limits(Priority::kHigh);
  EXPECT_EQ(high.connections.value, 5u);
  EXPECT_EQ(high.connections.origin,
            "gateway.yaml:7:9: static_resources.clusters[0].circuit_breakers.thresholds[0].max_connections");
  EXPECT_EQ(high.requests.value, 1024u);
  EXPECT_TRUE(high.track_remaining);
  EXPECT_EQ(compiled.config->limits(Priority::kDefault).connections.value, 1024u);
}

TEST(ClusterConfig, ReadsHttpOptions) {
  const Compiled compiled(R"(    alt_stat_name: shop
    connect_timeout: 0.25s
    per_connection_buffer_limit_bytes: 4096
    upstream_connection_options: {tcp_keepalive: {keepalive_time: 30}}
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options:
          idle_timeout: 60s
          max_connection_duration: 600s
          max_requests_per_connection: 100
          max_headers_count: 50
          max_response_headers_kb: 16
        explicit_http_config: {http_protocol_options: {enable_trailers: true}}
)");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const ConnectionSettings& connection = compiled.config->connection;
  EXPECT_EQ(compiled.config->stat_name, "shop");
  EXPECT_EQ(connection.connect_timeout, 250ms);
  EXPECT_EQ(connection.codec.buffer_limit, 4096u);
  EXPECT_EQ(connection.keepalive->time_seconds, 30u);
  EXPECT_FALSE(connection.keepalive->probes.has_value());
  EXPECT_EQ(connection.idle_timeout, 60s);
  EXPECT_EQ(connection.max_duration, 600s);
  EXPECT_EQ(connection.max_requests, 100u);
  EXPECT_EQ(connection.codec.max_headers, 50u);
  EXPECT_EQ(connection.codec.max_response_header_kb, 16u);
  EXPECT_TRUE(connection.codec.enable_trailers);
}

TEST(ClusterConfig, HonoursTheOldPlaceOfMaxRequestsPerConnection) {
  const Compiled old("    max_requests_per_connection: 7\n");
  ASSERT_NE(old.config, nullptr) << old.text;
  EXPECT_EQ(old.config->connection.max_requests, 7u);
  EXPECT_TRUE(
      old.Says("gateway.yaml:4:5: warning: static_resources.clusters[0].max_requests_per_connection: field "
               "\"max_requests_per_connection\" is deprecated; use "
               "common_http_protocol_options.max_requests_per_connection of HttpProtocolOptions"))
      << old.text;
  const Compiled both(R"(    max_requests_per_connection: 7
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: {max_requests_per_connection: 9}
        explicit_http_config: {http_protocol_options: {}}
)");
  ASSERT_NE(both.config, nullptr) << both.text;
  EXPECT_EQ(both.config->connection.max_requests, 9u);
}

TEST(ClusterConfig, ThePolicyListWinsAndItsFirstKnownPolicyIsTaken) {
  const Compiled compiled(R"(    lb_policy: ROUND_ROBIN
    load_balancing_policy:
      policies:
      - typed_extension_config:
          name: random
          typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random}
)");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  EXPECT_EQ(compiled.config->balancer.policy, LbPolicy::kRandom);
}

TEST(ClusterConfig, RefusesWhatIsNotSupportedWhereItStands) {
  const Compiled policy("    lb_policy: CLUSTER_PROVIDED\n");
  EXPECT_EQ(policy.config, nullptr);
  EXPECT_TRUE(policy.Says(
      "gateway.yaml:4:5: static_resources.clusters[0].lb_policy: CLUSTER_PROVIDED is not supported"))
      << policy.text;
  const Compiled type("    type: ORIGINAL_DST\n");
  EXPECT_TRUE(type.Says("gateway.yaml:4:5: static_resources.clusters[0].type: ORIGINAL_DST is not supported"))
      << type.text;
  EXPECT_TRUE(Compiled("    lb_policy: LOAD_BALANCING_POLICY_CONFIG\n").Says("needs load_balancing_policy"));
  EXPECT_TRUE(Compiled("    circuit_breakers: {per_host_thresholds: [{}]}\n").Says("is not supported"));
  EXPECT_TRUE(Compiled("    track_cluster_stats: {timeout_budgets: true}\n").Says("is not supported"));
}

TEST(ClusterConfig, ReportsEveryErrorOfACluster) {
  const Compiled compiled("    lb_policy: CLUSTER_PROVIDED\n" +
                          Assignment(Endpoint("products.example") + Endpoint("b.example")));
  EXPECT_EQ(compiled.diagnostics.error_count(), 3u) << compiled.text;
  EXPECT_TRUE(compiled.Says("\"b.example\" is not an IP address")) << compiled.text;
}

TEST(ClusterConfig, ReadsNamesAndTheirSettings) {
  const Compiled compiled(R"(    type: STRICT_DNS
    dns_lookup_family: V4_PREFERRED
    dns_refresh_rate: 20s
    respect_dns_ttl: true
    typed_dns_resolver_config:
      name: envoy.network.dns_resolver.cares
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
        resolvers: [{socket_address: {address: 127.0.0.1, port_value: 5353}}]
        dns_resolver_options: {use_tcp_for_dns_lookups: true}
)" + Assignment(Endpoint("products.example") + Endpoint("10.0.0.1")));
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const DnsSettings& dns = compiled.config->dns;
  EXPECT_EQ(dns.family, DnsFamily::kV4Preferred);
  EXPECT_EQ(dns.refresh_rate, 20s);
  EXPECT_TRUE(dns.respect_ttl);
  EXPECT_EQ(dns.resolver.servers, std::vector<std::string>{"127.0.0.1:5353"});
  EXPECT_TRUE(dns.resolver.use_tcp);
  const auto& endpoints = compiled.config->endpoints;
  EXPECT_EQ(endpoints[0].dns_name, "products.example");
  EXPECT_EQ(endpoints[0].hostname, "products.example");
  EXPECT_EQ(endpoints[1].dns_name, "");
  EXPECT_EQ(endpoints[1].address.ToString(), "10.0.0.1:80");
  EXPECT_TRUE(
      compiled.Says("gateway.yaml:6:5: warning: static_resources.clusters[0].dns_refresh_rate: field "
                    "\"dns_refresh_rate\" is "
                    "deprecated in Envoy v3 and works all the same"))
      << compiled.text;
}

std::string DnsType(const std::string& fields) {
  return "    cluster_type:\n      name: envoy.clusters.dns\n      typed_config:\n"
         "        '@type': type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster\n" +
         fields;
}

TEST(ClusterConfig, ReadsADnsClusterMessage) {
  const Compiled strict(DnsType(R"(        dns_lookup_family: V6_ONLY
        dns_refresh_rate: 20s
        dns_jitter: 3s
        respect_dns_ttl: true
        dns_failure_refresh_rate: {base_interval: 2s}
        typed_dns_resolver_config:
          name: envoy.network.dns_resolver.cares
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
            resolvers: [{socket_address: {address: 127.0.0.1, port_value: 5353}}]
)") + Assignment(Endpoint("a.example") + Endpoint("b.example")));
  ASSERT_NE(strict.config, nullptr) << strict.text;
  EXPECT_EQ(strict.text, "");
  EXPECT_EQ(strict.config->type, DiscoveryType::kStrictDns);
  const DnsSettings& dns = strict.config->dns;
  EXPECT_EQ(dns.family, DnsFamily::kV6Only);
  EXPECT_EQ(dns.refresh_rate, 20s);
  EXPECT_EQ(dns.jitter, 3s);
  EXPECT_TRUE(dns.respect_ttl);
  EXPECT_EQ(dns.failure->base, 2s);
  EXPECT_EQ(dns.failure->max, 20s);
  EXPECT_EQ(dns.resolver.servers, std::vector<std::string>{"127.0.0.1:5353"});
  EXPECT_EQ(strict.config->endpoints[1].dns_name, "b.example");
  const Compiled logical(DnsType("        all_addresses_in_single_endpoint: true\n") +
                         Assignment(Endpoint("a.example")));
  ASSERT_NE(logical.config, nullptr) << logical.text;
  EXPECT_EQ(logical.config->type, DiscoveryType::kLogicalDns);
  EXPECT_EQ(logical.config->dns.family, DnsFamily::kAuto);
}

TEST(ClusterConfig, SaysWhatIsWrongWithAClusterType) {
  const Compiled other(
      "    cluster_type: {name: x, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}\n");
  EXPECT_TRUE(other.Says("clusters[0].cluster_type.typed_config: ")) << other.text;
  EXPECT_TRUE(other.Says("there is envoy.extensions.clusters.dns.v3.DnsCluster")) << other.text;
  const Compiled rate(DnsType("        dns_failure_refresh_rate: {base_interval: 5s, max_interval: 2s}\n"));
  EXPECT_TRUE(rate.Says("dns_failure_refresh_rate.max_interval: must not be shorter")) << rate.text;
  const Compiled both("    dns_lookup_family: V4_ONLY\n" + DnsType("") + Assignment(Endpoint("a.example")));
  EXPECT_TRUE(
      both.Says("gateway.yaml:4:5: warning: static_resources.clusters[0].dns_lookup_family: is not "
                "used"))
      << both.text;
}

TEST(ClusterConfig, ALogicalClusterHasOneEndpoint) {
  EXPECT_NE(Compiled("    type: LOGICAL_DNS\n" + Assignment(Endpoint("a.example"))).config, nullptr);
  const Compiled two("    type: LOGICAL_DNS\n" + Assignment(Endpoint("a.example") + Endpoint("b.example")));
  EXPECT_EQ(two.config, nullptr);
  EXPECT_TRUE(two.Says("needs exactly one endpoint, not 2")) << two.text;
}

TEST(ClusterConfig, KnowsAnUnchangedClusterByItsHash) {
  const std::string fields = Assignment(Endpoint("10.0.0.1"));
  const auto hash = [](const Compiled& compiled) { return compiled.config->content_hash; };
  EXPECT_EQ(hash(Compiled(fields)), hash(Compiled("    # moved by a line\n" + fields)));
  EXPECT_NE(hash(Compiled(fields)), hash(Compiled("    connect_timeout: 1s\n" + fields)));
  EXPECT_NE(hash(Compiled(fields)), hash(Compiled(fields, {.buffer_limit = 32768})));
}

}  // namespace
}  // namespace narthex
