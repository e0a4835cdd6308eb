#include "source/upstream/balancer/turns.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

std::string Order(Turns turns, int times) {
  std::string order;
  for (int i = 0; i < times; ++i) order += static_cast<char>('0' + turns.Next());
  return order;
}

TEST(Turns, TakesEqualItemsOneAfterTheOther) {
  EXPECT_EQ(Order(Turns({5, 5, 5}, 0), 7), "0120120");
  EXPECT_EQ(Order(Turns({5, 5, 5}, 4), 7), "1201201");
}

TEST(Turns, InterleavesWeightsSmoothly) {
  const std::string order = Order(Turns({1, 3}, 0), 400);
  EXPECT_EQ(std::count(order.begin(), order.end(), '0'), 100);
  EXPECT_EQ(order.find("00"), std::string::npos);
  EXPECT_EQ(order.find("11111"), std::string::npos);
}

// Earliest deadline first by hand: 2/1/1 have deadlines at multiples of 1/2, and two in turn at multiples of
// 1/2.
TEST(Turns, GivesClassesTheirTurnsByDeadline) {
  EXPECT_EQ(Order(Turns({1, 2, 1}, 0), 8), "10121012");
}

TEST(Turns, IsNeverOffByMoreThanATurnFromTheWeights) {
  const std::vector<double> weights = {1, 7, 2, 7, 100, 13, 1, 1, 64.5, 2};
  double sum = 0;
  for (const double weight : weights) sum += weight;
  Turns turns(weights, 12345);
  std::vector<double> counts(weights.size());
  for (int taken = 1; taken <= 20'000; ++taken) {
    ++counts[turns.Next()];
    for (size_t i = 0; i < weights.size(); ++i) {
      ASSERT_LT(std::abs(counts[i] - taken * weights[i] / sum), 2.0) << "item " << i << " after " << taken;
    }
  }
}

TEST(Turns, PassesOverItemsWithoutWeight) {
  EXPECT_EQ(Order(Turns({0, 1, -1}, 0), 3), "111");
  EXPECT_TRUE(Turns({0, 0}, 7).empty());
  EXPECT_TRUE(Turns({}, 7).empty());
}

TEST(ChangingTurns, FollowsWeightsExactlyWhileTheyStay) {
  const std::vector<double> weights = {1, 3, 6};
  ChangingTurns turns(weights, 0);
  std::vector<int> counts(3);
  for (int i = 0; i < 1000; ++i) ++counts[turns.Next([&](size_t item) { return weights[item]; })];
  EXPECT_EQ(counts, (std::vector<int>{100, 300, 600}));
}

TEST(ChangingTurns, FollowsAWeightThatChanges) {
  ChangingTurns turns({1, 1}, 0);
  const auto count = [&](double first) {
    int counted = 0;
    for (int i = 0; i < 1100; ++i) {
      counted += turns.Next([&](size_t item) { return item == 0 ? first : 1.0; }) == 0;
    }
    return counted;
  };
  EXPECT_NEAR(count(1), 550, 1);
  EXPECT_NEAR(count(0.1), 100, 2);
  EXPECT_NEAR(count(10), 1000, 2);
}

}  // namespace
}  // namespace narthex
