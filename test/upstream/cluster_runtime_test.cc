#include "source/upstream/cluster_runtime.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

std::shared_ptr<ClusterRuntime> MakeRuntime() {
  auto config = std::make_shared<ClusterConfig>();
  config->name = config->stat_name = "runtime_test";
  return ClusterRuntime::Make(config);
}

std::shared_ptr<const HostSet> SetOf(uint16_t port) {
  auto set = std::make_shared<HostSet>();
  set->hosts.push_back(std::make_shared<Host>(EndpointConfig(), *Address::Ip("10.0.0.1", port)));
  return set;
}

// A worker's thread that takes host sets until it has seen the one with port `last`.
void Follow(std::shared_ptr<ClusterRuntime> runtime, uint16_t last, std::atomic<int>* subscribed) {
  const std::unique_ptr<EventLoop> loop = EventLoop::Make();
  HostCells* cells = nullptr;
  const auto take = [&](const std::shared_ptr<const HostSet>& hosts) {
    if (hosts->hosts.empty()) return;
    cells = &hosts->hosts[0]->AddCells();
    HostCells::Add(cells->rq_total);
    if (hosts->hosts[0]->address().port() == last) loop->Stop();
  };
  const auto subscription = runtime->Subscribe(*loop, take);
  ++*subscribed;
  loop->Run();
}

TEST(ClusterRuntime, EveryWorkerGetsTheLastSetAndMayLeaveAtAnyTime) {
  constexpr int kWorkers = 4;
  constexpr uint16_t kLast = 200;
  const std::shared_ptr<ClusterRuntime> runtime = MakeRuntime();
  std::atomic<int> subscribed = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) workers.emplace_back(Follow, runtime, kLast, &subscribed);
  while (subscribed < kWorkers) std::this_thread::yield();
  std::shared_ptr<const HostSet> set;
  for (uint16_t port = 1; port <= kLast; ++port) {
    set = SetOf(port);
    runtime->Publish(set);
    // As the admin page does.
    EXPECT_LE(set->hosts[0]->Totals().rq_total, uint64_t{kWorkers});
  }
  // Workers leave while this goes on.
  for (uint16_t port = 1; port <= kLast; ++port) runtime->Publish(set);
  for (std::thread& worker : workers) worker.join();
  EXPECT_GE(set->hosts[0]->Totals().rq_total, uint64_t{kWorkers});
  EXPECT_EQ(runtime->hosts(), set);
}

TEST(ClusterRuntime, NothingIsCalledAfterASubscriptionHasEnded) {
  const std::shared_ptr<ClusterRuntime> runtime = MakeRuntime();
  const std::unique_ptr<EventLoop> loop = EventLoop::Make();
  int calls = 0;
  auto subscription = runtime->Subscribe(*loop, [&](const auto&) { ++calls; });
  runtime->Publish(SetOf(1));
  subscription.reset();
  loop->RunOnce();
  EXPECT_EQ(calls, 0);
}

TEST(ClusterRuntime, WorkersCountTogether) {
  SharedSum sum;
  constexpr int kWorkers = 4, kTimes = 10000;
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&sum] {
      SharedCell& cell = sum.AddCell();
      for (int n = 0; n < kTimes; ++n) {
        if (!sum.Reached(cell, 1'000'000)) cell.Add();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(sum.Read(), int64_t{kWorkers} * kTimes);
}

TEST(ClusterRuntime, ComputedGaugesFollowTheHosts) {
  const std::shared_ptr<ClusterRuntime> runtime = MakeRuntime();
  const auto value = [](const char* name) {
    return StatsStore::Process().ValueOf(std::string("cluster.runtime_test.") + name);
  };
  runtime->Publish(SetOf(1));
  EXPECT_EQ(value("membership_total"), 1u);
  EXPECT_EQ(value("membership_healthy"), 1u);
  EXPECT_EQ(value("circuit_breakers.default.cx_open"), 0u);
  runtime->breakers(Priority::kDefault).connections.AddCell().Add(1024);
  EXPECT_EQ(value("circuit_breakers.default.cx_open"), 1u);
}

}  // namespace
}  // namespace narthex
