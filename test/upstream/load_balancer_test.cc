#include "source/upstream/load_balancer.h"

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "test/upstream/balancer_fixture.h"

namespace narthex {
namespace {

using testing::BalancedHosts;
using testing::Settings;
using testing::TestHost;
using Counts = std::map<uint16_t, size_t>;

constexpr auto kDown = ConfiguredHealth::kUnhealthy;
constexpr auto kDegraded = ConfiguredHealth::kDegraded;
constexpr LbPolicy kWithTurns[] = {LbPolicy::kRoundRobin, LbPolicy::kRandom, LbPolicy::kLeastRequest,
                                   LbPolicy::kPeakEwma};
constexpr LbPolicy kByHash[] = {LbPolicy::kRingHash, LbPolicy::kMaglev};

// Leaves `count` requests under way at the host.
void Load(Host& host, int count) {
  HostCells& cells = host.AddCells();
  for (int i = 0; i < count; ++i) HostCells::Add(cells.rq_active);
}

TEST(LoadBalancer, RoundRobinTakesEqualHostsInTurn) {
  BalancedHosts hosts({{1}, {2}, {3}}, Settings(LbPolicy::kRoundRobin));
  EXPECT_EQ(hosts.Count(300), (Counts{{1, 100}, {2, 100}, {3, 100}}));
  const uint16_t first = hosts.Choose()->address().port();
  EXPECT_NE(hosts.Choose()->address().port(), first);
  EXPECT_NE(hosts.Choose()->address().port(), first);
  EXPECT_EQ(hosts.Choose()->address().port(), first);
}

TEST(LoadBalancer, RoundRobinFollowsWeightsExactly) {
  BalancedHosts hosts({{1, 1}, {2, 3}}, Settings(LbPolicy::kRoundRobin));
  EXPECT_EQ(hosts.Count(400), (Counts{{1, 100}, {2, 300}}));
}

TEST(LoadBalancer, FollowsWeightsByAnyPolicy) {
  for (const LbPolicy policy : kWithTurns) {
    BalancedHosts hosts({{1, 1}, {2, 3}, {3, 6}}, Settings(policy));
    // An idle host is as good as the next by peak EWMA, which then draws by weight, but not the same one
    // twice.
    if (policy == LbPolicy::kPeakEwma) continue;
    EXPECT_LT(hosts.DistanceFromShares(hosts.Count(20'000)), 1) << NameOf(policy);
  }
}

// A route's fraction takes the same number: what it leaves has the same remainder by 100.
TEST(LoadBalancer, DividesEvenlyWhatAFractionOfARouteLeaves) {
  for (const LbPolicy policy : {LbPolicy::kRandom, LbPolicy::kLeastRequest}) {
    BalancedHosts hosts({{1}, {2}}, Settings(policy));
    Counts counts{{1, 0}, {2, 0}};
    for (uint64_t i = 0; i < 20'000; ++i) {
      BalanceRequest request;
      request.random = 100 * i;
      request.now_us = hosts.now_us;
      ++counts[hosts.balancer().Choose(request)->address().port()];
    }
    EXPECT_LT(hosts.DistanceFromShares(counts), 1) << NameOf(policy);
  }
}

TEST(LoadBalancer, HasNothingToChooseFromAnEmptySet) {
  for (const LbPolicy policy : kWithTurns) EXPECT_EQ(BalancedHosts({}, Settings(policy)).Choose(), nullptr);
  for (const LbPolicy policy : kByHash) EXPECT_EQ(BalancedHosts({}, Settings(policy)).Choose(1), nullptr);
}

TEST(LoadBalancer, PassesOverHostsThatAreUnhealthy) {
  for (const LbPolicy policy : kWithTurns) {
    BalancedHosts hosts({{1}, {.port = 2, .health = kDown}, {3}}, Settings(policy));
    const Counts counts = hosts.Count(1000);
    EXPECT_EQ(counts.count(2) + counts.count(0), 0u) << NameOf(policy);
    EXPECT_GT(counts.at(1), 400u) << NameOf(policy);
  }
}

TEST(LoadBalancer, UsesAllHostsInPanic) {
  const std::vector<TestHost> few = {{1}, {.port = 2, .health = kDown}, {.port = 3, .health = kDown}};
  BalancerSettings settings = Settings(LbPolicy::kRoundRobin);
  EXPECT_EQ(BalancedHosts(few, settings).Count(9), (Counts{{1, 3}, {2, 3}, {3, 3}}));
  settings.priorities.panic_threshold = 0;
  EXPECT_EQ(BalancedHosts(few, settings).Count(9), (Counts{{1, 9}}));
}

TEST(LoadBalancer, FailsInPanicWhenAsked) {
  BalancerSettings settings = Settings(LbPolicy::kRandom);
  settings.fail_traffic_on_panic = true;
  EXPECT_EQ(
      BalancedHosts({{1}, {.port = 2, .health = kDown}, {.port = 3, .health = kDown}}, settings).Count(9),
      (Counts{{0, 9}}));
}

// 1 of 2 healthy, times 1.4: 70% stay, 30% go to the second priority.
TEST(LoadBalancer, DividesAmongPriorities) {
  const std::vector<TestHost> fleet = {{1}, {.port = 2, .health = kDown}, {.port = 3, .priority = 1}};
  for (const LbPolicy policy : {LbPolicy::kRoundRobin, LbPolicy::kRandom, LbPolicy::kLeastRequest}) {
    BalancedHosts hosts(fleet, Settings(policy));
    const Counts counts = hosts.Count(20'000);
    EXPECT_NEAR(static_cast<double>(counts.at(1)), 14'000, 400) << NameOf(policy);
    EXPECT_LT(hosts.DistanceFromShares(counts), 1) << NameOf(policy);
  }
  for (const LbPolicy policy : kByHash) {
    BalancedHosts hosts(fleet, Settings(policy));
    EXPECT_NEAR(static_cast<double>(hosts.CountHashes(20'000).at(3)), 6000, 400) << NameOf(policy);
  }
}

TEST(LoadBalancer, TakesDegradedHostsForWhatHealthyOnesCannot) {
  BalancedHosts some({{1}, {.port = 2, .health = kDegraded}}, Settings(LbPolicy::kRandom));
  EXPECT_NEAR(static_cast<double>(some.Count(10'000).at(1)), 7000, 300);
  BalancedHosts enough({{1}, {2}, {3}, {.port = 4, .health = kDegraded}}, Settings(LbPolicy::kRandom));
  EXPECT_EQ(enough.Count(1000).count(4), 0u);
  // By hash they take over only when there is no healthy host.
  for (const LbPolicy policy : kByHash) {
    BalancedHosts both({{1}, {.port = 2, .health = kDegraded}}, Settings(policy));
    EXPECT_EQ(both.CountHashes(100), (Counts{{1, 100}})) << NameOf(policy);
    BalancedHosts worse({{.port = 1, .health = kDown}, {.port = 2, .health = kDegraded}}, Settings(policy));
    EXPECT_EQ(worse.CountHashes(100), (Counts{{2, 100}})) << NameOf(policy);
  }
}

// Zone a: 2 of 2 healthy, weight 1. Zone b: 1 of 4 healthy, weight 3: what is left of it is 3 * 1.4 / 4
// = 1.05.
TEST(LoadBalancer, DividesAmongLocalitiesByWhatIsLeftOfTheirWeights) {
  BalancerSettings settings = Settings(LbPolicy::kRoundRobin);
  settings.locality_weighted = true;
  settings.priorities.panic_threshold = 0;
  const auto in = [](uint16_t port, const char* zone, uint32_t weight, ConfiguredHealth health) {
    return TestHost{.port = port, .health = health, .zone = zone, .locality_weight = weight};
  };
  constexpr auto kUp = ConfiguredHealth::kHealthy;
  BalancedHosts hosts({in(1, "a", 1, kUp), in(2, "a", 1, kUp), in(3, "b", 3, kUp), in(4, "b", 3, kDown),
                       in(5, "b", 3, kDown), in(6, "b", 3, kDown), in(7, "c", 0, kUp)},
                      settings);
  const auto& localities = hosts.tables().priorities[0].localities;
  ASSERT_EQ(localities.size(), 3u);
  EXPECT_DOUBLE_EQ(localities[0].healthy_weight, 1);
  EXPECT_DOUBLE_EQ(localities[1].healthy_weight, 1.05);
  EXPECT_DOUBLE_EQ(localities[2].healthy_weight, 0);
  const Counts counts = hosts.Count(20'500);
  EXPECT_NEAR(static_cast<double>(counts.at(1)), 5000, 2);
  EXPECT_NEAR(static_cast<double>(counts.at(3)), 10'500, 2);
  EXPECT_EQ(counts.count(7), 0u);
}

TEST(LoadBalancer, HashesByTheWeightsOfLocalities) {
  for (const LbPolicy policy : kByHash) {
    BalancerSettings settings = Settings(policy);
    settings.locality_weighted = true;
    settings.ring.min_size = 100'000;
    BalancedHosts hosts({{.port = 1, .zone = "a", .locality_weight = 1},
                         {.port = 2, .zone = "b", .locality_weight = 3},
                         {.port = 3, .zone = "b", .locality_weight = 3}},
                        settings);
    const Counts counts = hosts.CountHashes(40'000);
    EXPECT_NEAR(static_cast<double>(counts.at(1)), 10'000, 600) << NameOf(policy);
    EXPECT_NEAR(static_cast<double>(counts.at(2)), 15'000, 600) << NameOf(policy);
  }
}

TEST(LoadBalancer, LeastRequestPrefersTheOneWithFewer) {
  BalancedHosts hosts({{1}, {2}}, Settings(LbPolicy::kLeastRequest));
  Load(hosts[1], 3);
  // Both draws fall on the busy one in a quarter of all cases.
  EXPECT_NEAR(static_cast<double>(hosts.Count(10'000).at(1)), 2500, 250);
  BalancerSettings many = Settings(LbPolicy::kLeastRequest);
  many.choice_count = 10;
  BalancedHosts careful({{1}, {2}}, many);
  Load(careful[1], 3);
  EXPECT_LT(careful.Count(10'000)[1], 50u);
}

TEST(LoadBalancer, LeastRequestSeesWhatOtherWorkersHaveUnderWay) {
  BalancerSettings settings = Settings(LbPolicy::kLeastRequest);
  settings.choice_count = 0;
  BalancedHosts hosts({{1}, {2}, {3}}, settings);
  Load(hosts[1], 1);
  Load(hosts[1], 1);
  Load(hosts[2], 1);
  EXPECT_EQ(hosts.Count(100), (Counts{{3, 100}}));
  Load(hosts[3], 1);
  const Counts tie = hosts.Count(1000);
  EXPECT_EQ(tie.count(1), 0u);
  EXPECT_NEAR(static_cast<double>(tie.at(2)), 500, 80);
}

// Weights 2 and 1; with 3 requests at the first, it counts as 2 / 4.
TEST(LoadBalancer, LeastRequestLessensWeightsByActiveRequests) {
  for (const double bias : {0.0, 1.0}) {
    BalancerSettings settings = Settings(LbPolicy::kLeastRequest);
    settings.active_request_bias = bias;
    BalancedHosts hosts({{1, 2}, {2, 1}}, settings);
    Load(hosts[1], 3);
    EXPECT_NEAR(static_cast<double>(hosts.Count(3000).at(1)), bias == 0 ? 2000 : 1000, 3) << bias;
  }
}

TEST(LoadBalancer, PeakEwmaTurnsFromASlowHostAndComesBackToIt) {
  BalancedHosts hosts({{1}, {2}, {3}}, Settings(LbPolicy::kPeakEwma));
  for (const uint16_t port : {1, 2, 3}) {
    hosts[port].AddCells().latency.Add(port == 1 ? 500'000 : 5'000, hosts.now_us, 10'000'000);
  }
  EXPECT_LT(hosts.Count(10'000)[1], 800u);
  hosts.now_us += 200'000'000;  // forgotten
  EXPECT_NEAR(static_cast<double>(hosts.Count(30'000).at(1)), 10'000, 500);
}

TEST(LoadBalancer, PeakEwmaWeighsWhatIsUnderWay) {
  BalancedHosts hosts({{1}, {2}}, Settings(LbPolicy::kPeakEwma));
  for (const uint16_t port : {1, 2})
    hosts[port].AddCells().latency.Add(port * 1000, hosts.now_us, 10'000'000);
  EXPECT_GT(hosts.Count(1000)[1], 800u);
  Load(hosts[1], 2);  // 1 ms * 3 against 2 ms * 1
  EXPECT_GT(hosts.Count(1000)[2], 800u);
}

TEST(LoadBalancer, SlowStartHoldsBackAHostThatCameLater) {
  BalancerSettings settings = Settings(LbPolicy::kRoundRobin);
  settings.slow_start.window_us = 10'000'000;
  BalancedHosts hosts({{1}, {2}}, settings);
  hosts[2].set_available_since_us(hosts.now_us);
  hosts.Rebuild();
  EXPECT_NEAR(static_cast<double>(hosts.Count(1100).at(2)), 100, 1);
  EXPECT_EQ(hosts.balancer().stale_at_us(), hosts.now_us + 100'000);
  hosts.now_us += 5'000'000;
  hosts.Rebuild();
  EXPECT_NEAR(static_cast<double>(hosts.Count(1500).at(2)), 500, 1);
  hosts.now_us += 5'000'000;
  hosts.Rebuild();
  EXPECT_EQ(hosts.Count(1000).at(2), 500u);
  EXPECT_EQ(hosts.balancer().stale_at_us(), ~uint64_t{0});
}

TEST(LoadBalancer, TheSameHashGoesToTheSameHost) {
  for (const LbPolicy policy : kByHash) {
    BalancedHosts hosts({{1}, {2}, {3}, {4}, {5}}, Settings(policy));
    for (uint64_t hash = 1; hash != 0 && hash < 1'000'000; hash = hash * 7 + 3) {
      const Host* host = hosts.Choose(hash);
      EXPECT_EQ(hosts.Choose(hash), host) << NameOf(policy);
    }
    // Without one, chance decides.
    EXPECT_EQ(hosts.Count(1000).size(), 5u) << NameOf(policy);
  }
}

TEST(LoadBalancer, BoundedLoadSendsWhatDoesNotFitElsewhere) {
  for (const LbPolicy policy : kByHash) {
    BalancerSettings settings = Settings(policy);
    settings.hash_balance_factor = 150;
    BalancedHosts hosts({{1}, {2}, {3}, {4}}, settings);
    const Host* favourite = hosts.Choose(42);
    Load(*const_cast<Host*>(favourite), 15);
    hosts.set_active_requests(40);  // (40 + 1) * 1.5 / 4 rounds to 16 slots
    EXPECT_EQ(hosts.Choose(42), favourite) << NameOf(policy);
    Load(*const_cast<Host*>(favourite), 1);
    const Host* other = hosts.Choose(42);
    EXPECT_NE(other, favourite) << NameOf(policy);
    EXPECT_EQ(hosts.Choose(42), other) << NameOf(policy) << ": always the same one";
  }
}

TEST(LoadBalancer, BoundedLoadTakesTheLeastOverloadedWhenNoneFits) {
  BalancerSettings settings = Settings(LbPolicy::kMaglev);
  settings.hash_balance_factor = 100;
  BalancedHosts hosts({{1}, {2}, {3}}, settings);
  for (const uint16_t port : {1, 2, 3}) Load(hosts[port], port == 2 ? 5 : 50);
  EXPECT_EQ(hosts.CountHashes(50), (Counts{{2, 50}}));
}

}  // namespace
}  // namespace narthex
