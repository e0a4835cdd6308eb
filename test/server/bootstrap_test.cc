#include <map>
#include <string>

#include "gtest/gtest.h"
#include "source/manager/hcm_config.h"
#include "source/router/compiled_route.h"
#include "source/stats/stats.h"
#include "test/server/text_snapshot.h"

// What the bootstrap says of the whole process: runtime, statistics, and what of it is refused.
namespace narthex {
namespace {

std::string Gateway(const std::string& more, const std::string& match = "{prefix: /}") {
  return more + BootstrapWith(ListenerWith("l", 80,
                                           "{filters: [" +
                                               HcmWith("{match: " + match + ", route: {cluster: c}}") + "]}"),
                              {"c"});
}

// Whether a route that is for no request unless the runtime says otherwise is for this one.
bool RuntimeOpens(const std::string& layer) {
  const TextSnapshot text(
      Gateway("layered_runtime: {layers: [{name: a, static_layer: " + layer + "}]}\n",
              "{prefix: /, runtime_fraction: {default_value: {numerator: 0}, runtime_key: open}}"));
  EXPECT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  HeaderMap headers;
  headers.Add(":authority", "a.test");
  headers.Add(":path", "/");
  return text.snapshot->listeners[0]->chains[0].hcm->routes->Match({headers, nullptr, 4999}) != nullptr;
}

TEST(BootstrapRuntime, ReachesTheRoutes) {
  EXPECT_FALSE(RuntimeOpens("{other: 100}"));
  EXPECT_TRUE(RuntimeOpens("{open: 100}"));
  EXPECT_TRUE(RuntimeOpens("{open: '100'}"));
  EXPECT_FALSE(RuntimeOpens("{open: true}"));
  EXPECT_TRUE(RuntimeOpens("{open: {numerator: 50, denominator: TEN_THOUSAND}}"));
  EXPECT_FALSE(RuntimeOpens("{open: {numerator: 49, denominator: TEN_THOUSAND}}"));
}

TEST(BootstrapRuntime, LayersHaveNamesOfTheirOwnAndOneIsTheAdministrators) {
  const TextSnapshot twice(
      Gateway("layered_runtime: {layers: [{name: a, static_layer: {}}, {name: a, static_layer: {}}]}\n"));
  EXPECT_EQ(twice.snapshot, nullptr);
  EXPECT_NE(twice.diagnostics.ToText().find(
                "1:58: layered_runtime.layers[1].name: another layer has the name \"a\" already"),
            std::string::npos)
      << twice.diagnostics.ToText();
  const TextSnapshot admin(
      Gateway("layered_runtime: {layers: [{name: a, admin_layer: {}}, {name: b, admin_layer: {}}]}\n"));
  EXPECT_EQ(admin.snapshot, nullptr);
  EXPECT_NE(admin.diagnostics.ToText().find("layers[1].admin_layer: there is an admin layer already"),
            std::string::npos);
}

TEST(Bootstrap, NothingLastsLessThanNoTime) {
  const TextSnapshot text(BootstrapWith(
      ListenerWith("l", 80,
                   "{filters: [" + HcmWith("{match: {prefix: /}, route: {cluster: c, timeout: -1s}}") + "]}"),
      {"c"}));
  EXPECT_EQ(text.snapshot, nullptr);
  EXPECT_NE(text.diagnostics.ToText().find("route.timeout: must not be negative"), std::string::npos)
      << text.diagnostics.ToText();
}

bool Shows(const std::string& matcher, std::string_view name) {
  const TextSnapshot text(Gateway("stats_config: {stats_matcher: " + matcher + "}\n"));
  EXPECT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  return !text.snapshot->shown_stats || text.snapshot->shown_stats(name);
}

TEST(BootstrapStats, TheMatcherChoosesWhatIsShown) {
  EXPECT_FALSE(Shows("{reject_all: true}", "cluster.c.upstream_rq_total"));
  EXPECT_TRUE(Shows("{reject_all: false}", "cluster.c.upstream_rq_total"));
  const std::string patterns = "{patterns: [{prefix: cluster.}, {safe_regex: {regex: '.*_5xx'}}]}";
  EXPECT_TRUE(Shows("{inclusion_list: " + patterns + "}", "cluster.c.upstream_rq_total"));
  EXPECT_TRUE(Shows("{inclusion_list: " + patterns + "}", "http.s.downstream_rq_5xx"));
  EXPECT_FALSE(Shows("{inclusion_list: " + patterns + "}", "http.s.downstream_rq_2xx"));
  EXPECT_FALSE(Shows("{exclusion_list: " + patterns + "}", "cluster.c.upstream_rq_total"));
  EXPECT_TRUE(Shows("{exclusion_list: " + patterns + "}", "http.s.downstream_rq_2xx"));
}

TEST(BootstrapStats, HistogramsCountIntoTheBucketsOfTheFirstMatch) {
  const std::string settings =
      "stats_config: {use_all_default_tags: true, histogram_bucket_settings: [{match: {prefix: "
      "cluster.bucketed.}, buckets: [100, 0.5, "
      "20]}, {match: {prefix: cluster.}, buckets: [7]}, {match: {prefix: http.}}]}\n";
  const TextSnapshot text(Gateway(settings));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  StatsStore& store = StatsStore::Process();
  store.MakeHistogram("cluster.bucketed.t").Record(20);
  store.MakeHistogram("cluster.unlike.t").Record(8);
  store.MakeHistogram("http.bucketed.t").Record(8);
  std::map<std::string, HistogramSnapshot> histograms;
  for (StatsStore::Row& row : store.Read()) histograms[row.name] = std::move(row.histogram);
  EXPECT_EQ(histograms["cluster.bucketed.t"].bounds, (HistogramBounds{0.5, 20, 100}));
  EXPECT_EQ(histograms["cluster.bucketed.t"].counts, (std::vector<uint64_t>{0, 1, 0, 0}));
  EXPECT_EQ(histograms["cluster.unlike.t"].counts, (std::vector<uint64_t>{0, 1}));
  EXPECT_EQ(histograms["http.bucketed.t"].bounds.size(), 19u);
}

TEST(BootstrapStats, ChangedBucketsWaitForTheNextStart) {
  const TextSnapshot first(Gateway(""));
  CommandLine line;
  line.config_yaml =
      Gateway("stats_config: {histogram_bucket_settings: [{match: {prefix: a}, buckets: [7]}]}\n");
  Diagnostics diagnostics;
  EXPECT_NE(BuildSnapshot(line, first.registry, diagnostics, first.snapshot.get()), nullptr);
  EXPECT_NE(diagnostics.ToText().find(
                "stats_config.histogram_bucket_settings: has changed; that takes effect when"),
            std::string::npos)
      << diagnostics.ToText();
  StatsStore::Process().MakeHistogram("a.later").Record(8);
  for (const StatsStore::Row& row : StatsStore::Process().Read()) {
    if (row.name == "a.later") EXPECT_EQ(row.histogram.bounds.size(), 19u);
  }
}

TEST(BootstrapStats, AWrongPatternSaysWhere) {
  const TextSnapshot text(
      Gateway("stats_config: {stats_matcher: {inclusion_list: {patterns: [{safe_regex: {regex: '('}}]}}}\n"));
  EXPECT_EQ(text.snapshot, nullptr);
  EXPECT_NE(text.diagnostics.ToText().find("inclusion_list.patterns[0].safe_regex.regex: is no valid RE2"),
            std::string::npos)
      << text.diagnostics.ToText();
}

std::string Runtime(const std::string& layer) {
  return "layered_runtime: {layers: [{name: a, static_layer: " + layer + "}]}\n";
}

TEST(BootstrapConnections, AreLimitedByTheProfileAndTheRuntime) {
  const TextSnapshot plain(Gateway(""));
  ASSERT_NE(plain.snapshot, nullptr) << plain.diagnostics.ToText();
  EXPECT_EQ(plain.snapshot->max_connections, 50'000u);
  EXPECT_EQ(plain.snapshot->listeners[0]->max_connections, 10'000u);
  const TextSnapshot set(
      Gateway(Runtime("{overload.global_downstream_max_connections: '70000', "
                      "envoy.resource_limits.listener.l.connection_limit: 7}")));
  ASSERT_NE(set.snapshot, nullptr) << set.diagnostics.ToText();
  EXPECT_EQ(set.snapshot->max_connections, 70'000u);
  EXPECT_EQ(set.snapshot->listeners[0]->max_connections, 7u);
  const TextSnapshot envoy(
      Gateway("bootstrap_extensions: [{name: p, typed_config: {'@type': "
              "type.googleapis.com/narthex.config.bootstrap.v1.Profile, profile: ENVOY}}]\n"));
  ASSERT_NE(envoy.snapshot, nullptr) << envoy.diagnostics.ToText();
  EXPECT_EQ(envoy.snapshot->max_connections, UINT64_MAX);
  EXPECT_EQ(envoy.snapshot->listeners[0]->max_connections, UINT64_MAX);
}

std::string ConnectionsMonitor(const std::string& most) {
  return "overload_manager: {resource_monitors: [{name: cx, typed_config: {'@type': type.googleapis.com/"
         "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, "
         "max_active_downstream_connections: " +
         most + "}}]}\n";
}

TEST(BootstrapConnections, AreLimitedByAResourceMonitorInPlaceOfTheRuntime) {
  const TextSnapshot plain(Gateway(ConnectionsMonitor("600")));
  ASSERT_NE(plain.snapshot, nullptr) << plain.diagnostics.ToText();
  EXPECT_EQ(plain.snapshot->max_connections, 600u);
  EXPECT_EQ(plain.snapshot->listeners[0]->total_limit_name, "cx");
  EXPECT_EQ(plain.diagnostics.ToText().find("has no effect"), std::string::npos);
  const TextSnapshot both(
      Gateway(ConnectionsMonitor("600") + Runtime("{overload.global_downstream_max_connections: 500}")));
  ASSERT_NE(both.snapshot, nullptr) << both.diagnostics.ToText();
  EXPECT_EQ(both.snapshot->max_connections, 600u);
  EXPECT_NE(both.diagnostics.ToText().find(
                "warning: overload_manager.resource_monitors: cx sets how many connections there may be, and "
                "overload.global_downstream_max_connections of the runtime has no effect; remove it"),
            std::string::npos)
      << both.diagnostics.ToText();
}

TEST(BootstrapOverload, IsCompiledWithItsPlaces) {
  EXPECT_TRUE(TextSnapshot(Gateway("")).snapshot->overload == nullptr);
  const TextSnapshot wrong(Gateway("overload_manager: {resource_monitors: [{name: x}]}\n"));
  EXPECT_EQ(wrong.snapshot, nullptr);
  EXPECT_NE(
      wrong.diagnostics.ToText().find("1:40: overload_manager.resource_monitors[0]: a resource monitor's"),
      std::string::npos)
      << wrong.diagnostics.ToText();
}

TEST(BootstrapAccessLogs, OfAdminAndListenersSayWhereTheyAreWrong) {
  const std::string log =
      "access_log: [{name: f, typed_config: {'@type': type.googleapis.com/"
      "envoy.extensions.access_loggers.file.v3.FileAccessLog, path: /no/such/folder/x}}]";
  const TextSnapshot admin(
      Gateway("admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}, " + log + "}\n"));
  EXPECT_NE(admin.diagnostics.ToText().find("admin.access_log[0].typed_config.path: cannot write"),
            std::string::npos)
      << admin.diagnostics.ToText();
  std::string yaml = Gateway("");
  yaml.replace(yaml.find("{name: l,"), 9, "{name: l, " + log + ",");
  const TextSnapshot listener(yaml);
  EXPECT_NE(listener.diagnostics.ToText().find("listeners[0].access_log[0].typed_config.path: cannot write"),
            std::string::npos)
      << listener.diagnostics.ToText();
}

std::string WithProfile(const std::string& fields) {
  return Gateway(
      "bootstrap_extensions: [{name: p, typed_config: {'@type': "
      "type.googleapis.com/narthex.config.bootstrap.v1.Profile" +
      fields + "}}]\n");
}

// What a slow client must move, in bytes a second.
uint64_t ClientRate(const std::string& yaml) {
  const TextSnapshot text(yaml);
  EXPECT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  return text.snapshot->listeners[0]->chains[0].hcm->codec.min_client_rate;
}

TEST(Profile, SetsWhatClientsMustMove) {
  EXPECT_EQ(ClientRate(Gateway("")), 240u);
  EXPECT_EQ(ClientRate(WithProfile("")), 240u);
  EXPECT_EQ(ClientRate(WithProfile(", profile: ENVOY")), 0u);
  EXPECT_EQ(ClientRate(WithProfile(", min_client_bytes_per_second: 1000")), 1000u);
  EXPECT_EQ(ClientRate(WithProfile(", profile: ENVOY, min_client_bytes_per_second: 7")), 7u);
  EXPECT_EQ(ClientRate(WithProfile(", min_client_bytes_per_second: 0")), 0u);
}

TEST(Unsupported, IsRefusedWithItsPlaceAndNeverIgnored) {
  auto refused = [](const std::string& yaml, const std::string& finding) {
    const TextSnapshot text(yaml);
    EXPECT_EQ(text.snapshot, nullptr) << finding;
    const std::string found = text.diagnostics.ToText();
    EXPECT_NE(found.find(finding + " exists in Envoy v3 but "), std::string::npos) << found;
  };
  refused(Gateway("stats_config: {stats_tags: [{tag_name: a, fixed_value: b}]}\n"),
          "stats_config: field \"stats_tags\"");
  const TextSnapshot tags(Gateway("stats_config: {use_all_default_tags: false}\n"));
  EXPECT_EQ(tags.snapshot, nullptr);
  EXPECT_NE(tags.diagnostics.ToText().find("stats_config.use_all_default_tags: only true is supported"),
            std::string::npos)
      << tags.diagnostics.ToText();
  const std::string chains = "{filters: [" + HcmWith("{match: {prefix: /}, route: {cluster: c}}") + "]}";
  std::string listener = ListenerWith("l", 80, chains);
  listener.replace(listener.find("{name: l,"), 9,
                   "{name: l, connection_balance_config: {exact_balance: {}},");
  refused(BootstrapWith(listener, {"c"}),
          "static_resources.listeners[0]: field \"connection_balance_config\"");
}

}  // namespace
}  // namespace narthex
