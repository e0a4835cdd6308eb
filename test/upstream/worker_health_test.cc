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
    config->panic_threshold = 0;
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
