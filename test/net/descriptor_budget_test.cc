#include "source/net/descriptor_budget.h"

#include <list>
#include <random>

#include "gtest/gtest.h"

namespace narthex {
namespace {

using Share = DescriptorBudget::UpstreamShare;

class DescriptorBudgetTest : public ::testing::Test {
 protected:
  int Clients() {
    int taken = 0;
    for (; budget_.RoomForClient(); ++taken) budget_.CountClient(1);
    return taken;
  }
  int Upstreams() {
    int taken = 0;
    for (; budget_.RoomForUpstream(); ++taken) shares_.emplace_back(budget_);
    return taken;
  }

  DescriptorBudget budget_;
  std::list<Share> shares_;
};

TEST_F(DescriptorBudgetTest, HasNoLimitUntilOneIsSet) {
  for (int i = 0; i < 100'000; ++i) budget_.CountClient(1);
  EXPECT_TRUE(budget_.RoomForClient());
  EXPECT_TRUE(budget_.RoomForUpstream());
}

TEST_F(DescriptorBudgetTest, LeavesUpstreamsAQuarter) {
  budget_.SetLimit(100, 0);
  EXPECT_EQ(Clients(), 75);
  EXPECT_EQ(Upstreams(), 25);
  EXPECT_FALSE(budget_.RoomForClient());
}

TEST_F(DescriptorBudgetTest, LeavesClientsAHalf) {
  budget_.SetLimit(100, 0);
  EXPECT_EQ(Upstreams(), 50);
  EXPECT_EQ(Clients(), 50);
  EXPECT_FALSE(budget_.RoomForUpstream());
}

TEST_F(DescriptorBudgetTest, GivesEveryBusyClientItsUpstream) {
  budget_.SetLimit(100, 0);
  int pairs = 0;
  for (; budget_.RoomForClient(); ++pairs) {
    budget_.CountClient(1);
    EXPECT_TRUE(budget_.RoomForUpstream()) << pairs;
    shares_.emplace_back(budget_);
  }
  EXPECT_EQ(pairs, 50);
}

TEST_F(DescriptorBudgetTest, TakesBackWhatIsGivenBack) {
  budget_.SetLimit(100, 0);
  Clients();
  Upstreams();
  shares_.pop_back();
  EXPECT_TRUE(budget_.RoomForUpstream());
  budget_.CountClient(-30);
  EXPECT_TRUE(budget_.RoomForClient());
  EXPECT_EQ(budget_.Account(),
            "45 connections of clients and 24 to upstreams are open, and the process can afford 100");
}

TEST_F(DescriptorBudgetTest, HasAFewMoreForFirstConnections) {
  budget_.SetLimit(100, 8);
  Clients();
  Upstreams();
  int firsts = 0;
  for (;; ++firsts) {
    shares_.emplace_back(budget_);
    if (!budget_.RoomForFirstUpstream()) break;
  }
  EXPECT_EQ(firsts, 8);
}

// In whatever order they come and go, they are never more than there may be, and each side has its part.
TEST_F(DescriptorBudgetTest, IsNeverExceeded) {
  budget_.SetLimit(40, 0);
  std::mt19937 random(7);
  int clients = 0;
  for (int i = 0; i < 100'000; ++i) {
    const bool more = random() % 3 > 0;
    if (random() % 2 == 0) {
      const int change = more ? (budget_.RoomForClient() ? 1 : 0) : (clients > 0 ? -1 : 0);
      budget_.CountClient(change);
      clients += change;
    } else if (more && budget_.RoomForUpstream()) {
      shares_.emplace_back(budget_);
    } else if (!more && !shares_.empty()) {
      shares_.pop_front();
    }
    ASSERT_LE(clients + static_cast<int>(shares_.size()), 40);
    ASSERT_TRUE(clients >= 20 || budget_.RoomForClient());
    ASSERT_TRUE(shares_.size() >= 10 || budget_.RoomForUpstream());
  }
}

}  // namespace
}  // namespace narthex
