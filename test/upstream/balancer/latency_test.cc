#include <cmath>

#include "gtest/gtest.h"
#include "source/upstream/balancer/peak_ewma.h"
#include "source/upstream/balancer/slow_start.h"

namespace narthex {
namespace {

constexpr uint64_t kSecond = 1'000'000;

TEST(PeakEwma, JumpsUpAtOnceAndComesDownSlowly) {
  PeakEwma latency;
  EXPECT_EQ(latency.Read(kSecond, kSecond), 0);
  latency.Add(1000, kSecond, kSecond);
  EXPECT_NEAR(latency.Read(kSecond, kSecond), 1000, 1e-6);
  latency.Add(9000, kSecond, kSecond);
  EXPECT_NEAR(latency.Read(kSecond, kSecond), 9000, 1e-6);
  // A fast sample after a tenth of the decay time moves it by a tenth of the way, and no more.
  latency.Add(1000, kSecond + kSecond / 10, kSecond);
  const double left = std::exp(-0.1);
  EXPECT_NEAR(latency.Read(kSecond + kSecond / 10, kSecond), 9000 * left + 1000 * (1 - left), 1e-6);
}

TEST(PeakEwma, DecaysWithoutSamples) {
  PeakEwma latency;
  latency.Add(5000, kSecond, kSecond);
  EXPECT_NEAR(latency.Read(2 * kSecond, kSecond), 5000 / std::exp(1), 1e-6);
  EXPECT_LT(latency.Read(30 * kSecond, kSecond), 1);
}

TEST(SlowStart, GrowsWithTimeFromItsMinimumToTheWhole) {
  const SlowStart linear{100 * kSecond, 1, 0.1};
  EXPECT_EQ(SlowStartFactor(linear, 1000, 1000), 0.1);
  EXPECT_NEAR(SlowStartFactor(linear, 1000, 1000 + 50 * kSecond), 0.5, 1e-9);
  EXPECT_EQ(SlowStartFactor(linear, 1000, 1000 + 100 * kSecond), 1);
  const SlowStart fast{100 * kSecond, 2, 0.1};
  EXPECT_NEAR(SlowStartFactor(fast, 1000, 1000 + 25 * kSecond), 0.5, 1e-9);
  const SlowStart slow{100 * kSecond, 0.5, 0};
  EXPECT_NEAR(SlowStartFactor(slow, 1000, 1000 + 50 * kSecond), 0.25, 1e-9);
}

TEST(SlowStart, IsForHostsThatCameLater) {
  EXPECT_EQ(SlowStartFactor({100 * kSecond, 1, 0.1}, 0, kSecond), 1);
  EXPECT_EQ(SlowStartFactor({}, 1000, 1001), 1);
}

}  // namespace
}  // namespace narthex
