#include "source/server/snapshot.h"

#include "gtest/gtest.h"
#include "test/server/text_snapshot.h"

namespace narthex {
namespace {

const std::string kRoute = "{match: {prefix: /}, route: {cluster: c}}";

std::string Chain(const std::string& match = "{}") {
  return "{filter_chain_match: " + match + ", filters: [" + HcmWith(kRoute) + "]}";
}

TEST(Snapshot, CompilesListenersAndClusters) {
  const TextSnapshot text(BootstrapWith(ListenerWith("l", 80, Chain()), {"c"}));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  ASSERT_EQ(text.snapshot->listeners.size(), 1u);
  EXPECT_EQ(text.snapshot->listeners[0]->name, "l");
  EXPECT_EQ(text.snapshot->listeners[0]->sockets[0].address.ToString(), "127.0.0.1:80");
  EXPECT_TRUE(text.snapshot->clusters->clusters.contains("c"));
  EXPECT_TRUE(text.snapshot->edge_profile);
  EXPECT_EQ(text.snapshot->listeners[0]->buffer_limit, 32u * 1024);
}

TEST(Snapshot, ReportsEveryErrorOfOneRun) {
  const TextSnapshot text(
      BootstrapWith(ListenerWith("l", 80, Chain()) + ListenerWith("l", 80, Chain()), {"c", "c"}));
  EXPECT_EQ(text.snapshot, nullptr);
  const std::string found = text.diagnostics.ToText();
  EXPECT_NE(found.find("listener \"l\" is defined already at <--config-yaml>:3:"), std::string::npos)
      << found;
  EXPECT_NE(found.find("cluster \"c\" is defined already at"), std::string::npos) << found;
  EXPECT_NE(found.find("address 127.0.0.1:80 is taken by listener \"l\""), std::string::npos) << found;
}

TEST(Snapshot, AClusterThatIsWrongIsNotMissingAsWell) {
  std::string yaml = BootstrapWith(ListenerWith("l", 80, Chain()), {"c"});
  yaml.replace(yaml.find("address: 127.0.0.1, port_value: 1}"), 18, "address: not-an-ip");
  const TextSnapshot text(yaml);
  EXPECT_EQ(text.snapshot, nullptr);
  EXPECT_EQ(text.diagnostics.error_count(), 1u) << text.diagnostics.ToText();
}

TEST(Snapshot, OneFaultOneMessage) {
  struct Fault {
    std::string route, message;
  };
  for (const Fault& fault :
       {Fault{"{match: {prefix: /}, route: {timeout: 1s}}", "route: needs one of cluster"},
        Fault{"{match: {prefix: /}}", "routes[0]: needs one of route"},
        Fault{"{match: {prefix: /}, filter_action: {}}", "\"filter_action\" exists in Envoy v3 but"},
        Fault{"{match: {}, route: {cluster: c}}", "match: needs one of prefix"},
        Fault{"{match: {prefix: /}, route: {inline_cluster_specifier_plugin: {}}}",
              "\"inline_cluster_specifier_plugin\" exists in Envoy"},
        Fault{"{match: {prefix: /}, route: {cluster: c, prefix_rewrite: \"/\\n\"}}",
              "route.prefix_rewrite: "},
        Fault{"{match: {prefix: /, headers: [{name: a, exact_match: b}]}, route: {cluster: c}}",
              "warning: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config."
              "virtual_hosts[0].routes[0].match.headers[0].exact_match: field \"exact_match\" is deprecated; "
              "use string_match"}}) {
    const TextSnapshot text(
        BootstrapWith(ListenerWith("l", 80, "{filters: [" + HcmWith(fault.route) + "]}"), {"c"}));
    const std::string found = text.diagnostics.ToText();
    EXPECT_NE(found.find(fault.message), std::string::npos) << found;
    EXPECT_EQ(text.diagnostics.Sorted().size(), 1u) << found;
  }
}

TEST(Snapshot, PortZeroNeverCollides) {
  const TextSnapshot text(
      BootstrapWith(ListenerWith("a", 0, Chain()) + ListenerWith("b", 0, Chain()), {"c"}));
  EXPECT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
}

TEST(Snapshot, RefusesOtherFiltersAndTransports) {
  const TextSnapshot text(BootstrapWith(
      ListenerWith(
          "l", 80,
          "{transport_socket: {name: tls, typed_config: {'@type': "
          "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}, filters: [{name: echo}, " +
              HcmWith(kRoute) + "]}"),
      {"c"}));
  const std::string found = text.diagnostics.ToText();
  EXPECT_NE(found.find("expected a envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
            std::string::npos)
      << found;
  EXPECT_NE(found.find("network filter \"echo\" is not supported"), std::string::npos) << found;
}

TEST(Snapshot, RefusesTwoChainsWithTheSameMatch) {
  const TextSnapshot text(BootstrapWith(ListenerWith("l", 80, Chain() + ", " + Chain()), {"c"}));
  EXPECT_NE(text.diagnostics.ToText().find("has the same filter_chain_match as the chain at"),
            std::string::npos);
}

TEST(Snapshot, TheCommandLineChoosesTheProfile) {
  CommandLine line;
  line.config_yaml = BootstrapWith(ListenerWith("l", 80, Chain()), {"c"});
  line.edge_profile = false;
  const FilterRegistry registry(BuiltInFilters());
  Diagnostics diagnostics;
  const auto snapshot = BuildSnapshot(line, registry, diagnostics, nullptr);
  ASSERT_NE(snapshot, nullptr) << diagnostics.ToText();
  EXPECT_FALSE(snapshot->edge_profile);
  EXPECT_EQ(snapshot->listeners[0]->buffer_limit, 1024u * 1024);
}

TEST(Snapshot, TheBootstrapChoosesTheProfile) {
  const TextSnapshot text(
      "bootstrap_extensions: [{name: profile, typed_config: {'@type': "
      "type.googleapis.com/narthex.config.bootstrap.v1.Profile, profile: ENVOY}}]\n");
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  EXPECT_FALSE(text.snapshot->edge_profile);
}

TEST(Snapshot, ReadsSwitchesOfTheRuntime) {
  const TextSnapshot text(
      "layered_runtime: {layers: [{name: a, static_layer: {t: true, f: false, q: 'False', n: 1, z: 0, w: "
      "word}}]}\n" +
      BootstrapWith(ListenerWith("l", 80, Chain()), {"c"}));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  for (const char* on : {"t", "n"}) EXPECT_EQ(text.snapshot->RuntimeSwitch(on), true) << on;
  for (const char* off : {"f", "q", "z"}) EXPECT_EQ(text.snapshot->RuntimeSwitch(off), false) << off;
  for (const char* none : {"w", "none"}) EXPECT_EQ(text.snapshot->RuntimeSwitch(none), std::nullopt) << none;
}

TEST(Snapshot, ReadsNumbersAndFractionsOfTheRuntime) {
  const TextSnapshot text(
      "layered_runtime:\n  layers:\n  - name: a\n    static_layer: {n: 7, t: '8.5', w: word, f: {numerator: "
      "5}, "
      "m: {numerator: 30000, denominator: MILLION}}\n" +
      BootstrapWith(ListenerWith("l", 80, Chain()), {"c"}));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  EXPECT_EQ(text.snapshot->RuntimeNumber("n"), 7);
  EXPECT_EQ(text.snapshot->RuntimeNumber("t"), 8.5);
  EXPECT_EQ(text.snapshot->RuntimeNumber("f"), 5);
  EXPECT_EQ(text.snapshot->RuntimeNumber("m"), 3);
  EXPECT_EQ(text.snapshot->RuntimeNumber("w"), std::nullopt);
  EXPECT_EQ(text.snapshot->RuntimeNumber("none"), std::nullopt);
}

TEST(Snapshot, LaterRuntimeLayersWin) {
  const TextSnapshot text(
      "layered_runtime:\n  layers:\n  - {name: a, static_layer: {x: {y: 1}, z: 3}}\n"
      "  - {name: b, static_layer: {x.y: 2}}\n");
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  EXPECT_EQ(text.snapshot->runtime.at("x.y"), "2");
  EXPECT_EQ(text.snapshot->runtime.at("z"), "3");
}

TEST(Snapshot, UnchangedClustersKeepTheirIdentity) {
  const TextSnapshot first(BootstrapWith(ListenerWith("l", 80, Chain()), {"c"}));
  CommandLine line;
  line.config_yaml = BootstrapWith(ListenerWith("l", 80, Chain()), {"c", "d"});
  Diagnostics diagnostics;
  const auto second = BuildSnapshot(line, first.registry, diagnostics, first.snapshot.get());
  ASSERT_NE(second, nullptr) << diagnostics.ToText();
  EXPECT_EQ(second->clusters->clusters.at("c"), first.snapshot->clusters->clusters.at("c"));
}

// The name of the chain that takes a connection from `client`.
std::string ChainFor(const Snapshot& snapshot, std::string_view client,
                     std::string_view local = "127.0.0.1") {
  const FilterChainConfig* chain =
      snapshot.listeners[0]->FindChain({*Address::Ip(local, 80), *Address::Ip(client, 4000)});
  return chain == nullptr ? "none" : chain->name;
}

std::string Named(const std::string& name, const std::string& match) {
  return "{name: " + name + ", filter_chain_match: " + match + ", filters: [" + HcmWith(kRoute) + "]}";
}

TEST(FilterChainMatch, TheLongestSourcePrefixWins) {
  const TextSnapshot text(BootstrapWith(
      ListenerWith(
          "l", 80,
          Named("wide", "{source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}") + ", " +
              Named("narrow", "{source_prefix_ranges: [{address_prefix: 10.1.0.0, prefix_len: 16}]}")),
      {"c"}));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  EXPECT_EQ(ChainFor(*text.snapshot, "10.1.2.3"), "narrow");
  EXPECT_EQ(ChainFor(*text.snapshot, "10.2.2.3"), "wide");
  EXPECT_EQ(ChainFor(*text.snapshot, "192.0.2.1"), "none");
}

TEST(FilterChainMatch, TheDestinationCountsBeforeTheSource) {
  const TextSnapshot text(BootstrapWith(
      ListenerWith("l", 80,
                   Named("to", "{prefix_ranges: [{address_prefix: 127.0.0.2, prefix_len: 32}]}") + ", " +
                       Named("from", "{source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}")),
      {"c"}));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  EXPECT_EQ(ChainFor(*text.snapshot, "10.0.0.1", "127.0.0.2"), "to");
  EXPECT_EQ(ChainFor(*text.snapshot, "10.0.0.1"), "from");
}

TEST(FilterChainMatch, AnAsteriskStandsForWholeLabelsAtTheBeginning) {
  for (const char* name : {"a*.test", "*", "*a.test", "*.*.test", "a.*.test"}) {
    const TextSnapshot text(BootstrapWith(
        ListenerWith("l", 80, Named("sni", "{server_names: ['" + std::string(name) + "']}")), {"c"}));
    EXPECT_EQ(text.snapshot, nullptr) << name;
    EXPECT_NE(text.diagnostics.ToText().find("server_names[0]: \"*\" stands for whole labels"),
              std::string::npos)
        << name << text.diagnostics.ToText();
  }
}

// The same, with this in the listener.
std::string WithFilters(std::string yaml, const std::string& filters) {
  std::string typed;
  for (const std::string name : {"tls_inspector.v3.TlsInspector", "http_inspector.v3.HttpInspector"}) {
    if (filters.find(name.substr(0, name.find('.'))) == std::string::npos) continue;
    typed += "{name: x, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.listener." +
             name + "}}, ";
  }
  return yaml.replace(yaml.find("filter_chains"), 0, "listener_filters: [" + typed + "], ");
}

TEST(FilterChainMatch, WhatNoListenerFilterFindsOutIsWarnedOf) {
  const std::string yaml =
      BootstrapWith(ListenerWith("l", 80,
                                 Named("sni", "{server_names: [a.test]}") + ", " +
                                     Named("tls", "{transport_protocol: tls}") + ", " +
                                     Named("plain", "{transport_protocol: raw_buffer}") + ", " +
                                     Named("alpn", "{application_protocols: [h2c]}")),
                    {"c"});
  const auto warnings = [](const std::string& text) { return TextSnapshot(text).diagnostics.Sorted(); };
  EXPECT_EQ(warnings(WithFilters(yaml, "tls_inspector")).size(), 0u);
  EXPECT_EQ(warnings(WithFilters(yaml, "http_inspector")).size(), 2u);
  const std::vector<Diagnostic> all = warnings(yaml);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].severity, Severity::kWarning);
  EXPECT_EQ(all[0].origin.path,
            "static_resources.listeners[0].filter_chains[0].filter_chain_match.server_names");
  EXPECT_NE(all[0].message.find("envoy.filters.listener.tls_inspector, which listener_filters lacks"),
            std::string::npos)
      << all[0].message;
}

TEST(FilterChain, ANameMayBeThereTwiceAndIsWarnedOf) {
  const TextSnapshot text(BootstrapWith(
      ListenerWith("l", 80, Named("edge", "{}") + ", " + Named("edge", "{transport_protocol: raw_buffer}")),
      {"c"}));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  EXPECT_NE(text.diagnostics.ToText().find(
                "filter_chains[1].name: is also the name of the chain at <--config-yaml>:3:"),
            std::string::npos)
      << text.diagnostics.ToText();
  const auto& chains = text.snapshot->listeners[0]->chains;
  EXPECT_NE(chains[0].identity, chains[1].identity);
}

TEST(FilterChainMatch, ServerNamesAndTlsNeverMatchPlainConnections) {
  const TextSnapshot text(BootstrapWith(ListenerWith("l", 80,
                                                     Named("sni", "{server_names: [a.test]}") + ", " +
                                                         Named("tls", "{transport_protocol: tls}") + ", " +
                                                         Named("plain", "{transport_protocol: raw_buffer}")),
                                        {"c"}));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  EXPECT_EQ(ChainFor(*text.snapshot, "10.0.0.1"), "plain");
}

}  // namespace
}  // namespace narthex
