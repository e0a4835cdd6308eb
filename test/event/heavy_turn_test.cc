#include "source/event/heavy_turn.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "gtest/gtest.h"
#include "source/coro/task.h"

namespace narthex {
namespace {

class HeavyTurnTest : public testing::Test {
 protected:
  Task<void> Work(int name, int times, HeavyRank rank = HeavyRank::kNewcomer) {
    for (int i = 0; i < times; ++i) {
      co_await HeavyTurn(*loop_, rank);
      done_.push_back(name);
    }
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  std::vector<int> done_;
};

TEST_F(HeavyTurnTest, DoesOneATurnTheOldestFirst) {
  Task<void> first = Work(1, 2), second = Work(2, 1), third = Work(3, 1);
  for (Task<void>* task : {&first, &second, &third}) task->Start();
  EXPECT_TRUE(done_.empty()) << "not at once";
  std::vector<size_t> counts;
  for (int i = 0; i < 5; ++i) {
    loop_->RunOnce();
    counts.push_back(done_.size());
  }
  EXPECT_EQ(counts, (std::vector<size_t>{1, 2, 3, 4, 4}));
  EXPECT_EQ(done_, (std::vector<int>{1, 2, 3, 1}));
}

TEST_F(HeavyTurnTest, NeitherRankWaitsForACrowdOfTheOther) {
  for (const bool many_served : {false, true}) {
    done_.clear();
    const HeavyRank crowd = many_served ? HeavyRank::kServed : HeavyRank::kNewcomer;
    const HeavyRank few = many_served ? HeavyRank::kNewcomer : HeavyRank::kServed;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(Work(i, 1, crowd));
    for (int i = 100; i < 102; ++i) tasks.push_back(Work(i, 2, few));
    for (Task<void>& task : tasks) task.Start();
    for (int i = 0; i < 8; ++i) loop_->RunOnce();
    std::vector<int> of_few;
    std::copy_if(done_.begin(), done_.end(), std::back_inserter(of_few),
                 [](int name) { return name >= 100; });
    EXPECT_EQ(of_few, (std::vector<int>{100, 101, 100, 101}));
    for (int i = 0; i < 6; ++i) loop_->RunOnce();
    EXPECT_EQ(done_.size(), 14u) << "none is forgotten";
  }
}

TEST_F(HeavyTurnTest, ComesBehindWhatElseTheTurnBrings) {
  Task<void> work = Work(1, 1);
  work.Start();
  loop_->Post([this] { done_.push_back(0); });
  loop_->RunOnce();
  loop_->RunOnce();
  EXPECT_EQ(done_, (std::vector<int>{0, 1}));
}

TEST_F(HeavyTurnTest, LeavesItsPlaceWhenItIsDestroyed) {
  Task<void> first = Work(1, 1), second = Work(2, 1), third = Work(3, 1);
  for (Task<void>* task : {&first, &second, &third}) task->Start();
  second.Cancel();
  third.Cancel();
  Task<void> fourth = Work(4, 1);
  fourth.Start();
  for (int i = 0; i < 4; ++i) loop_->RunOnce();
  EXPECT_EQ(done_, (std::vector<int>{1, 4}));
}

Task<void> StopBehindThree(EventLoop& loop) {
  for (int i = 0; i < 3; ++i) co_await HeavyTurn(loop, HeavyRank::kServed);
  loop.Stop();
}

TEST_F(HeavyTurnTest, KeepsTheLoopFromSleeping) {
  Task<void> task = StopBehindThree(*loop_);
  task.Start();
  loop_->Run();
  EXPECT_TRUE(task.done());
}

TEST_F(HeavyTurnTest, MayOutliveTheLoop) {
  Task<void> work = Work(1, 1);
  work.Start();
  loop_.reset();
  work.Cancel();
  EXPECT_TRUE(done_.empty());
}

}  // namespace
}  // namespace narthex
