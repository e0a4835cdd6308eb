// How the limit of adaptive_concurrency follows from latencies, on a clock of the test's own.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "filters/adaptive_concurrency/gradient_controller.h"
#include "filters/adaptive_concurrency/latency_samples.h"
#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/upstream/balancer/chi_square.h"

namespace narthex::testing {
namespace {

constexpr uint64_t kMs = 1000;
constexpr char kPrefix[] = "http.controller.";

uint64_t Stat(const std::string& name) {
  return StatsStore::Process().ValueOf(kPrefix + name);
}

GradientSettings Measuring() {
  GradientSettings settings;
  settings.update_interval = 100 * kMs;
  settings.min_rtt_interval = 10'000 * kMs;
  settings.min_rtt_requests = 5;
  settings.min_rtt_jitter = 0;
  return settings;
}

GradientSettings Fixed(uint64_t min_rtt) {
  GradientSettings settings;
  settings.update_interval = 100 * kMs;
  settings.fixed_min_rtt = min_rtt;
  return settings;
}

// A controller and its time.
struct Rig {
  explicit Rig(const GradientSettings& settings) : controller(settings, kPrefix) {}

  // A request that takes so long.
  void Request(uint64_t latency) {
    ASSERT_TRUE(controller.Begin(now));
    const uint64_t began = now;
    now += latency;
    controller.Finish(began, now);
  }
  void Requests(int count, uint64_t latency) {
    for (int i = 0; i < count; ++i) Request(latency);
  }
  // Until the next window's end, which the next request finds.
  void Window(uint64_t latency) {
    Request(latency);
    now += controller.settings().update_interval;
  }

  GradientController controller;
  uint64_t now = 1'000'000;
};

TEST(LatencySamples, GivePercentilesWithinTheWidthOfABucket) {
  std::mt19937_64 random(7);
  for (const double scale : {3.0, 8.0, 14.0, 20.0}) {
    std::vector<double> latencies;
    LatencySamples samples;
    for (int i = 0; i < 5000; ++i) {
      const auto us = static_cast<uint64_t>(std::exp(scale + static_cast<double>(random() % 1000) / 500));
      latencies.push_back(static_cast<double>(us));
      samples.Record(us);
    }
    std::sort(latencies.begin(), latencies.end());
    for (const double percent : {1.0, 50.0, 90.0, 99.0}) {
      const double exact = latencies[static_cast<size_t>(percent / 100 * 5000)];
      EXPECT_NEAR(samples.Take(percent).value_or(0), exact, exact / 32 + 1) << percent << "% of e^" << scale;
      for (const double latency : latencies) samples.Record(static_cast<uint64_t>(latency));
    }
  }
}

TEST(LatencySamples, TakeThemOut) {
  LatencySamples samples;
  EXPECT_EQ(samples.Take(50), std::nullopt);
  samples.Record(40);
  samples.Record(~uint64_t{0});
  EXPECT_EQ(samples.count(), 2u);
  EXPECT_NEAR(samples.Take(100).value_or(0), static_cast<double>(LatencySamples::kMaxUs), 1e9);
  EXPECT_EQ(samples.count(), 0u);
  EXPECT_EQ(samples.Take(50), std::nullopt);
}

TEST(GradientController, BeginsWithFewRequestsUntilTheBestLatencyIsKnown) {
  Rig rig(Measuring());
  EXPECT_TRUE(rig.controller.measuring());
  EXPECT_EQ(Stat("min_rtt_calculation_active"), 1u);
  EXPECT_EQ(Stat("concurrency_limit"), 3u);
  const uint64_t blocked = Stat("rq_blocked");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rig.controller.Begin(rig.now));
  EXPECT_FALSE(rig.controller.Begin(rig.now));
  EXPECT_EQ(Stat("rq_blocked"), blocked + 1);
  for (int i = 0; i < 3; ++i) rig.controller.Leave();
  EXPECT_EQ(rig.controller.active(), 0u);

  rig.Requests(4, 20 * kMs);
  EXPECT_TRUE(rig.controller.measuring());
  rig.Request(20 * kMs);
  EXPECT_FALSE(rig.controller.measuring());
  EXPECT_EQ(Stat("min_rtt_calculation_active"), 0u);
  EXPECT_NEAR(static_cast<double>(Stat("min_rtt_msecs")), 20, 1);
  EXPECT_EQ(rig.controller.limit(), 3u);
}

// What the statistics of Envoy 1.40 show with a fixed_value of 1s and a quick upstream.
TEST(GradientController, GrowsAsEnvoysDoes) {
  Rig rig(Fixed(1000 * kMs));
  EXPECT_EQ(Stat("min_rtt_msecs"), 1000u);
  std::vector<uint32_t> limits, headrooms;
  rig.Window(kMs);
  for (int i = 0; i < 9; ++i) {
    rig.Window(kMs);
    limits.push_back(rig.controller.limit());
    headrooms.push_back(static_cast<uint32_t>(Stat("burst_queue_size")));
    EXPECT_EQ(Stat("gradient"), 2000u);
  }
  EXPECT_EQ(limits, (std::vector<uint32_t>{8, 20, 46, 101, 216, 452, 934, 1000, 1000}));
  EXPECT_EQ(headrooms, (std::vector<uint32_t>{2, 4, 6, 9, 14, 20, 30, 43, 44}));
}

TEST(GradientController, GrowsByTheHeadroomAloneAtTheBestLatencyWithItsBuffer) {
  GradientSettings settings = Fixed(80 * kMs);
  settings.min_rtt_limit = 100;
  Rig rig(settings);
  rig.Window(100 * kMs);
  rig.Window(100 * kMs);
  EXPECT_NEAR(static_cast<double>(Stat("gradient")), 1000, 16);
  EXPECT_NEAR(rig.controller.limit(), 110, 2);
  EXPECT_NEAR(static_cast<double>(Stat("sample_rtt_msecs")), 100, 2);
}

TEST(GradientController, HalvesAtMostAndStopsAtTheLeast) {
  GradientSettings settings = Fixed(kMs);
  settings.min_limit = 7;
  settings.min_rtt_limit = 100;
  Rig rig(settings);
  std::vector<uint32_t> limits;
  rig.Window(900 * kMs);
  for (int i = 0; i < 5; ++i) {
    rig.Window(900 * kMs);
    limits.push_back(rig.controller.limit());
  }
  EXPECT_EQ(limits, (std::vector<uint32_t>{57, 33, 20, 13, 9}));
  for (int i = 0; i < 20; ++i) rig.Window(900 * kMs);
  EXPECT_EQ(rig.controller.limit(), 7u);
  // A fixed value is never measured.
  EXPECT_FALSE(rig.controller.measuring());
}

TEST(GradientController, KeepsTheLimitOverWindowsWithoutRequests) {
  Rig rig(Fixed(1000 * kMs));
  rig.Window(kMs);
  rig.Window(kMs);
  EXPECT_EQ(rig.controller.limit(), 8u);
  rig.now += 3600 * 1000 * kMs;
  EXPECT_TRUE(rig.controller.Begin(rig.now));
  EXPECT_EQ(rig.controller.limit(), 20u);  // by the one sample of the last window
  rig.now += 3600 * 1000 * kMs;
  EXPECT_TRUE(rig.controller.Begin(rig.now));
  EXPECT_EQ(rig.controller.limit(), 20u);
}

TEST(GradientController, MeasuresAgainAfterTheIntervalAndGoesOnWhereItWas) {
  Rig rig(Measuring());
  rig.Requests(5, 20 * kMs);
  for (int i = 0; i < 20; ++i) rig.Window(20 * kMs);
  const uint64_t early = rig.now;
  ASSERT_TRUE(rig.controller.Begin(early));
  const uint32_t before = rig.controller.limit();
  ASSERT_GT(before, 50u);

  rig.now += 10'000 * kMs;
  rig.Request(40 * kMs);
  EXPECT_TRUE(rig.controller.measuring());
  EXPECT_EQ(rig.controller.limit(), 3u);
  // It began under the old limit: no sample.
  rig.controller.Finish(early, rig.now);
  rig.Requests(3, 40 * kMs);
  EXPECT_TRUE(rig.controller.measuring());
  rig.Request(40 * kMs);
  EXPECT_FALSE(rig.controller.measuring());
  EXPECT_EQ(rig.controller.limit(), before);
  EXPECT_NEAR(static_cast<double>(Stat("min_rtt_msecs")), 40, 1);
}

TEST(GradientController, MeasuresAgainAfterFiveWindowsAtTheLeast) {
  Rig rig(Measuring());
  rig.Requests(5, kMs);
  rig.Window(50 * kMs);
  for (int i = 0; i < 4; ++i) {
    rig.Window(50 * kMs);
    EXPECT_FALSE(rig.controller.measuring()) << i;
    EXPECT_EQ(rig.controller.limit(), 3u);
  }
  rig.Window(50 * kMs);
  EXPECT_TRUE(rig.controller.measuring());
  rig.Requests(5, 50 * kMs);
  EXPECT_NEAR(static_cast<double>(Stat("min_rtt_msecs")), 50, 1);
}

TEST(GradientController, TheLeastCountsWhereItIsAboveTheLargest) {
  GradientSettings settings = Fixed(1000 * kMs);
  settings.min_limit = 8;
  settings.max_limit = 2;
  Rig rig(settings);
  rig.Window(kMs);
  rig.Window(kMs);
  EXPECT_EQ(rig.controller.limit(), 8u);
}

TEST(GradientController, SpreadsMeasurementsEvenlyOverTheJitter) {
  GradientSettings settings = Measuring();
  settings.min_rtt_jitter = 0.5;
  constexpr size_t kParts = 5;
  std::vector<size_t> counts(kParts + 1);
  for (int i = 0; i < 4000; ++i) {
    Rig rig(settings);
    rig.Requests(5, kMs);
    // In which part of the jitter the next measurement begins; 0: before the interval has passed.
    for (size_t part = 0; part <= kParts && !rig.controller.measuring(); ++part) {
      const uint64_t into_jitter = part * (settings.min_rtt_interval / 2 / kParts);
      ASSERT_TRUE(
          rig.controller.Begin(rig.now + settings.min_rtt_interval + into_jitter - (part == 0 ? 1 : 0)));
      rig.controller.Leave();
      if (rig.controller.measuring()) ++counts[part];
    }
  }
  EXPECT_LT(ChiSquare(counts, {0, 0.2, 0.2, 0.2, 0.2, 0.2}), 1);
}

// An upstream that serves 40 requests at a time in 10 ms each, and makes others wait.
TEST(GradientController, FindsWhatAnUpstreamCanBear) {
  GradientSettings settings = Fixed(10 * kMs);
  Rig rig(settings);
  uint32_t largest = 0;
  for (int round = 0; round < 400; ++round) {
    uint32_t admitted = 0;
    while (rig.controller.Begin(rig.now)) ++admitted;
    const uint64_t began = rig.now;
    rig.now += 10 * kMs * std::max(admitted, 40u) / 40;
    for (uint32_t i = 0; i < admitted; ++i) rig.controller.Finish(began, rig.now);
    if (round > 100) largest = std::max(largest, admitted);
  }
  EXPECT_GE(rig.controller.limit(), 40u);
  EXPECT_LE(largest, 80u);
}

TEST(GradientController, ManyThreadsNeverExceedTheLimit) {
  GradientSettings settings = Fixed(kMs);
  settings.max_limit = settings.min_limit = settings.min_rtt_limit = 3;
  GradientController controller(settings, kPrefix);
  std::atomic<int> inside{0};
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (uint64_t now = 0; now < 20'000; ++now) {
        if (!controller.Begin(now * kMs)) continue;
        if (inside.fetch_add(1) >= 3) exceeded = true;
        if (now % 3 == 0) std::this_thread::yield();
        inside.fetch_sub(1);
        controller.Finish(now * kMs, now * kMs + now % 100);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(controller.active(), 0u);
}

TEST(GradientController, TakesItsGaugesBack) {
  {
    Rig rig(Measuring());
    rig.Requests(6, 20 * kMs);
    EXPECT_NE(Stat("min_rtt_msecs"), 0u);
  }
  for (const char* name : {"concurrency_limit", "min_rtt_msecs", "min_rtt_calculation_active", "gradient"}) {
    EXPECT_EQ(Stat(name), 0u) << name;
  }
}

}  // namespace
}  // namespace narthex::testing
