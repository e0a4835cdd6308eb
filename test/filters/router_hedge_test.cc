#include <string>

#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/router_fixture.h"

namespace narthex::testing {
namespace {

using std::chrono::milliseconds;

// A route to a cluster of the running test's name that hedges a try after 100 ms.
std::string Hedging(const std::string& policy = "retry_on: 5xx, num_retries: 2",
                    const std::string& more = "") {
  const std::string cluster = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  return OneRoute("route: {cluster: " + cluster + ", hedge_policy: {hedge_on_per_try_timeout: true}, " +
                  "retry_policy: {per_try_timeout: 0.1s, " + policy + "}" + more + "}");
}

uint64_t Stat(const std::string& name) {
  const std::string cluster = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  return StatsStore::Process().ValueOf("cluster." + cluster + "." + name);
}

UpstreamPlan After(int64_t delay, int status = 200) {
  UpstreamPlan plan;
  plan.delay = milliseconds(delay);
  plan.status = status;
  return plan;
}

UpstreamPlan Then(UpstreamPlan first, std::vector<UpstreamPlan> then) {
  first.then = std::move(then);
  return first;
}

UpstreamPlan Fails(int64_t delay) {
  UpstreamPlan plan = After(delay);
  plan.error = ExchangeError{ResponseFlag::kUpstreamConnectionTermination,
                             "upstream_reset_before_response_started{connection_termination}", false};
  return plan;
}

TEST(RouterHedge, AQuickAnswerIsTheOnlyOne) {
  const RouterOutcome outcome = Ask({Hedging()}, After(50));
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.tries, 1);
  EXPECT_EQ(outcome.took, milliseconds(50));
  EXPECT_EQ(outcome.timeouts, 0);
  EXPECT_EQ(Stat("upstream_rq_retry"), 0u);
}

TEST(RouterHedge, TheSecondTryMayAnswerFirst) {
  const RouterOutcome outcome = Ask({Hedging()}, Then(After(5000, 200), {After(10, 201)}));
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.tries, 2);
  EXPECT_EQ(outcome.called_off, 1u);
  EXPECT_GE(outcome.took, milliseconds(110));
  EXPECT_LE(outcome.took, milliseconds(140));
  EXPECT_EQ(outcome.timeouts, 1);
  EXPECT_EQ(Stat("upstream_rq_retry"), 1u);
  EXPECT_EQ(Stat("upstream_rq_retry_success"), 1u);
  EXPECT_EQ(Stat("upstream_rq_per_try_timeout"), 0u);
}

TEST(RouterHedge, TheFirstTryMayStillAnswer) {
  const RouterOutcome outcome = Ask({Hedging()}, Then(After(200, 200), {After(5000, 201)}));
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.took, milliseconds(200));
  EXPECT_EQ(outcome.called_off, 1u);
}

TEST(RouterHedge, EveryTryHasItsTimeUntilNoRetryIsLeft) {
  const RouterOutcome outcome = Ask({Hedging("retry_on: 5xx, num_retries: 2", ", timeout: 1s")}, After(5000));
  EXPECT_EQ(outcome.status, 504);
  EXPECT_EQ(outcome.tries, 3);
  EXPECT_EQ(outcome.took, milliseconds(1000));
  EXPECT_EQ(outcome.called_off, 3u);
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamRetryLimitExceeded));
  EXPECT_EQ(outcome.detail, "response_timeout");
}

TEST(RouterHedge, ABadAnswerWithinTheTimeIsRetried) {
  const RouterOutcome outcome = Ask({Hedging()}, Then(After(10, 503), {After(10, 201)}));
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.tries, 2);
  EXPECT_EQ(outcome.called_off, 0u);
}

TEST(RouterHedge, ABadAnswerAfterTheTimeIsDropped) {
  const RouterOutcome outcome =
      Ask({Hedging("retry_on: 5xx, num_retries: 1")}, Then(After(200, 503), {After(300, 201)}));
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.tries, 2);
  EXPECT_GE(outcome.took, milliseconds(400));
}

TEST(RouterHedge, AFailureWaitsForTheOthers) {
  const RouterOutcome outcome =
      Ask({Hedging("retry_on: reset, num_retries: 1")}, Then(After(400, 201), {Fails(10)}));
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.took, milliseconds(400));
}

TEST(RouterHedge, TheLastFailureIsTheAnswer) {
  const RouterOutcome outcome = Ask({Hedging("retry_on: reset, num_retries: 1")}, Fails(150));
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.tries, 2);
  EXPECT_GE(outcome.took, milliseconds(250));
}

TEST(RouterHedge, EachTrySendsTheWholeBody) {
  RouterQuestion question{Hedging()};
  question.request_takes = milliseconds(300);
  const RouterOutcome outcome = Ask(question, Then(After(5000), {After(10, 201)}));
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.sent_body, "upload");
  EXPECT_GE(outcome.took, milliseconds(410));
}

TEST(RouterHedge, TheAnswersBodyComesFromTheOneThatWon) {
  UpstreamPlan slow = After(10, 201);
  slow.body = "second";
  slow.body_delay = milliseconds(700);
  const RouterOutcome outcome = Ask({Hedging()}, Then(After(5000), {slow}));
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.body, "second");
  EXPECT_EQ(outcome.called_off, 1u);
}

TEST(RouterHedge, TheBreakerOfRetriesHolds) {
  UpstreamPlan plan = After(200);
  plan.retries_allowed = 0;
  const RouterOutcome outcome = Ask({Hedging()}, plan);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.tries, 1);
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamOverflow));
}

TEST(RouterHedge, AVirtualHostOrAnInternalClientMayAskForIt) {
  const std::string table =
      "validate_clusters: false\nvirtual_hosts: [{name: v, domains: ['*'], hedge_policy: "
      "{hedge_on_per_try_timeout: true}, include_request_attempt_count: true, routes: [{match: {prefix: "
      "/own}, "
      "route: {cluster: c, hedge_policy: {}, retry_policy: {retry_on: 5xx, per_try_timeout: 0.1s}}}, {match: "
      "{prefix: /}, route: {cluster: c, retry_policy: {retry_on: 5xx, per_try_timeout: 0.1s}}}]}]\n";
  const UpstreamPlan plan = Then(After(300), {After(5000)});
  const RouterOutcome outcome = Ask({table}, plan);
  EXPECT_EQ(outcome.took, milliseconds(300));
  EXPECT_EQ(outcome.Sent("x-envoy-attempt-count"), "2");
  // Here the first try is called off after its time.
  RouterQuestion own{table, "", {{":path", "/own"}}};
  EXPECT_EQ(Ask(own, plan).status, 504);
  own.internal = true;
  own.fields.emplace_back("x-envoy-hedge-on-per-try-timeout", "true");
  EXPECT_EQ(Ask(own, plan).took, milliseconds(300));
}

}  // namespace
}  // namespace narthex::testing
