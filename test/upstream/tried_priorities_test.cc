#include "source/upstream/tried_priorities.h"

#include <map>

#include "gtest/gtest.h"
#include "test/upstream/balancer_fixture.h"

namespace narthex {
namespace {

using testing::BalancedHosts;
using testing::Settings;
using testing::TestHost;

TEST(TriedPriorities, LeavesOutWhatWasTriedEachTimeThereWereSoManyMore) {
  TriedPriorities tried(2);
  tried.Choose(0);
  tried.NoteFailure();
  EXPECT_FALSE(tried.any_left_out());
  tried.Choose(1);
  tried.NoteFailure();
  EXPECT_TRUE(tried.LeavesOut(0));
  EXPECT_TRUE(tried.LeavesOut(1));
  tried.Choose(2);
  tried.NoteFailure();
  EXPECT_FALSE(tried.LeavesOut(2));
  tried.StartOver();
  EXPECT_FALSE(tried.any_left_out());
}

// The ports that 100 choices lead to, each after the failure of one at `failed`.
std::map<uint16_t, int> After(const std::vector<TestHost>& fleet, LbPolicy policy,
                              const std::vector<uint32_t>& failed, bool* started_over = nullptr) {
  BalancedHosts hosts(fleet, Settings(policy));
  std::map<uint16_t, int> ports;
  for (uint64_t i = 0; i < 100; ++i) {
    TriedPriorities tried(1);
    for (const uint32_t priority : failed) {
      tried.Choose(priority);
      tried.NoteFailure();
    }
    BalanceRequest request;
    request.random = i * 0x9e3779b97f4a7c15;
    request.hash = request.random;
    request.priorities = &tried;
    ++ports[hosts.balancer().Choose(request)->address().port()];
    if (started_over != nullptr) *started_over = !tried.any_left_out();
  }
  return ports;
}

TEST(TriedPriorities, RetriesGoToOtherPriorities) {
  const std::vector<TestHost> fleet = {
      {1}, {.port = 2, .priority = 1}, {.port = 3, .priority = 2}, {.port = 4, .priority = 2}};
  for (const LbPolicy policy :
       {LbPolicy::kRoundRobin, LbPolicy::kRandom, LbPolicy::kRingHash, LbPolicy::kMaglev}) {
    EXPECT_EQ(After(fleet, policy, {}), (std::map<uint16_t, int>{{1, 100}}));
    EXPECT_EQ(After(fleet, policy, {0}), (std::map<uint16_t, int>{{2, 100}}));
    const auto last = After(fleet, policy, {0, 1});
    EXPECT_EQ(last.size(), 2u);
    EXPECT_EQ(last.count(1) + last.count(2), 0u);
  }
}

TEST(TriedPriorities, RetriesStartOverWhenNoPriorityIsLeft) {
  const std::vector<TestHost> fleet = {{1}, {.port = 2, .priority = 1}};
  bool started_over = false;
  EXPECT_EQ(After(fleet, LbPolicy::kRoundRobin, {0, 1}, &started_over), (std::map<uint16_t, int>{{1, 100}}));
  EXPECT_TRUE(started_over);
  // Nor where the others have nobody who takes load.
  const std::vector<TestHost> ill = {{1}, {.port = 2, .priority = 1, .health = ConfiguredHealth::kUnhealthy}};
  EXPECT_EQ(After(ill, LbPolicy::kRoundRobin, {0}, &started_over), (std::map<uint16_t, int>{{1, 100}}));
  EXPECT_TRUE(started_over);
}

}  // namespace
}  // namespace narthex
