// What admission_control knows of the last seconds, on a clock of the test's own, and what follows from it.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

#include "filters/admission_control/admission_rules.h"
#include "filters/admission_control/success_window.h"
#include "gtest/gtest.h"

namespace narthex::testing {
namespace {

constexpr uint64_t kStart = 5'000'000;

void Add(SuccessWindow& window, int successes, int failures, uint64_t now) {
  for (int i = 0; i < successes; ++i) window.Record(true, now);
  for (int i = 0; i < failures; ++i) window.Record(false, now);
}

std::pair<uint64_t, uint64_t> Counts(SuccessWindow& window, uint64_t now) {
  const SuccessWindow::Counts counts = window.Read(now);
  return {counts.total, counts.successes};
}
using Pair = std::pair<uint64_t, uint64_t>;

TEST(SuccessWindow, ForgetsWhatIsOlder) {
  SuccessWindow window(10'000);
  EXPECT_EQ(Counts(window, kStart), Pair(0, 0));
  Add(window, 3, 1, kStart);
  Add(window, 0, 5, kStart + 999);  // in the same second
  Add(window, 2, 0, kStart + 1000);
  EXPECT_EQ(Counts(window, kStart + 9999), Pair(11, 5));
  EXPECT_EQ(Counts(window, kStart + 10'000), Pair(2, 2));
  EXPECT_EQ(Counts(window, kStart + 11'000), Pair(0, 0));
}

TEST(SuccessWindow, HoldsAsManySecondsAsItIsLong) {
  SuccessWindow window(10'000);
  for (uint64_t second = 0; second < 100; ++second) {
    Add(window, 1, 1, kStart + second * 1000);
    EXPECT_EQ(window.Read(kStart + second * 1000).total, 2 * std::min<uint64_t>(second + 1, 10)) << second;
  }
  EXPECT_EQ(Counts(window, kStart + 3'600'000), Pair(0, 0));
}

TEST(SuccessWindow, HoldsOneSecondAtLeast) {
  SuccessWindow window(1000);
  for (uint64_t second = 0; second < 5; ++second) {
    Add(window, 4, 0, kStart + second * 1000);
    EXPECT_EQ(Counts(window, kStart + second * 1000 + 999), Pair(4, 4));
  }
}

TEST(SuccessWindow, ALongOneHasLongerSlots) {
  SuccessWindow window(uint64_t{86'400} * 1000);
  for (uint64_t minute = 0; minute < 3000; ++minute) Add(window, 1, 0, kStart + minute * 60'000);
  // A day has 1440 minutes, and a slot 144 seconds, in which the oldest ones go together.
  EXPECT_NEAR(static_cast<double>(window.Read(kStart + 2999 * 60'000).total), 1440, 3);
}

TEST(SuccessWindow, CountsRequestsASecondSinceTheOldest) {
  SuccessWindow window(10'000);
  EXPECT_EQ(window.Read(kStart).per_second, 0);
  Add(window, 30, 0, kStart);
  EXPECT_EQ(window.Read(kStart + 500).per_second, 30);  // of less than a second as of one
  EXPECT_EQ(window.Read(kStart + 3000).per_second, 10);
  // After a pause it begins with what comes then.
  Add(window, 50, 0, kStart + 20'000);
  EXPECT_EQ(window.Read(kStart + 20'000).per_second, 50);
  EXPECT_EQ(window.Read(kStart + 22'000).per_second, 25);
}

TEST(SuccessWindow, TakesClocksThatDifferALittle) {
  SuccessWindow window(2000);
  Add(window, 1, 0, kStart + 1000);
  Add(window, 1, 0, kStart + 998);
  EXPECT_EQ(Counts(window, kStart + 990), Pair(2, 2));
  EXPECT_EQ(window.Read(kStart + 990).per_second, 2);
}

TEST(SuccessWindow, LosesNothingBetweenThreads) {
  SuccessWindow window(3000);
  std::atomic<bool> impossible{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < 50'000; ++i) {
        const uint64_t now = kStart + i;
        window.Record(i % 2 == 0, now);
        if (window.Read(now).total > 4 * 50'000) impossible = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(impossible);
  // Whatever was counted where, all of it goes in the end.
  for (uint64_t second = 60; second < 80; ++second) window.Read(kStart + second * 1000);
  EXPECT_EQ(Counts(window, kStart + 80'000), Pair(0, 0));
}

double Share(const RejectionRules& rules, uint64_t total, uint64_t successes, double per_second = 100) {
  return rules.ShareFor({total, successes, per_second});
}

TEST(RejectionRules, FollowTheFormula) {
  RejectionRules rules;
  rules.most = 1;
  EXPECT_EQ(Share(rules, 0, 0), 0);
  EXPECT_EQ(Share(rules, 100, 100), 0);
  EXPECT_EQ(Share(rules, 100, 95), 0);
  EXPECT_NEAR(Share(rules, 100, 94), (100 - 94 / 0.95) / 101, 1e-12);
  EXPECT_NEAR(Share(rules, 1000, 500), (1000 - 500 / 0.95) / 1001, 1e-12);
  EXPECT_NEAR(Share(rules, 1000, 0), 1000.0 / 1001, 1e-12);
  rules.aggression = 3;
  EXPECT_NEAR(Share(rules, 1000, 500), std::cbrt((1000 - 500 / 0.95) / 1001), 1e-12);
  EXPECT_EQ(Share(rules, 100, 100), 0);
  rules.most = 0.4;
  EXPECT_EQ(Share(rules, 1000, 500), 0.4);
  rules.least_per_second = 100;
  EXPECT_EQ(Share(rules, 1000, 500, 99.9), 0);
  EXPECT_EQ(Share(rules, 1000, 500, 100), 0.4);
}

// Another thread may count between the two reads.
TEST(RejectionRules, TakeMoreSuccessesThanRequests) {
  EXPECT_EQ(Share(RejectionRules(), 10, 12), 0);
}

}  // namespace
}  // namespace narthex::testing
