#include <string>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "gtest/gtest.h"
#include "source/config/document.h"
#include "source/upstream/cluster_config.h"

// What the configuration makes of balancers.
namespace narthex {
namespace {

// Compiles the cluster whose fields, in YAML behind four spaces, are `fields`.
struct Compiled {
  explicit Compiled(const std::string& fields, ClusterDefaults defaults = {}) {
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

// The settings of a cluster with this policy as an extension.
BalancerSettings OfExtension(const std::string& type, const std::string& fields) {
  const Compiled compiled(
      "    load_balancing_policy: {policies: [{typed_extension_config: {name: x, typed_config: "
      "{\"@type\": type.googleapis.com/" +
      type + (fields.empty() ? "" : ", " + fields) + "}}}]}\n");
  EXPECT_NE(compiled.config, nullptr) << compiled.text;
  return compiled.config == nullptr ? BalancerSettings() : compiled.config->balancer;
}

constexpr char kPolicies[] = "envoy.extensions.load_balancing_policies.";

TEST(BalancerConfig, TakesEveryPolicyBothWays) {
  const std::pair<const char*, LbPolicy> policies[] = {{"ROUND_ROBIN", LbPolicy::kRoundRobin},
                                                       {"RANDOM", LbPolicy::kRandom},
                                                       {"LEAST_REQUEST", LbPolicy::kLeastRequest},
                                                       {"RING_HASH", LbPolicy::kRingHash},
                                                       {"MAGLEV", LbPolicy::kMaglev}};
  for (const auto& [name, policy] : policies) {
    const Compiled compiled("    lb_policy: " + std::string(name) + "\n");
    ASSERT_NE(compiled.config, nullptr) << compiled.text;
    EXPECT_EQ(compiled.config->balancer.policy, policy) << name;
    EXPECT_STREQ(NameOf(policy), name);
  }
  const auto extension = [](const std::string& type) { return OfExtension(kPolicies + type, "").policy; };
  EXPECT_EQ(extension("round_robin.v3.RoundRobin"), LbPolicy::kRoundRobin);
  EXPECT_EQ(extension("random.v3.Random"), LbPolicy::kRandom);
  EXPECT_EQ(extension("least_request.v3.LeastRequest"), LbPolicy::kLeastRequest);
  EXPECT_EQ(extension("ring_hash.v3.RingHash"), LbPolicy::kRingHash);
  EXPECT_EQ(extension("maglev.v3.Maglev"), LbPolicy::kMaglev);
}

TEST(BalancerConfig, ReadsTheOptionsOfPolicies) {
  const BalancerSettings least = OfExtension(
      std::string(kPolicies) + "least_request.v3.LeastRequest",
      "choice_count: 5, active_request_bias: {default_value: 0.5, runtime_key: k}, slow_start_config: "
      "{slow_start_window: 30s, aggression: {default_value: 2, runtime_key: k}, min_weight_percent: {value: "
      "25}}, "
      "locality_lb_config: {locality_weighted_lb_config: {}}");
  EXPECT_EQ(least.choice_count, 5u);
  EXPECT_EQ(least.active_request_bias, 0.5);
  EXPECT_EQ(least.slow_start.window_us, 30'000'000u);
  EXPECT_EQ(least.slow_start.aggression, 2);
  EXPECT_EQ(least.slow_start.min_weight, 0.25);
  EXPECT_TRUE(least.locality_weighted);
  EXPECT_EQ(
      OfExtension(std::string(kPolicies) + "least_request.v3.LeastRequest", "selection_method: FULL_SCAN")
          .choice_count,
      0u);
  const BalancerSettings ring =
      OfExtension(std::string(kPolicies) + "ring_hash.v3.RingHash",
                  "hash_function: MURMUR_HASH_2, minimum_ring_size: 7, maximum_ring_size: 9, "
                  "consistent_hashing_lb_config: {use_hostname_for_hashing: true, hash_balance_factor: 150}");
  EXPECT_EQ(ring.ring.function, RingHashFunction::kMurmurHash2);
  EXPECT_EQ(ring.ring.min_size, 7u);
  EXPECT_EQ(ring.ring.max_size, 9u);
  EXPECT_TRUE(ring.hash_by_hostname);
  EXPECT_EQ(ring.hash_balance_factor, 150u);
  EXPECT_EQ(OfExtension(std::string(kPolicies) + "maglev.v3.Maglev", "table_size: 1009").maglev_size, 1009u);
  const BalancerSettings ewma =
      OfExtension("narthex.config.load_balancing.v1.PeakEwma", "decay_time: 2s, default_latency: 0.5s");
  EXPECT_EQ(ewma.policy, LbPolicy::kPeakEwma);
  EXPECT_EQ(ewma.decay_us, 2'000'000u);
  EXPECT_EQ(ewma.default_latency_us, 500'000u);
}

TEST(BalancerConfig, ReadsTheClustersOwnOptions) {
  const Compiled compiled(R"(    lb_policy: MAGLEV
    maglev_lb_config: {table_size: 251}
    common_lb_config:
      healthy_panic_threshold: {value: 20}
      locality_weighted_lb_config: {}
      consistent_hashing_lb_config: {hash_balance_factor: 125}
    load_assignment: {cluster_name: products, policy: {overprovisioning_factor: 200, weighted_priority_health: true}}
)");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const BalancerSettings& settings = compiled.config->balancer;
  EXPECT_EQ(settings.maglev_size, 251u);
  EXPECT_EQ(settings.priorities.panic_threshold, 20);
  EXPECT_EQ(settings.priorities.overprovisioning_factor, 200u);
  EXPECT_TRUE(settings.priorities.health_by_weight);
  EXPECT_TRUE(settings.locality_weighted);
  EXPECT_EQ(settings.hash_balance_factor, 125u);
}

TEST(BalancerConfig, AsksTheRuntimeForNumbersThatHaveAKey) {
  ClusterDefaults defaults;
  defaults.runtime = [](std::string_view key) -> std::optional<double> {
    return key == "lb.bias" ? std::optional<double>(3) : std::nullopt;
  };
  const std::string fields =
      "    lb_policy: LEAST_REQUEST\n    least_request_lb_config: {active_request_bias: {default_value: 1, "
      "runtime_key: lb.bias}}\n";
  const Compiled with(fields, defaults), without(fields);
  ASSERT_NE(with.config, nullptr) << with.text;
  EXPECT_EQ(with.config->balancer.active_request_bias, 3);
  EXPECT_EQ(without.config->balancer.active_request_bias, 1);
  EXPECT_NE(with.config->content_hash, without.config->content_hash);
}

TEST(BalancerConfig, ReadsSubsets) {
  const Compiled compiled(R"(    lb_subset_config:
      fallback_policy: DEFAULT_SUBSET
      default_subset: {stage: prod}
      list_as_any: true
      subset_selectors:
      - {keys: [version, stage], fallback_policy: KEYS_SUBSET, fallback_keys_subset: [stage]}
      - {keys: [stage], single_host_per_subset: true}
    load_assignment:
      cluster_name: products
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 80}}}
          metadata: {filter_metadata: {envoy.lb: {version: 1.5, stage: prod, hash_key: me, on: [a, true]}}}
)");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  const SubsetSettings& subsets = *compiled.config->balancer.subsets;
  EXPECT_EQ(subsets.fallback, SubsetSettings::Fallback::kDefaultSubset);
  ASSERT_EQ(subsets.selectors.size(), 2u);
  EXPECT_EQ(subsets.selectors[0].keys, (std::vector<std::string>{"stage", "version"}));
  EXPECT_EQ(subsets.selectors[0].fallback, SubsetSettings::Fallback::kKeysSubset);
  EXPECT_TRUE(subsets.selectors[1].single_host);
  const EndpointConfig& endpoint = compiled.config->endpoints[0];
  EXPECT_EQ(endpoint.hash_key, "me");
  ASSERT_NE(FindEntry(endpoint.lb_metadata, "version"), nullptr);
  EXPECT_EQ(FindEntry(endpoint.lb_metadata, "version")->text, "1.5");
  EXPECT_EQ(FindEntry(endpoint.lb_metadata, "stage")->text, "\"prod\"");
  EXPECT_EQ(FindEntry(endpoint.lb_metadata, "on")->items, (std::vector<std::string>{"\"a\"", "true"}));
}

TEST(BalancerConfig, RefusesWhatMakesNoSense) {
  EXPECT_TRUE(
      Compiled("    lb_policy: MAGLEV\n    maglev_lb_config: {table_size: 1000}\n")
          .Says("gateway.yaml:5:24: static_resources.clusters[0].maglev_lb_config.table_size: 1000 is not a "
                "prime number"));
  EXPECT_TRUE(Compiled("    lb_policy: RING_HASH\n    ring_hash_lb_config: {minimum_ring_size: 9, "
                       "maximum_ring_size: 8}\n")
                  .Says("is greater than maximum_ring_size, 8"));
  EXPECT_TRUE(Compiled("    lb_policy: RING_HASH\n    common_lb_config: {consistent_hashing_lb_config: "
                       "{hash_balance_factor: 99}}\n")
                  .Says("hash_balance_factor"));
  EXPECT_TRUE(Compiled("    lb_subset_config: {subset_selectors: [{keys: [a]}, {keys: [a]}]}\n")
                  .Says("a selector above has the same keys"));
  EXPECT_TRUE(Compiled("    lb_subset_config: {subset_selectors: [{keys: [a], fallback_policy: KEYS_SUBSET, "
                       "fallback_keys_subset: [a]}]}\n")
                  .Says("must be some of the keys, not all"));
  EXPECT_TRUE(Compiled("    common_lb_config: {zone_aware_lb_config: {routing_enabled: {value: 10}}}\n")
                  .Says("not supported"));
}

TEST(BalancerConfig, WarnsOfWhatHasNoEffect) {
  EXPECT_TRUE(Compiled("    lb_policy: RANDOM\n    maglev_lb_config: {}\n")
                  .Says("maglev_lb_config: has no effect: lb_policy is RANDOM"));
  EXPECT_TRUE(Compiled("    common_lb_config: {consistent_hashing_lb_config: {hash_balance_factor: 150}}\n")
                  .Says("has no effect: lb_policy is ROUND_ROBIN"));
  EXPECT_TRUE(Compiled("    lb_subset_config: {fallback_policy: ANY_ENDPOINT}\n")
                  .Says("has no effect without subset_selectors"));
}

}  // namespace
}  // namespace narthex
