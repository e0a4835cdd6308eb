#include "source/upstream/load_balancer.h"

#include <algorithm>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "source/upstream/breakers.h"

namespace narthex {
namespace {

std::shared_ptr<Host> MakeHost(uint16_t port, uint32_t weight, uint32_t priority = 0,
                               ConfiguredHealth health = ConfiguredHealth::kHealthy) {
  EndpointConfig endpoint;
  endpoint.weight = weight;
  endpoint.priority = priority;
  endpoint.health = health;
  return std::make_shared<Host>(endpoint, *Address::Ip("10.0.0.1", port));
}

std::map<uint16_t, int> Count(LoadBalancer& balancer, int times) {
  std::map<uint16_t, int> counts;
  for (int i = 0; i < times; ++i) {
    ++counts[balancer.Choose(static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15u >> 16)->address().port()];
  }
  return counts;
}

TEST(RoundRobin, TakesEqualHostsInTurn) {
  const auto balancer = MakeRoundRobin({{MakeHost(1, 5), MakeHost(2, 5), MakeHost(3, 5)}}, 50, 1);
  EXPECT_EQ(balancer->Choose(0)->address().port(), 2);
  EXPECT_EQ(balancer->Choose(0)->address().port(), 3);
  EXPECT_EQ(balancer->Choose(0)->address().port(), 1);
  EXPECT_EQ(balancer->Choose(0)->address().port(), 2);
}

TEST(RoundRobin, FollowsWeightsExactlyAndInterleavesThem) {
  const auto balancer = MakeRoundRobin({{MakeHost(1, 1), MakeHost(2, 3)}}, 50, 0);
  std::string order;
  for (int i = 0; i < 400; ++i) order += static_cast<char>('0' + balancer->Choose(0)->address().port());
  EXPECT_EQ(std::count(order.begin(), order.end(), '1'), 100);
  EXPECT_EQ(order.find("11"), std::string::npos);
  EXPECT_EQ(order.find("22222"), std::string::npos);
}

TEST(RandomBalancer, FollowsWeightsRoughly) {
  const auto balancer = MakeRandomBalancer({{MakeHost(1, 1), MakeHost(2, 3)}}, 50);
  const auto counts = Count(*balancer, 4000);
  EXPECT_NEAR(counts.at(1), 1000, 150);
  EXPECT_NEAR(counts.at(2), 3000, 150);
}

TEST(LoadBalancer, HasNothingToChooseFromAnEmptySet) {
  EXPECT_EQ(MakeRoundRobin({}, 50, 7)->Choose(1), nullptr);
  EXPECT_EQ(MakeRandomBalancer({}, 50)->Choose(1), nullptr);
}

TEST(LoadBalancer, PassesOverHostsThatAreConfiguredUnhealthy) {
  const auto down = ConfiguredHealth::kUnhealthy;
  const auto balancer = MakeRoundRobin({{MakeHost(1, 1), MakeHost(2, 1, 0, down), MakeHost(3, 1)}}, 50, 0);
  EXPECT_EQ(Count(*balancer, 10), (std::map<uint16_t, int>{{1, 5}, {3, 5}}));
}

TEST(LoadBalancer, UsesAllHostsWhenTooFewAreHealthy) {
  const auto down = ConfiguredHealth::kUnhealthy;
  const HostSet hosts{{MakeHost(1, 1), MakeHost(2, 1, 0, down), MakeHost(3, 1, 0, down)}};
  EXPECT_EQ(Count(*MakeRoundRobin(hosts, 50, 0), 9).size(), 3u);
  EXPECT_EQ(Count(*MakeRoundRobin(hosts, 0, 0), 9).size(), 1u);
}

TEST(LoadBalancer, TurnsToTheNextPriorityWhenOneHasNoHealthyHost) {
  const auto down = ConfiguredHealth::kUnhealthy;
  EXPECT_EQ(Count(*MakeRoundRobin({{MakeHost(1, 1, 0), MakeHost(2, 1, 1)}}, 50, 0), 4),
            (std::map<uint16_t, int>{{1, 4}}));
  EXPECT_EQ(Count(*MakeRoundRobin({{MakeHost(1, 1, 0, down), MakeHost(2, 1, 1)}}, 50, 0), 4),
            (std::map<uint16_t, int>{{2, 4}}));
}

TEST(SharedSum, IsReachedWhenTheWorkersTogetherAreThere) {
  SharedSum sum;
  SharedCell& first = sum.AddCell();
  SharedCell& second = sum.AddCell();
  first.Add(3);
  EXPECT_FALSE(sum.Reached(first, 4));
  second.Add(1);
  EXPECT_TRUE(sum.Reached(first, 4));
  // Below its share of 2 a worker goes on.
  EXPECT_FALSE(sum.Reached(second, 4));
  first.Sub(1);
  EXPECT_FALSE(sum.Reached(first, 4));
  EXPECT_TRUE(sum.Reached(first, 0));
  EXPECT_EQ(sum.Read(), 3);
}

}  // namespace
}  // namespace narthex
