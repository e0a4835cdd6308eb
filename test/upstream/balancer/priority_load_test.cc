#include "source/upstream/balancer/priority_load.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

// "healthy/degraded" of each priority, "!" behind one that panics.
std::string Shares(const std::vector<PriorityHosts>& priorities, const PriorityOptions& options = {}) {
  std::string text;
  const PriorityLoad load(priorities, options);
  for (const PriorityLoad::Shares& shares : load.shares()) {
    if (!text.empty()) text += " ";
    text +=
        std::to_string(shares.healthy) + "/" + std::to_string(shares.degraded) + (shares.panic ? "!" : "");
  }
  return text;
}

PriorityHosts Hosts(size_t total, size_t healthy, size_t degraded = 0, size_t excluded = 0) {
  return {.total = total, .excluded = excluded, .healthy = healthy, .degraded = degraded};
}

// The table of Envoy's documentation on priority levels, of 100 hosts each, overprovisioned by 140%.
TEST(PriorityLoad, SpillsOverToTheNextPriorityAsEnvoyDocuments) {
  EXPECT_EQ(Shares({Hosts(100, 100), Hosts(100, 100)}), "100/0 0/0");
  EXPECT_EQ(Shares({Hosts(100, 72), Hosts(100, 100)}), "100/0 0/0");
  EXPECT_EQ(Shares({Hosts(100, 71), Hosts(100, 71)}), "99/0 1/0");
  EXPECT_EQ(Shares({Hosts(100, 50), Hosts(100, 100)}), "70/0 30/0");
  EXPECT_EQ(Shares({Hosts(100, 25), Hosts(100, 100)}), "35/0 65/0");
  EXPECT_EQ(Shares({Hosts(100, 0), Hosts(100, 100)}), "0/0 100/0");
}

TEST(PriorityLoad, ScalesUpWhatAllTogetherCanTake) {
  // 35 and 35 of 70: half each, without panic below the threshold of 0.
  EXPECT_EQ(Shares({Hosts(100, 25), Hosts(100, 25)}, {.panic_threshold = 0}), "50/0 50/0");
  EXPECT_EQ(Shares({Hosts(100, 5), Hosts(100, 0), Hosts(100, 5)}, {.panic_threshold = 0}), "50/0 0/0 50/0");
}

TEST(PriorityLoad, GivesWhatRoundingLeavesToTheFirst) {
  // 14, 14 and 14 of 42: a third each is 33.
  EXPECT_EQ(Shares({Hosts(10, 1), Hosts(10, 1), Hosts(10, 1)}, {.panic_threshold = 0}), "34/0 33/0 33/0");
}

TEST(PriorityLoad, UsesDegradedHostsAfterTheHealthyOnesOfAllPriorities) {
  EXPECT_EQ(Shares({Hosts(100, 50, 50), Hosts(100, 10, 0)}), "70/16 14/0");
  EXPECT_EQ(Shares({Hosts(10, 0, 10)}), "0/100");
  EXPECT_EQ(Shares({Hosts(10, 0, 10), Hosts(10, 10)}), "0/0 100/0");
}

TEST(PriorityLoad, PanicsWhereTooFewAreAvailableAndTheRestCannotHelp) {
  EXPECT_EQ(Shares({Hosts(10, 4)}), "100/0!");
  EXPECT_EQ(Shares({Hosts(10, 5)}), "100/0");
  EXPECT_EQ(Shares({Hosts(10, 2, 3)}), "40/60");
  EXPECT_EQ(Shares({Hosts(10, 0)}), "100/0!");
  // The second priority can take all.
  EXPECT_EQ(Shares({Hosts(10, 1), Hosts(10, 10)}), "14/0 86/0");
  // 14 + 70 < 100: the first panics, the second does not.
  EXPECT_EQ(Shares({Hosts(10, 1), Hosts(10, 5)}), "17/0! 83/0");
}

TEST(PriorityLoad, GoesByTheNumberOfHostsWhenAllPanic) {
  EXPECT_EQ(Shares({Hosts(30, 3), Hosts(10, 1)}), "75/0! 25/0!");
  EXPECT_EQ(Shares({Hosts(0, 0), Hosts(2, 0), Hosts(1, 0)}), "0/0! 67/0! 33/0!");
}

TEST(PriorityLoad, SendsAllNowhereRatherThanPanicWhenThatIsOff) {
  EXPECT_EQ(Shares({Hosts(10, 0), Hosts(10, 0)}, {.panic_threshold = 0}), "100/0 0/0");
  EXPECT_EQ(Shares({Hosts(10, 1)}, {.panic_threshold = 0}), "100/0");
}

TEST(PriorityLoad, CountsExcludedHostsOnlyInPanic) {
  // 5 of 5 that count.
  EXPECT_EQ(Shares({Hosts(10, 5, 0, 5), Hosts(10, 10)}), "100/0 0/0");
  EXPECT_EQ(Shares({Hosts(30, 0, 0, 30), Hosts(10, 0)}), "75/0! 25/0!");
}

TEST(PriorityLoad, FollowsTheOverprovisioningFactor) {
  EXPECT_EQ(Shares({Hosts(100, 60), Hosts(100, 100)}, {.overprovisioning_factor = 100}), "60/0 40/0");
  EXPECT_EQ(Shares({Hosts(100, 60), Hosts(100, 100)}, {.overprovisioning_factor = 200}), "100/0 0/0");
}

TEST(PriorityLoad, GoesByWeightWhenAsked) {
  PriorityHosts first = Hosts(2, 1);
  first.total_weight = 10;
  first.healthy_weight = 1;
  PriorityHosts second = Hosts(1, 1);
  second.total_weight = second.healthy_weight = 1;
  EXPECT_EQ(Shares({first, second}), "70/0 30/0");
  EXPECT_EQ(Shares({first, second}, {.health_by_weight = true}), "14/0 86/0");
}

TEST(PriorityLoad, ChoosesInProportion) {
  const PriorityLoad load({Hosts(100, 50, 50), Hosts(100, 10)}, {});
  std::vector<int> counts(3);
  for (uint64_t i = 0; i < 1000; ++i) {
    const PriorityLoad::Choice choice = load.Choose(i);
    ++counts[choice.degraded ? 2 : choice.priority];
  }
  EXPECT_EQ(counts, (std::vector<int>{700, 140, 160}));
  EXPECT_EQ(load.Choose(5).priority, load.Choose(105).priority);
}

// How many of 100 numbers go to each priority when only those in `from` take load: "healthy/degraded".
std::string SharesFrom(const std::vector<PriorityHosts>& priorities, const std::vector<size_t>& from) {
  const PriorityLoad load(priorities, {.panic_threshold = 0});
  std::vector<std::pair<int, int>> counts(priorities.size());
  for (uint64_t random = 0; random < 100; ++random) {
    const auto choice = load.ChooseFrom(
        random, [&](size_t priority) { return std::count(from.begin(), from.end(), priority) > 0; });
    if (!choice) return "none";
    ++(choice->degraded ? counts[choice->priority].second : counts[choice->priority].first);
  }
  std::string text;
  for (const auto& [healthy, degraded] : counts) {
    text += (text.empty() ? "" : " ") + std::to_string(healthy) + "/" + std::to_string(degraded);
  }
  return text;
}

TEST(PriorityLoad, LeavesPrioritiesOut) {
  const std::vector<PriorityHosts> priorities{Hosts(10, 10), Hosts(10, 5), Hosts(10, 1, 9)};
  EXPECT_EQ(SharesFrom(priorities, {0, 1, 2}), "100/0 0/0 0/0");
  EXPECT_EQ(SharesFrom(priorities, {1, 2}), "0/0 70/0 14/16");
  EXPECT_EQ(SharesFrom(priorities, {1}), "0/0 100/0 0/0");
  EXPECT_EQ(SharesFrom(priorities, {2}), "0/0 0/0 14/86");
  EXPECT_EQ(SharesFrom(priorities, {}), "none");
  EXPECT_EQ(SharesFrom({Hosts(10, 0), Hosts(10, 10)}, {0}), "none");
  // 14, 14 and 14 of 42, as for all requests.
  EXPECT_EQ(SharesFrom({Hosts(1, 1), Hosts(10, 1), Hosts(10, 1), Hosts(10, 1)}, {1, 2, 3}),
            "0/0 34/0 33/0 33/0");
}

}  // namespace
}  // namespace narthex
