#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

// What a worker makes of its hosts' health, and of retries.
class WorkerHealthTest : public UpstreamTest {
 protected:
  Host& host(size_t at) { return *set_->clusters.at("products")->hosts()->hosts.at(at); }
  bool ejected(size_t at) { return host(at).health().Has(HostHealth::kFailedOutlier); }
  static std::shared_ptr<ClusterConfig> Detecting(size_t hosts, uint32_t failures) {
    auto config = Config(hosts);
    OutlierSettings& settings = config->outliers.emplace();
    settings.max_ejection_percent = 50;
    settings.consecutive_5xx.limit = failures;
    config->balancer.priorities.panic_threshold = 0;
    return config;
  }
};

TEST_F(WorkerHealthTest, EjectsAHostForItsAnswers) {
  Start({Detecting(2, 2)});
  for (int i = 0; i < 4; ++i) {
    const auto call = Send();
    for (FakeConnection* each : upstream_.connections)
      each->Answer(each->host == "127.0.0.1:9001" ? 500 : 200);
    Settle();
  }
  EXPECT_TRUE(ejected(0));
  EXPECT_FALSE(ejected(1));
  const uint64_t before = TotalsOf(0).rq_total;
  for (int i = 0; i < 4; ++i) {
    const auto call = Send();
    for (FakeConnection* each : upstream_.connections) each->Answer(200);
    EXPECT_EQ(call->status(), 200);
  }
  EXPECT_EQ(TotalsOf(0).rq_total, before);
}

TEST_F(WorkerHealthTest, EjectsAHostThatCanNotBeConnectedTo) {
  auto config = Detecting(2, 1);
  config->outliers->split_local_origin = true;
  config->outliers->consecutive_local_origin_failure.limit = 2;
  Start({config});
  upstream_.dial = FakeUpstream::Dial::kRefuse;
  for (int i = 0; i < 4; ++i) Send();
  EXPECT_TRUE(ejected(0) != ejected(1));
}

TEST_F(WorkerHealthTest, ATimeoutOfTheRouterCountsForTheHostItWaitedFor) {
  Start({Detecting(2, 1)});
  UpstreamFacts facts;
  facts.host = *Address::Ip("127.0.0.1", 9002);
  products().NoteTimeout(facts);
  EXPECT_TRUE(ejected(1));
  EXPECT_EQ(TotalsOf(1).rq_timeout, 1u);
  EXPECT_EQ(host(1).last_failure().cause, "no answer in time");
}

TEST_F(WorkerHealthTest, AClientThatLeavesEjectsNobody) {
  Start({Detecting(2, 1)});
  const auto call = Send({}, "POST");
  connection().LoseClient();
  EXPECT_FALSE(ejected(0) || ejected(1));
}

TEST_F(WorkerHealthTest, PassesOverHostsAsOftenAsItMay) {
  Start({Config(2)});
  const std::vector<Address> tried{*Address::Ip("127.0.0.1", 9001)};
  for (int i = 0; i < 6; ++i) Send({.avoid = &tried, .host_tries = 3});
  EXPECT_EQ(TotalsOf(0).rq_total, 0u);
  EXPECT_EQ(TotalsOf(1).rq_total, 6u);
}

TEST_F(WorkerHealthTest, TakesAHostAgainWhenThereIsNoOther) {
  Start({Config(1)});
  const std::vector<Address> tried{*Address::Ip("127.0.0.1", 9001)};
  Send({.avoid = &tried, .host_tries = 3});
  EXPECT_EQ(TotalsOf(0).rq_total, 1u);
}

TEST_F(WorkerHealthTest, AHashFindsTheSameOtherHostForEachRetry) {
  for (const LbPolicy policy : {LbPolicy::kRingHash, LbPolicy::kMaglev}) {
    auto config = Config(2);
    config->balancer.policy = policy;
    Start({config});
    for (int i = 0; i < 3; ++i) Send({.hash = 7});
    const size_t first = TotalsOf(0).rq_total > 0 ? 0 : 1;
    EXPECT_EQ(TotalsOf(first).rq_total, 3u);
    const std::vector<Address> tried{host(first).address()};
    for (int i = 0; i < 3; ++i) Send({.hash = 7, .avoid = &tried, .host_tries = 8});
    EXPECT_EQ(TotalsOf(1 - first).rq_total, 3u);
  }
}

TEST_F(WorkerHealthTest, EveryFlagHoldsForTheNextChoice) {
  auto config = Config(2);
  config->balancer.priorities = {.overprovisioning_factor = 200, .panic_threshold = 0};
  Start({config});
  const auto share_of_first = [this] {
    const uint64_t before = TotalsOf(0).rq_total;
    for (int i = 0; i < 4; ++i) Send();
    return TotalsOf(0).rq_total - before;
  };
  EXPECT_EQ(share_of_first(), 2u);
  for (const HostHealth::Flag flag :
       {HostHealth::kFailedActiveHc, HostHealth::kFailedOutlier, HostHealth::kFailedEds,
        HostHealth::kDegradedActiveHc, HostHealth::kDegradedEds}) {
    host(0).health().Set(flag);
    EXPECT_EQ(share_of_first(), 0u) << flag;
    host(0).health().Clear(flag);
    EXPECT_EQ(share_of_first(), 2u) << flag;
  }
}

TEST_F(WorkerHealthTest, WhatIsExcludedIsNoReasonToPanic) {
  auto config = Config(2);
  config->balancer.priorities.panic_threshold = 60;
  Start({config});
  host(0).health().Set(HostHealth::kFailedActiveHc);
  for (int i = 0; i < 4; ++i) Send();
  EXPECT_EQ(TotalsOf(0).rq_total, 2u);
  for (const HostHealth::Flag flag : {HostHealth::kPendingActiveHc, HostHealth::kExcludedImmediate}) {
    host(0).health().Set(flag);
    for (int i = 0; i < 4; ++i) Send();
    EXPECT_EQ(TotalsOf(0).rq_total, 2u) << flag;
    host(0).health().Clear(flag);
  }
}

TEST_F(WorkerHealthTest, SaysWhatTheBalancerAndTheHostsSay) {
  auto config = Config(1);
  config->balancer.fail_traffic_on_panic = true;
  Start({config});
  host(0).SetHealthCause(HostHealth::kFailedActiveHc, "Connection refused");
  host(0).health().Set(HostHealth::kFailedActiveHc);
  EXPECT_EQ(Send()->error().cause,
            "cluster products: none of its 1 hosts takes load: fewer of its hosts are healthy than "
            "healthy_panic_threshold, and fail_traffic_on_panic is set; 1 host: 1 Connection refused");
}

TEST_F(WorkerHealthTest, AHostThatDoesNotAnswerIsNotAFastHost) {
  auto config = Config(2);
  config->balancer.policy = LbPolicy::kPeakEwma;
  const BalancerSettings settings = config->balancer;
  Start({config});
  UpstreamFacts facts;
  facts.host = *Address::Ip("127.0.0.1", 9002);
  facts.waits_since = loop_->NowUs();
  products().NoteTimeout(facts);
  const auto latency = [&](size_t at) { return host(at).PeakLatency(loop_->NowUs(), settings.decay_us); };
  EXPECT_EQ(latency(0), 0);
  EXPECT_GT(latency(1), 0.5 * static_cast<double>(settings.default_latency_us));
}

TEST_F(WorkerHealthTest, RetriesHaveABreaker) {
  auto config = Config(1);
  config->breakers[0].retries.value = 2;
  Start({config});
  auto one = products().TakeRetry(Priority::kDefault), two = products().TakeRetry(Priority::kDefault);
  ASSERT_NE(two, nullptr);
  EXPECT_EQ(products().TakeRetry(Priority::kDefault), nullptr);
  EXPECT_NE(products().TakeRetry(Priority::kHigh), nullptr);
  one.reset();
  EXPECT_NE(products().TakeRetry(Priority::kDefault), nullptr);
}

TEST_F(WorkerHealthTest, ABudgetOfRetriesFollowsTheRequests) {
  auto config = Config(1);
  config->breakers[0].retry_budget = RetryBudget{50, 1};
  Start({config});
  const auto held = products().TakeRetry(Priority::kDefault);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(products().TakeRetry(Priority::kDefault), nullptr);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(Send());
  const auto more = products().TakeRetry(Priority::kDefault);
  EXPECT_NE(more, nullptr);
  EXPECT_EQ(products().TakeRetry(Priority::kDefault), nullptr);
}

}  // namespace
}  // namespace narthex
