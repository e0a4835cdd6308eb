#include "source/event/timer_wheel.h"

#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

struct Probe {
  explicit Probe(TimerWheel& w) : wheel(w), timer(w, &Probe::Fire, this) {}
  static void Fire(void* self) {
    auto* probe = static_cast<Probe*>(self);
    probe->fired_at = probe->wheel.now();
    ++probe->count;
  }
  TimerWheel& wheel;
  Timer timer;
  uint64_t fired_at = 0;
  int count = 0;
};

TEST(TimerWheel, SaysHowLongIsLeft) {
  TimerWheel wheel(100);
  Probe probe(wheel);
  EXPECT_EQ(probe.timer.left(), milliseconds(0));
  probe.timer.Arm(milliseconds(300));
  EXPECT_EQ(probe.timer.left(), milliseconds(300));
  wheel.Advance(250);
  EXPECT_EQ(probe.timer.left(), milliseconds(150));
  // Moved to a later time, it stays in its slot.
  probe.timer.Arm(milliseconds(300));
  EXPECT_EQ(probe.timer.left(), milliseconds(300));
  probe.timer.Cancel();
  EXPECT_EQ(probe.timer.left(), milliseconds(0));
}

TEST(TimerWheel, FiresEveryDelayExactlyWhenDue) {
  for (const int64_t delay : {1, 2, 255, 256, 257, 511, 65'535, 65'536, 65'537, 1'000'000, 20'000'000}) {
    for (const uint64_t start : {0u, 1u, 255u, 256u, 70'000u}) {
      TimerWheel wheel(start);
      Probe probe(wheel);
      probe.timer.Arm(milliseconds(delay));
      wheel.Advance(start + static_cast<uint64_t>(delay) - 1);
      EXPECT_EQ(probe.count, 0) << delay << " from " << start;
      wheel.Advance(start + static_cast<uint64_t>(delay));
      EXPECT_EQ(probe.count, 1) << delay << " from " << start;
      EXPECT_EQ(wheel.armed(), 0u);
    }
  }
}

TEST(TimerWheel, NextDelayNeverSleepsPastADeadline) {
  std::mt19937 random(7);
  TimerWheel wheel(12'345);
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<uint64_t> due;
  for (int i = 0; i < 400; ++i) {
    const int64_t delay = 1 + static_cast<int64_t>(random() % (i % 3 == 0 ? 200'000 : 700));
    probes.push_back(std::make_unique<Probe>(wheel));
    probes.back()->timer.Arm(milliseconds(delay));
    due.push_back(wheel.now() + static_cast<uint64_t>(delay));
    if (i % 5 == 0) wheel.Advance(wheel.now() + random() % 40);
  }
  while (wheel.NextDelay() >= 0) wheel.Advance(wheel.now() + static_cast<uint64_t>(wheel.NextDelay()));
  for (size_t i = 0; i < probes.size(); ++i) {
    EXPECT_EQ(probes[i]->count, 1);
    EXPECT_EQ(probes[i]->fired_at, due[i]);
  }
}

TEST(TimerWheel, CancelledAndDestroyedTimersDoNotFire) {
  TimerWheel wheel(0);
  Probe cancelled(wheel);
  auto destroyed = std::make_unique<Probe>(wheel);
  cancelled.timer.Arm(milliseconds(10));
  destroyed->timer.Arm(milliseconds(10));
  cancelled.timer.Cancel();
  destroyed.reset();
  EXPECT_EQ(wheel.armed(), 0u);
  wheel.Advance(100);
  EXPECT_EQ(cancelled.count, 0);
}

TEST(TimerWheel, ACallbackMayDestroyAnotherTimerOfItsSlot) {
  TimerWheel wheel(0);
  std::unique_ptr<Probe> first = std::make_unique<Probe>(wheel), second = std::make_unique<Probe>(wheel);
  struct Both {
    std::unique_ptr<Probe>& one;
    std::unique_ptr<Probe>& two;
    int fired = 0;
  } both{first, second};
  const auto drop = [](void* context) {
    auto* b = static_cast<Both*>(context);
    ++b->fired;
    b->one.reset();
    b->two.reset();
  };
  Timer a(wheel, drop, &both);
  first->timer.Arm(milliseconds(5));
  a.Arm(milliseconds(5));
  second->timer.Arm(milliseconds(6));
  wheel.Advance(10);
  EXPECT_EQ(both.fired, 1);
}

TEST(TimerWheel, RearmingMovesATimer) {
  TimerWheel wheel(0);
  Probe probe(wheel);
  probe.timer.Arm(milliseconds(10));
  probe.timer.Arm(milliseconds(500));
  EXPECT_EQ(wheel.armed(), 1u);
  wheel.Advance(499);
  EXPECT_EQ(probe.count, 0);
  wheel.Advance(500);
  EXPECT_EQ(probe.count, 1);
}

}  // namespace
}  // namespace narthex
