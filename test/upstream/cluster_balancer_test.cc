#include "source/upstream/cluster_balancer.h"

#include <set>

#include "gtest/gtest.h"
#include "test/upstream/balancer_fixture.h"

namespace narthex {
namespace {

using testing::Settings;
using testing::TestHost;
using Ports = std::set<uint16_t>;
using Fallback = SubsetSettings::Fallback;

LbMetadata Entries(std::vector<std::pair<std::string, std::string>> pairs) {
  LbMetadata metadata;
  for (auto& [key, text] : pairs) metadata.push_back({key, text, {}});
  return metadata;
}

SubsetSettings::Selector Selector(std::vector<std::string> keys, std::optional<Fallback> fallback = {},
                                  std::vector<std::string> fewer = {}) {
  return {std::move(keys), fallback, std::move(fewer), false};
}

// A cluster of the process and one worker's balancer of it.
class ClusterBalancerTest : public ::testing::Test {
 protected:
  void Start(BalancerSettings settings, const std::vector<TestHost>& hosts) {
    auto config = std::make_shared<ClusterConfig>();
    config->name = config->stat_name = "cluster_balancer_test";
    config->balancer = std::move(settings);
    runtime_ = ClusterRuntime::Make(config);
    balancer_ = std::make_unique<ClusterBalancer>(*runtime_);
    SetHosts(hosts);
  }
  // Hosts of ports that were there before stay what they are.
  void SetHosts(const std::vector<TestHost>& hosts) {
    auto set = std::make_shared<HostSet>();
    for (const TestHost& host : hosts) {
      std::shared_ptr<Host>& made = hosts_[host.port];
      if (made == nullptr) {
        made = host.Make(runtime_->health_epoch());
        made->set_available_since_us(Host::kNotAvailable);
      }
      set->hosts.push_back(made);
    }
    balancer_->SetHosts(set);
  }
  Host* Choose(const MetadataMatch* match = nullptr) {
    return balancer_->Choose({random_.Next(), std::nullopt, now_us_}, match);
  }
  // The ports of all hosts that are chosen; 0 for none.
  Ports Chosen(const LbMetadata& wanted = {}) {
    const MetadataMatch match(wanted);
    Ports ports;
    for (int i = 0; i < 200; ++i) {
      const Host* host = Choose(wanted.empty() ? nullptr : &match);
      ports.insert(host == nullptr ? 0 : host->address().port());
    }
    return ports;
  }

  std::shared_ptr<ClusterRuntime> runtime_;
  std::unique_ptr<ClusterBalancer> balancer_;
  std::map<uint16_t, std::shared_ptr<Host>> hosts_;
  RandomBits random_{5};
  uint64_t now_us_ = 1'000'000;
};

TEST_F(ClusterBalancerTest, FollowsHealthFromOneChoiceToTheNext) {
  Start(Settings(LbPolicy::kRoundRobin), {{1}, {2}, {3}});
  EXPECT_EQ(Chosen(), (Ports{1, 2, 3}));
  hosts_[2]->health().Set(HostHealth::kFailedOutlier);
  EXPECT_EQ(Chosen(), (Ports{1, 3}));
  hosts_[2]->health().Clear(HostHealth::kFailedOutlier);
  hosts_[3]->health().Set(HostHealth::kDegradedActiveHc);
  EXPECT_EQ(Chosen(), (Ports{1, 2, 3})) << "2 of 3 healthy take 93%, the degraded one 7%";
}

TEST_F(ClusterBalancerTest, FollowsTheHosts) {
  for (const LbPolicy policy : {LbPolicy::kRoundRobin, LbPolicy::kRingHash, LbPolicy::kMaglev}) {
    hosts_.clear();
    Start(Settings(policy), {{1}, {2}});
    EXPECT_EQ(Chosen(), (Ports{1, 2}));
    SetHosts({{2}, {3}});
    EXPECT_EQ(Chosen(), (Ports{2, 3}));
    SetHosts({});
    EXPECT_EQ(Chosen(), (Ports{0}));
  }
}

TEST_F(ClusterBalancerTest, SharesTablesAmongWorkers) {
  Start(Settings(LbPolicy::kMaglev), {{1}, {2}});
  Choose();
  const auto tables = runtime_->tables().latest();
  ASSERT_NE(tables, nullptr);
  EXPECT_EQ(runtime_->tables().For(tables->set, now_us_), tables);
  hosts_[1]->health().Set(HostHealth::kFailedActiveHc);
  EXPECT_NE(runtime_->tables().For(tables->set, now_us_), tables);
}

TEST_F(ClusterBalancerTest, SlowStartIsForHostsThatComeLaterOrBack) {
  BalancerSettings settings = Settings(LbPolicy::kRoundRobin);
  settings.slow_start.window_us = 10'000'000;
  Start(settings, {{1}, {2}});
  const auto count = [&](uint16_t port) {
    int counted = 0;
    for (int i = 0; i < 1000; ++i) counted += Choose()->address().port() == port;
    return counted;
  };
  EXPECT_EQ(count(2), 500) << "all began together";
  hosts_[2]->health().Set(HostHealth::kFailedActiveHc);
  EXPECT_EQ(count(2), 0);
  hosts_[2]->health().Clear(HostHealth::kFailedActiveHc);
  EXPECT_NEAR(count(2), 91, 2) << "1 to 0.1";
  now_us_ += 5'000'000;
  EXPECT_NEAR(count(2), 333, 2) << "the weights grow without a change of hosts";
  now_us_ += 5'000'000;
  EXPECT_EQ(count(2), 500);
}

class SubsetTest : public ClusterBalancerTest {
 protected:
  // 1: v1 in a; 2: v1 in b; 3: v2 in a; 4: without metadata.
  void StartWith(SubsetSettings subsets) {
    BalancerSettings settings = Settings(LbPolicy::kRoundRobin);
    settings.subsets = std::move(subsets);
    Start(settings, {{.port = 1, .metadata = Entries({{"version", "1"}, {"zone", "a"}})},
                     {.port = 2, .metadata = Entries({{"version", "1"}, {"zone", "b"}})},
                     {.port = 3, .metadata = Entries({{"version", "2"}, {"zone", "a"}})},
                     {.port = 4}});
  }
};

TEST_F(SubsetTest, ChoosesAmongTheHostsThatHaveAllValues) {
  StartWith({.selectors = {Selector({"version"}), Selector({"version", "zone"})}});
  EXPECT_EQ(Chosen(Entries({{"version", "1"}})), (Ports{1, 2}));
  EXPECT_EQ(Chosen(Entries({{"version", "2"}})), (Ports{3}));
  EXPECT_EQ(Chosen(Entries({{"version", "1"}, {"zone", "b"}})), (Ports{2}));
  EXPECT_EQ(Chosen(Entries({{"version", "2"}, {"zone", "b"}})), (Ports{0}));
  EXPECT_EQ(Chosen(Entries({{"zone", "a"}})), (Ports{0})) << "no selector is of zone alone";
  EXPECT_EQ(Chosen(), (Ports{0})) << "no fallback for routes that ask for nothing";
  EXPECT_EQ(balancer_->WhyNone(nullptr), "the route has no metadata_match, and there is no fallback");
}

TEST_F(SubsetTest, FallsBackAsTheClusterSays) {
  StartWith({.fallback = Fallback::kAnyEndpoint, .selectors = {Selector({"version"})}});
  EXPECT_EQ(Chosen(Entries({{"version", "3"}})), (Ports{1, 2, 3, 4}));
  EXPECT_EQ(Chosen(), (Ports{1, 2, 3, 4}));
  hosts_.clear();
  StartWith({.fallback = Fallback::kDefaultSubset,
             .default_subset = Entries({{"zone", "a"}}),
             .selectors = {Selector({"version"})}});
  EXPECT_EQ(Chosen(Entries({{"version", "3"}})), (Ports{1, 3}));
}

TEST_F(SubsetTest, FallsBackAsTheSelectorSays) {
  StartWith(
      {.fallback = Fallback::kAnyEndpoint,
       .default_subset = Entries({{"zone", "b"}}),
       .selectors = {Selector({"version"}, Fallback::kNone), Selector({"zone"}, Fallback::kDefaultSubset),
                     Selector({"version", "zone"}, Fallback::kKeysSubset, {"version"})}});
  EXPECT_EQ(Chosen(Entries({{"version", "3"}})), (Ports{0}));
  EXPECT_EQ(Chosen(Entries({{"zone", "c"}})), (Ports{2}));
  EXPECT_EQ(Chosen(Entries({{"version", "2"}, {"zone", "b"}})), (Ports{3}));
  EXPECT_EQ(Chosen(Entries({{"version", "3"}, {"zone", "b"}})), (Ports{0}))
      << "as the selector of fewer keys says";
}

TEST_F(SubsetTest, PanicModeTakesAnyHostWhenTheFallbackHasNone) {
  StartWith({.fallback = Fallback::kDefaultSubset,
             .default_subset = Entries({{"zone", "nowhere"}}),
             .selectors = {Selector({"version"})},
             .panic_mode_any = true});
  EXPECT_EQ(Chosen(Entries({{"version", "3"}})), (Ports{1, 2, 3, 4}));
}

TEST_F(SubsetTest, AHostIsInTheSubsetOfEachItemOfAList) {
  BalancerSettings settings = Settings(LbPolicy::kRandom);
  settings.subsets = SubsetSettings{.selectors = {Selector({"version"})}, .list_as_any = true};
  Start(settings, {{.port = 1, .metadata = {{"version", "[1,2]", {"1", "2"}}}},
                   {.port = 2, .metadata = {{"version", "2", {}}}}});
  EXPECT_EQ(Chosen(Entries({{"version", "1"}})), (Ports{1}));
  EXPECT_EQ(Chosen(Entries({{"version", "2"}})), (Ports{1, 2}));
}

TEST_F(SubsetTest, FollowsHealthWithinASubset) {
  StartWith({.selectors = {Selector({"version"})}});
  hosts_[1]->health().Set(HostHealth::kFailedActiveHc);
  EXPECT_EQ(Chosen(Entries({{"version", "1"}})), (Ports{2})) << "1 of 2 is no panic";
  hosts_[2]->health().Set(HostHealth::kFailedActiveHc);
  EXPECT_EQ(Chosen(Entries({{"version", "1"}})), (Ports{1, 2})) << "none is";
}

}  // namespace
}  // namespace narthex
