#include <string>

#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/router_fixture.h"

// How long a try may idle, and which priorities retries go to.
namespace narthex::testing {
namespace {

using std::chrono::milliseconds;

std::string Retrying(const std::string& policy) {
  const std::string cluster = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  return OneRoute("route: {cluster: " + cluster + ", retry_policy: {" + policy + "}}");
}

uint64_t Stat(const std::string& name) {
  const std::string cluster = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  return StatsStore::Process().ValueOf("cluster." + cluster + "." + name);
}

std::string Priorities(const std::string& frequency) {
  return "retry_priority: {name: p, typed_config: {'@type': type.googleapis.com/"
         "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig, "
         "update_frequency: " +
         frequency + "}}";
}

TEST(RouterTryLimits, ATryThatIdlesIsFollowedByAnother) {
  UpstreamPlan slow;
  slow.delay = milliseconds(5000);
  UpstreamPlan plan = slow;
  plan.then = {UpstreamPlan()};
  RouterOutcome outcome = Ask({Retrying("retry_on: 5xx, per_try_idle_timeout: 0.1s")}, plan);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_LT(outcome.took, milliseconds(200));
  EXPECT_EQ(outcome.timeouts, 1);
  EXPECT_EQ(Stat("upstream_rq_per_try_idle_timeout"), 1u);
  EXPECT_EQ(Stat("upstream_rq_per_try_timeout"), 0u);
  outcome = Ask({Retrying("per_try_idle_timeout: 0.1s")}, slow);
  EXPECT_EQ(outcome.status, 504);
  EXPECT_EQ(outcome.detail, "upstream_per_try_idle_timeout");
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamRequestTimeout));
}

TEST(RouterTryLimits, TheShorterLimitOfATryDecides) {
  UpstreamPlan slow;
  slow.delay = milliseconds(5000);
  const std::string both = "per_try_timeout: 0.1s, per_try_idle_timeout: 0.3s";
  EXPECT_EQ(Ask({Retrying(both)}, slow).detail, "upstream_per_try_timeout");
  const std::string idle = "per_try_timeout: 0.3s, per_try_idle_timeout: 0.1s";
  EXPECT_EQ(Ask({Retrying(idle)}, slow).detail, "upstream_per_try_idle_timeout");
}

TEST(RouterTryLimits, TheTimeToIdleBeginsWithTheEndOfTheRequest) {
  RouterQuestion question{Retrying("per_try_idle_timeout: 0.1s")};
  question.request_takes = milliseconds(300);
  UpstreamPlan slow;
  slow.delay = milliseconds(5000);
  const RouterOutcome outcome = Ask(question, slow);
  EXPECT_EQ(outcome.status, 504);
  EXPECT_GE(outcome.took, milliseconds(400));
  EXPECT_LT(outcome.took, milliseconds(420));
}

TEST(RouterTryLimits, AResponseThatIdlesBreaksOff) {
  UpstreamPlan plan;
  plan.body = "rest";
  plan.body_delay = milliseconds(5000);
  RouterOutcome outcome = Ask({Retrying("retry_on: 5xx, per_try_idle_timeout: 0.1s")}, plan);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.body_error, "upstream_per_try_idle_timeout");
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamRequestTimeout));
  EXPECT_EQ(outcome.timeouts, 1);
  EXPECT_EQ(Stat("upstream_rq_per_try_idle_timeout"), 1u);
  plan.body_delay = milliseconds(50);
  outcome = Ask({Retrying("retry_on: 5xx, per_try_idle_timeout: 0.1s")}, plan);
  EXPECT_EQ(outcome.body, "rest");
}

TEST(RouterTryLimits, RetriesStayAwayFromPrioritiesThatWereTried) {
  UpstreamPlan plan;
  plan.status = 503;
  plan.priority = 1;
  RouterOutcome outcome = Ask({Retrying("retry_on: 5xx, num_retries: 3, " + Priorities("2"))}, plan);
  EXPECT_EQ(outcome.left_out, std::vector<bool>({false, false, true, true}));
  outcome = Ask({Retrying("retry_on: 5xx, num_retries: 1")}, plan);
  EXPECT_TRUE(outcome.left_out.empty());
}

TEST(RouterTryLimits, RefusesWhatItDoesNotKnow) {
  const auto findings = [](const std::string& policy) { return TextTable(Retrying(policy)).findings(); };
  EXPECT_NE(findings("retry_on: 5xx, " + Priorities("0")).find("update_frequency"), std::string::npos);
  EXPECT_NE(findings("retry_on: 5xx, retry_priority: {name: p, typed_config: {'@type': type.googleapis.com/"
                     "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}")
                .find("retry_policy.retry_priority: only previous_priorities is supported"),
            std::string::npos);
}

}  // namespace
}  // namespace narthex::testing
