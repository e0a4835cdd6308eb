#include "source/upstream/balancer/weighted_random.h"

#include <random>

#include "gtest/gtest.h"
#include "test/upstream/balancer/chi_square.h"

namespace narthex {
namespace {

std::vector<size_t> Draw(const std::vector<double>& weights, int times) {
  const WeightedRandom weighted(weights);
  std::mt19937_64 random(42);
  std::vector<size_t> counts(weights.size());
  for (int i = 0; i < times; ++i) ++counts[weighted.Draw(random())];
  return counts;
}

TEST(WeightedRandom, DrawsInProportionToTheWeights) {
  EXPECT_LT(testing::ChiSquare(Draw({1, 1, 1, 1}, 100'000), {0.25, 0.25, 0.25, 0.25}), 1);
  EXPECT_LT(testing::ChiSquare(Draw({1, 2, 3, 4}, 100'000), {0.1, 0.2, 0.3, 0.4}), 1);
  EXPECT_LT(testing::ChiSquare(Draw({97, 1, 2}, 100'000), {0.97, 0.01, 0.02}), 1);
}

// The measure itself: it must tell a distribution that is off by a tenth.
TEST(WeightedRandom, IsToldFromAnotherDistribution) {
  EXPECT_GT(testing::ChiSquare(Draw({1, 1, 1, 1}, 100'000), {0.275, 0.225, 0.25, 0.25}), 1);
  EXPECT_GT(testing::ChiSquare({1, 99}, {0, 1}), 1);
}

TEST(WeightedRandom, NeverDrawsWhatHasNoWeight) {
  const auto counts = Draw({0, 1, 0, 1e-9, 3, 0}, 100'000);
  EXPECT_EQ(counts[0] + counts[2] + counts[5], 0u);
  EXPECT_TRUE(WeightedRandom({0, 0}).empty());
  EXPECT_TRUE(WeightedRandom(std::vector<double>()).empty());
}

}  // namespace
}  // namespace narthex
