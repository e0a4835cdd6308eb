#include "source/overload/overload_watch.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/overload/overload_state.h"

namespace narthex {
namespace {

using Pressure = absl::StatusOr<double>;

class FakeMonitor final : public ResourceMonitor {
 public:
  explicit FakeMonitor(Pressure& pressure) : pressure_(pressure) {}
  Pressure Read() override { return pressure_; }

 private:
  Pressure& pressure_;
};

int64_t Stat(const std::string& name) {
  return static_cast<int64_t>(StatsStore::Process().ValueOf("overload." + name));
}

// A configuration with two monitors, "heap" and "cpu", whose pressures the test sets.
class OverloadWatchTest : public ::testing::Test {
 protected:
  void Add(OverloadAction action, size_t monitor, OverloadTrigger trigger) {
    for (OverloadActionConfig& known : config_.actions) {
      if (known.action == action) return known.triggers.push_back({monitor, trigger});
    }
    config_.actions.push_back({action, {{monitor, trigger}}});
  }
  // REQUIRES: all actions are added.
  OverloadOrders At(Pressure heap, Pressure cpu = 0.0) {
    heap_ = std::move(heap);
    cpu_ = std::move(cpu);
    if (watch_ == nullptr) Start();
    now_ms_ += 1000;
    return watch_->Refresh(now_ms_);
  }
  void Start() {
    config_.monitors = {{"heap", FixedHeapConfig{1}}, {"cpu", CpuUtilizationConfig{}}};
    std::vector<std::unique_ptr<ResourceMonitor>> monitors;
    monitors.push_back(std::make_unique<FakeMonitor>(heap_));
    monitors.push_back(std::make_unique<FakeMonitor>(cpu_));
    watch_ = std::make_unique<OverloadWatch>(std::make_shared<OverloadConfig>(config_), std::move(monitors));
  }

  static constexpr OverloadTrigger kAt90{.scaling = 0.9, .saturation = 0.9};
  static constexpr OverloadTrigger kFrom80To90{.scaling = 0.8, .saturation = 0.9};
  OverloadConfig config_;
  Pressure heap_ = 0.0, cpu_ = 0.0;
  uint64_t now_ms_ = 5000;
  std::unique_ptr<OverloadWatch> watch_;
};

TEST_F(OverloadWatchTest, AThresholdFiresAtItAndAbove) {
  Add(OverloadAction::kStopAcceptingConnections, 0, kAt90);
  EXPECT_TRUE(At(0.89).accept);
  EXPECT_FALSE(At(0.9).accept);
  EXPECT_FALSE(At(1.7).accept);
  EXPECT_TRUE(At(0.5).accept);
  EXPECT_FALSE(At(0.5).any());
}

TEST_F(OverloadWatchTest, RequestsAreRefusedInProportion) {
  Add(OverloadAction::kStopAcceptingRequests, 0, kFrom80To90);
  Add(OverloadAction::kDisableHttpKeepalive, 0, kAt90);
  EXPECT_FALSE(At(0.8).any());
  EXPECT_FALSE(OverloadState::Now().any());
  At(0.85);
  EXPECT_NEAR(OverloadState::Now().refuse, OverloadState::kAll / 2, 1);
  EXPECT_EQ(OverloadState::Now().close, 0);
  At(0.95);
  EXPECT_EQ(OverloadState::Now().refuse, OverloadState::kAll);
  EXPECT_EQ(OverloadState::Now().close, OverloadState::kAll);
  At(0.1);
  EXPECT_FALSE(OverloadState::Now().any());
}

TEST_F(OverloadWatchTest, OddsTakeTheirShare) {
  using Odds = OverloadState::Odds;
  EXPECT_FALSE(Odds::Take(0, 0));
  for (const uint64_t bits : {uint64_t{0}, uint64_t{12345}, UINT64_MAX}) {
    EXPECT_TRUE(Odds::Take(OverloadState::kAll, bits)) << bits;
  }
  int taken = 0;
  for (uint64_t bits = 0; bits < OverloadState::kAll; ++bits) taken += Odds::Take(1000, bits) ? 1 : 0;
  EXPECT_EQ(taken, 1000);
}

TEST_F(OverloadWatchTest, TheTriggerThatFiresMostDecides) {
  Add(OverloadAction::kResetHighMemoryStream, 0, kFrom80To90);
  Add(OverloadAction::kResetHighMemoryStream, 1, kAt90);
  EXPECT_NEAR(At(0.82, 0.1).reset, 0.2, 1e-9);
  EXPECT_EQ(At(0.82, 0.95).reset, 1);
  EXPECT_NEAR(At(0.87, 0.1).reset, 0.7, 1e-9);
  EXPECT_EQ(At(0, 0).reset, 0);
}

TEST_F(OverloadWatchTest, TimeoutsAreReducedByDegrees) {
  config_.least_timeouts[0] = LeastTimeout{.at_least = std::chrono::milliseconds(10)};
  Add(OverloadAction::kReduceTimeouts, 0, kFrom80To90);
  EXPECT_FALSE(At(0.7).reduced);
  const OverloadOrders orders = At(0.85);
  ASSERT_TRUE(orders.reduced);
  EXPECT_EQ(orders.reduced->Of(ScaledTimeout::kConnectionIdle, std::chrono::milliseconds(110)).count(), 60);
  EXPECT_FALSE(At(0.7).reduced);
}

TEST_F(OverloadWatchTest, TheHeapIsShrunkNoMoreOftenThanConfigured) {
  config_.shrink_interval = std::chrono::milliseconds(3000);
  Add(OverloadAction::kShrinkHeap, 0, kAt90);
  std::string shrunk;
  for (int i = 0; i < 7; ++i) shrunk += At(0.95).shrink ? '+' : '-';
  EXPECT_EQ(shrunk, "+--+--+");
  EXPECT_FALSE(At(0.1).shrink);
}

TEST_F(OverloadWatchTest, ShrinkingTakesAWholeDegree) {
  Add(OverloadAction::kShrinkHeap, 0, kFrom80To90);
  EXPECT_FALSE(At(0.89).shrink);
  EXPECT_TRUE(At(0.9).shrink);
}

TEST_F(OverloadWatchTest, AMonitorThatFailsKeepsItsPressure) {
  Add(OverloadAction::kStopAcceptingConnections, 0, kAt90);
  EXPECT_TRUE(At(absl::UnavailableError("no file")).accept) << "nothing is known of it";
  const int64_t failed = Stat("heap.failed_updates");
  EXPECT_FALSE(At(0.95).accept);
  EXPECT_FALSE(At(absl::UnavailableError("no file")).accept);
  EXPECT_EQ(Stat("heap.failed_updates"), failed + 1);
  EXPECT_EQ(Stat("heap.pressure"), 95);
  EXPECT_TRUE(At(0.2).accept);
}

TEST_F(OverloadWatchTest, CountsWhatItSeesAndDoes) {
  Add(OverloadAction::kStopAcceptingRequests, 0, kFrom80To90);
  const std::string action = "envoy.overload_actions.stop_accepting_requests.";
  At(0.83, 0.47);
  EXPECT_EQ(Stat("heap.pressure"), 83);
  EXPECT_EQ(Stat("cpu.pressure"), 47);
  EXPECT_EQ(Stat(action + "active"), 0) << "not as a whole";
  EXPECT_EQ(Stat(action + "scale_percent"), 30);
  At(0.99);
  EXPECT_EQ(Stat(action + "active"), 1);
  EXPECT_EQ(Stat(action + "scale_percent"), 100);
  At(0.3);
  EXPECT_EQ(Stat(action + "active"), 0);
  EXPECT_EQ(Stat(action + "scale_percent"), 0);
}

TEST_F(OverloadWatchTest, RoundsThatWereLeftOutAreCounted) {
  At(0.1);
  const int64_t skipped = Stat("heap.skipped_updates");
  At(0.1);
  EXPECT_EQ(Stat("heap.skipped_updates"), skipped);
  now_ms_ += 3500;
  At(0.1);
  EXPECT_EQ(Stat("heap.skipped_updates"), skipped + 3);
}

TEST_F(OverloadWatchTest, WithItsEndNothingIsOverloaded) {
  Add(OverloadAction::kStopAcceptingRequests, 0, kAt90);
  At(0.95);
  EXPECT_TRUE(OverloadState::Now().any());
  watch_.reset();
  EXPECT_FALSE(OverloadState::Now().any());
  EXPECT_EQ(Stat("heap.pressure"), 0);
  EXPECT_EQ(Stat("envoy.overload_actions.stop_accepting_requests.active"), 0);
}

}  // namespace
}  // namespace narthex
