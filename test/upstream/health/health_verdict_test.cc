#include "source/upstream/health/health_verdict.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

class HealthVerdictTest : public testing::Test {
 protected:
  HealthVerdictTest() {
    settings_.unhealthy_threshold = 3;
    settings_.healthy_threshold = 2;
    settings_.interval = 10s;
    settings_.unhealthy_interval = 4s;
    settings_.unhealthy_edge_interval = 1s;
    settings_.healthy_edge_interval = 2s;
    settings_.no_traffic_interval = 60s;
    settings_.no_traffic_healthy_interval = 90s;
    health_.Set(HostHealth::kFailedActiveHc);
    health_.Set(HostHealth::kPendingActiveHc);
  }
  HealthVerdict::Change Good() { return verdict_.Note({}, health_); }
  HealthVerdict::Change Lost() { return verdict_.Note(ProbeResult::Lost("no answer"), health_); }
  HealthVerdict::Change Bad() { return verdict_.Note(ProbeResult::Unhealthy("answered 503"), health_); }
  bool well() const { return !health_.Has(HostHealth::kFailedActiveHc); }
  std::chrono::milliseconds Next() const { return verdict_.NextInterval(true, 0); }

  HealthCheckSettings settings_;
  HostHealth health_{nullptr};
  HealthVerdict verdict_{settings_};
};

TEST_F(HealthVerdictTest, TheFirstCheckDecidesAtOnce) {
  const HealthVerdict::Change change = Good();
  EXPECT_TRUE(change.first);
  EXPECT_TRUE(change.healthy);
  EXPECT_TRUE(well());
  EXPECT_FALSE(health_.excluded());
}

TEST_F(HealthVerdictTest, AHostThatFailsItsFirstCheckNeedsARowOfSuccesses) {
  EXPECT_FALSE(Lost().unhealthy);
  EXPECT_FALSE(health_.Has(HostHealth::kPendingActiveHc));
  EXPECT_FALSE(Good().healthy);
  Lost();
  EXPECT_FALSE(Good().healthy);
  EXPECT_TRUE(Good().healthy);
  EXPECT_TRUE(well());
}

TEST_F(HealthVerdictTest, FailuresWithoutAnAnswerNeedARow) {
  Good();
  Lost();
  Lost();
  Good();
  Lost();
  Lost();
  EXPECT_TRUE(well());
  EXPECT_TRUE(Lost().unhealthy);
  EXPECT_FALSE(well());
}

TEST_F(HealthVerdictTest, AHostThatSaysSoIsUnhealthyAtOnce) {
  Good();
  EXPECT_TRUE(Bad().unhealthy);
  EXPECT_FALSE(well());
}

TEST_F(HealthVerdictTest, DegradedHostsSaySo) {
  const ProbeResult degraded{.kind = ProbeResult::Kind::kDegraded};
  const HealthVerdict::Change change = verdict_.Note(degraded, health_);
  EXPECT_TRUE(change.healthy && change.degraded);
  EXPECT_EQ(health_.state(), HostHealth::State::kDegraded);
  EXPECT_TRUE(Good().no_longer_degraded);
  EXPECT_EQ(health_.state(), HostHealth::State::kHealthy);
}

TEST_F(HealthVerdictTest, AHostThatWantsNoRequestsIsExcludedUntilItIsWell) {
  Good();
  ProbeResult result = ProbeResult::Unhealthy("answered 503");
  result.excluded = true;
  verdict_.Note(result, health_);
  EXPECT_TRUE(health_.Has(HostHealth::kExcludedImmediate));
  Good();
  EXPECT_TRUE(health_.Has(HostHealth::kExcludedImmediate));
  Good();
  EXPECT_FALSE(health_.Has(HostHealth::kExcludedImmediate));
}

TEST_F(HealthVerdictTest, IntervalsFollowTheHost) {
  Good();
  EXPECT_EQ(Next(), 10s);
  Lost();
  EXPECT_EQ(Next(), 1s);
  Lost();
  Lost();
  EXPECT_EQ(Next(), 4s);
  Good();
  EXPECT_EQ(Next(), 2s);
  EXPECT_EQ(verdict_.NextInterval(false, 0), 90s);
  Lost();
  EXPECT_EQ(verdict_.NextInterval(false, 0), 60s);
}

TEST_F(HealthVerdictTest, JitterIsAdded) {
  settings_.interval_jitter = 1s;
  settings_.interval_jitter_percent = 10;
  Good();
  for (uint64_t i = 0; i < 1000; ++i) {
    const auto next = verdict_.NextInterval(true, i * 0x9e3779b97f4a7c15);
    EXPECT_GE(next, 10s);
    EXPECT_LT(next, 12s);
  }
  EXPECT_EQ(verdict_.NextInterval(true, 999), 10s + 999ms);
  EXPECT_EQ(verdict_.NextInterval(true, uint64_t{999} << 32),
            10s + (uint64_t{999} << 32) % 1000 * 1ms + 999ms);
}

}  // namespace
}  // namespace narthex
