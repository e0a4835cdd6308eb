#include "source/server/explain.h"

#include "gtest/gtest.h"
#include "test/server/text_snapshot.h"

namespace narthex {
namespace {

// What `explain` says of a request to a gateway with these routes and clusters.
std::string ExplainOf(const std::string& routes, const std::string& clusters,
                      const std::string& url = "http://a.test/") {
  const TextSnapshot text("static_resources:\n  listeners:\n" +
                          ListenerWith("l", 80, "{filters: [" + HcmWith(routes) + "]}") + "  clusters:\n" +
                          clusters);
  if (text.snapshot == nullptr) return text.diagnostics.ToText();
  ExplainRequest request;
  request.method = "GET";
  request.url = url;
  const absl::StatusOr<Explanation> explanation = ExplainIn(*text.snapshot, request);
  return explanation.ok() ? explanation->ToText() : explanation.status().ToString();
}

std::string Endpoint(const std::string& address, const std::string& more = "") {
  return "{endpoint: {address: {socket_address: {address: " + address + ", port_value: 8080}}}" + more + "}";
}

std::string Cluster(const std::string& fields, const std::string& endpoints) {
  return "  - {name: c, " + fields + ", load_assignment: {cluster_name: c, endpoints: [" + endpoints +
         "]}}\n";
}

void ExpectLines(const std::string& text, std::initializer_list<std::string_view> lines) {
  for (const std::string_view line : lines) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

const std::string kRoute = "{match: {prefix: /}, route: {cluster: c}}";

TEST(ExplainCluster, NamesEachHostAndWhyItWouldBePicked) {
  const std::string text =
      ExplainOf(kRoute, Cluster("type: STATIC, lb_policy: RANDOM",
                                "{lb_endpoints: [" + Endpoint("10.0.0.1") + ", " +
                                    Endpoint("10.0.0.2", ", load_balancing_weight: 3") + ", " +
                                    Endpoint("10.0.0.4", ", load_balancing_weight: 4") + ", " +
                                    Endpoint("10.0.0.3", ", health_status: UNHEALTHY") +
                                    "]}, {priority: 1, lb_endpoints: [" + Endpoint("10.1.0.1") + "]}"));
  ExpectLines(text, {"\n  STATIC, RANDOM (<--config-yaml>:", "\nhosts\n",
                     "\n  10.0.0.1:8080: 12.5% of the load, weight 1, priority 0, 0 requests active\n",
                     "\n  10.0.0.2:8080: 37.5% of the load, weight 3, priority 0,",
                     "\n  10.0.0.3:8080: left out: configured unhealthy, weight 1,",
                     "\n  10.1.0.1:8080: waits: priority 0 has hosts, weight 1, priority 1,"});
}

TEST(ExplainCluster, SaysWhenPanicBringsUnhealthyHostsBack) {
  const std::string down = ", health_status: UNHEALTHY";
  const std::string text =
      ExplainOf(kRoute, Cluster("type: STATIC", "{lb_endpoints: [" + Endpoint("10.0.0.1") + ", " +
                                                    Endpoint("10.0.0.2", down) + ", " +
                                                    Endpoint("10.0.0.3", down) + "]}"));
  ExpectLines(text, {"10.0.0.2:8080: 33.3% of the load although unhealthy: only 1 of 3 hosts are healthy"});
}

TEST(ExplainCluster, NamesWhatDnsHasYetToSay) {
  ExpectLines(
      ExplainOf(kRoute, Cluster("type: STRICT_DNS", "{lb_endpoints: [" + Endpoint("products.test") + "]}")),
      {"STRICT_DNS, ROUND_ROBIN", "\n  products.test:8080: not resolved yet\n"});
}

TEST(ExplainCluster, NamesTimeoutsAndLimitsWithTheirOrigin) {
  const std::string text =
      ExplainOf("{match: {prefix: /}, route: {cluster: c, timeout: 3s, priority: HIGH}}",
                Cluster("type: STATIC, connect_timeout: 1s, circuit_breakers: {thresholds: [{priority: HIGH, "
                        "max_requests: 5}]}",
                        "{lb_endpoints: [" + Endpoint("10.0.0.1") + "]}"));
  ExpectLines(text, {"route timeout: 3s (<--config-yaml>:", ".routes[0].route.timeout)",
                     "upstream connect_timeout: 1s (<--config-yaml>:", "clusters[0].connect_timeout)",
                     "upstream idle_timeout: 3600s (default)", "max_requests: 5 (<--config-yaml>:",
                     "thresholds[0].max_requests)", "max_connections: 1024 ("});
  ExpectLines(ExplainOf(kRoute, Cluster("type: STATIC", "{lb_endpoints: [" + Endpoint("10.0.0.1") + "]}")),
              {"route timeout: 15s (default)", "max_requests: 1024 (default)"});
}

TEST(ExplainCluster, AMissingClusterIsAnAnswer) {
  const std::string text = ExplainOf(
      "{match: {prefix: /}, route: {cluster_header: x-to, cluster_not_found_response_code: NOT_FOUND}}",
      Cluster("type: STATIC", "{lb_endpoints: [" + Endpoint("10.0.0.1") + "]}"));
  ExpectLines(text, {"named by the request header x-to", "status 404, cluster_not_found"});
}

// What `explain` says of the chain that a URL's connection gets.
std::string ChainOf(const std::string& url, const std::string& listener_filters) {
  const auto chain = [](const std::string& name, const std::string& match) {
    return "{name: " + name + ", filter_chain_match: {" + match + "}, filters: [" +
           HcmWith("{match: {prefix: /}, direct_response: {status: 200}}") + "]}";
  };
  std::string listener = ListenerWith(
      "l", 443,
      chain("named", "server_names: [a.test]") + ", " +
          chain("h2", "server_names: ['*.h2.test'], application_protocols: [h2]") + ", " +
          chain("tls", "transport_protocol: tls") + ", " + chain("plain", "transport_protocol: raw_buffer"));
  listener.replace(listener.find("filter_chains:"), 0, listener_filters);
  const TextSnapshot text("static_resources:\n  listeners:\n" + listener);
  if (text.snapshot == nullptr) return text.diagnostics.ToText();
  ExplainRequest request;
  request.method = "GET";
  request.url = url;
  const absl::StatusOr<Explanation> explanation = ExplainIn(*text.snapshot, request);
  return explanation.ok() ? explanation->ToText() : explanation.status().ToString();
}

const std::string kInspector =
    "listener_filters: [{name: tls, typed_config: {'@type': "
    "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}], ";

TEST(Explain, ChoosesTheChainThatAClientOfTheUrlGets) {
  ExpectLines(ChainOf("https://A.test:443/", kInspector),
              {"\n  asked for by TLS with server name a.test and ALPN h2, http/1.1\n  named ("});
  ExpectLines(ChainOf("https://x.h2.test/", kInspector), {"\n  h2 ("});
  ExpectLines(ChainOf("https://other.test/", kInspector), {"\n  tls ("});
  ExpectLines(ChainOf("https://10.0.0.1:443/", kInspector), {"with no server name and", "\n  tls ("});
  ExpectLines(ChainOf("https://[::1]/", kInspector), {"with no server name and", "\n  tls ("});
  ExpectLines(ChainOf("http://a.test:443/", kInspector), {"filter chain\n  plain ("});
  // Nobody looks: the listener itself cannot tell either.
  ExpectLines(ChainOf("https://a.test/", ""), {"the listener has no tls_inspector\n  plain ("});
}

TEST(Explain, NamesTheSharesOfWeightedClusters) {
  const std::string text = ExplainOf(
      "{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: c, weight: 9}, {name: d, weight: "
      "1}]}}}",
      Cluster("type: STATIC", "{lb_endpoints: [" + Endpoint("10.0.0.1") + "]}") +
          "  - {name: d, type: STATIC}\n");
  ExpectLines(text, {"one of weighted_clusters: cluster c for 9 of 10, cluster d for 1 of 10"});
}

TEST(Explain, NamesTheLevelThatSwitchesAFilterOff) {
  std::string yaml = BootstrapWith(ListenerWith("l", 80, "{filters: [" + HcmWith(kRoute) + "]}"), {"c"});
  const std::string type = "'@type': type.googleapis.com/";
  yaml.replace(yaml.find("http_filters: ["), 15,
               "http_filters: [{name: buf, typed_config: {" + type +
                   "envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 9}}, ");
  yaml.replace(yaml.find("{name: v,"), 9,
               "{name: v, typed_per_filter_config: {buf: {" + type +
                   "envoy.config.route.v3.FilterConfig, disabled: true}},");
  const TextSnapshot text(yaml);
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  ExplainRequest request;
  request.method = "GET";
  request.url = "http://a.test/";
  const absl::StatusOr<Explanation> explanation = ExplainIn(*text.snapshot, request);
  ASSERT_TRUE(explanation.ok());
  ExpectLines(explanation->ToText(),
              {"buf: off (by <--config-yaml>:", "virtual_hosts[0].typed_per_filter_config"});
}

}  // namespace
}  // namespace narthex
