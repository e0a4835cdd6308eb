#include <string>

#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/router_fixture.h"

namespace narthex::testing {
namespace {

using std::chrono::milliseconds;

// A route to a cluster of the running test's name with these fields of its retry policy.
std::string Retrying(const std::string& policy, const std::string& more = "") {
  const std::string cluster = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  return OneRoute("route: {cluster: " + cluster + ", retry_policy: {" + policy + "}" + more + "}");
}

uint64_t Stat(const std::string& name) {
  const std::string cluster = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  return StatsStore::Process().ValueOf("cluster." + cluster + "." + name);
}

UpstreamPlan Status(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
  UpstreamPlan plan;
  plan.status = status;
  plan.headers = std::move(headers);
  return plan;
}

UpstreamPlan Fails(ResponseFlag flag, bool retryable = false) {
  UpstreamPlan plan;
  plan.error =
      ExchangeError{flag, "upstream_reset_before_response_started{connection_termination}", retryable};
  return plan;
}

UpstreamPlan Then(UpstreamPlan first, std::vector<UpstreamPlan> then) {
  first.then = std::move(then);
  return first;
}

// How often a request is tried whose answers are all `plan`.
int TriesOf(const std::string& retry_on, const UpstreamPlan& plan, const std::string& more = "") {
  return Ask({Retrying("retry_on: '" + retry_on + "'" + more)}, plan).tries;
}

TEST(RouterRetry, TriesOnceWithoutAPolicy) {
  const RouterOutcome outcome = Ask({OneRoute("route: {cluster: once}")}, Status(503));
  EXPECT_EQ(outcome.tries, 1);
}

TEST(RouterRetry, AnswersWithWhatCameAfterARetry) {
  const RouterOutcome outcome = Ask({Retrying("retry_on: 5xx")}, Then(Status(503), {Status(201)}));
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.tries, 2);
  EXPECT_EQ(Stat("upstream_rq_retry"), 1u);
  EXPECT_EQ(Stat("upstream_rq_retry_success"), 1u);
  EXPECT_EQ(Stat("upstream_rq_retry_backoff_exponential"), 1u);
  EXPECT_EQ(Stat("upstream_rq_503"), 0u);
}

TEST(RouterRetry, EndsWithTheLastAnswerWhenNoRetryIsLeft) {
  const RouterOutcome outcome = Ask({Retrying("retry_on: 5xx, num_retries: 3")}, Status(503));
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.tries, 4);
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamRetryLimitExceeded));
  EXPECT_EQ(Stat("upstream_rq_retry"), 3u);
  EXPECT_EQ(Stat("upstream_rq_retry_limit_exceeded"), 1u);
  EXPECT_EQ(Stat("upstream_rq_retry_success"), 0u);
}

TEST(RouterRetry, KnowsAnswersByTheirStatus) {
  EXPECT_EQ(TriesOf("5xx", Status(500)), 2);
  EXPECT_EQ(TriesOf("5xx", Status(499)), 1);
  EXPECT_EQ(TriesOf("gateway-error", Status(500)), 1);
  EXPECT_EQ(TriesOf("gateway-error", Status(504)), 2);
  EXPECT_EQ(TriesOf("retriable-4xx", Status(409)), 2);
  EXPECT_EQ(TriesOf("retriable-4xx", Status(404)), 1);
  EXPECT_EQ(TriesOf("retriable-status-codes", Status(418), ", retriable_status_codes: [418]"), 2);
  EXPECT_EQ(TriesOf("retriable-status-codes", Status(417), ", retriable_status_codes: [418]"), 1);
  EXPECT_EQ(TriesOf("reset,connect-failure", Status(503)), 1);
}

TEST(RouterRetry, KnowsAnswersByTheirHeaders) {
  const std::string headers = ", retriable_headers: [{name: x-again}]";
  EXPECT_EQ(TriesOf("retriable-headers", Status(200, {{"x-again", "1"}}), headers), 2);
  EXPECT_EQ(TriesOf("retriable-headers", Status(200), headers), 1);
  EXPECT_EQ(TriesOf("envoy-ratelimited", Status(429, {{"x-envoy-ratelimited", "true"}})), 2);
  EXPECT_EQ(TriesOf("5xx", Status(503, {{"x-envoy-ratelimited", "true"}})), 1);
  EXPECT_EQ(TriesOf("5xx", Status(503, {{"x-envoy-overloaded", "true"}})), 1);
}

TEST(RouterRetry, KnowsGrpcStatuses) {
  EXPECT_EQ(TriesOf("unavailable", Status(200, {{"grpc-status", "14"}})), 2);
  EXPECT_EQ(TriesOf("unavailable", Status(200, {{"grpc-status", "13"}})), 1);
  EXPECT_EQ(TriesOf("cancelled,internal", Status(200, {{"grpc-status", "13"}})), 2);
  EXPECT_EQ(TriesOf("deadline-exceeded", Status(200, {{"grpc-status", "4"}})), 2);
  EXPECT_EQ(TriesOf("resource-exhausted", Status(200, {{"grpc-status", "8"}})), 2);
}

TEST(RouterRetry, KnowsFailuresWithoutAnAnswer) {
  using enum ResponseFlag;
  EXPECT_EQ(TriesOf("connect-failure", Fails(kUpstreamConnectionFailure)), 2);
  EXPECT_EQ(TriesOf("connect-failure", Fails(kUpstreamConnectionTermination)), 1);
  EXPECT_EQ(TriesOf("refused-stream", Fails(kUpstreamRemoteReset, true)), 2);
  EXPECT_EQ(TriesOf("refused-stream", Fails(kUpstreamRemoteReset)), 1);
  EXPECT_EQ(TriesOf("reset-before-request", Fails(kUpstreamConnectionTermination, true)), 2);
  EXPECT_EQ(TriesOf("reset-before-request", Fails(kUpstreamConnectionTermination)), 1);
  for (const char* on : {"reset", "5xx", "gateway-error"}) {
    EXPECT_EQ(TriesOf(on, Fails(kUpstreamConnectionTermination)), 2) << on;
    EXPECT_EQ(TriesOf(on, Fails(kUpstreamConnectionFailure)), 2) << on;
    EXPECT_EQ(TriesOf(on, Fails(kUpstreamProtocolError)), 2) << on;
    EXPECT_EQ(TriesOf(on, Fails(kUpstreamOverflow)), 1) << on;
    EXPECT_EQ(TriesOf(on, Fails(kNoHealthyUpstream)), 1) << on;
    EXPECT_EQ(TriesOf(on, Fails(kDownstreamConnectionTermination)), 1) << on;
  }
}

TEST(RouterRetry, SaysInTheBodyThatItTriedAgain) {
  const RouterOutcome outcome =
      Ask({Retrying("retry_on: reset")}, Fails(ResponseFlag::kUpstreamConnectionTermination));
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.body,
            "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: "
            "connection termination");
}

TEST(RouterRetry, SendsTheWholeBodyAgain) {
  RouterQuestion question{Retrying("retry_on: 5xx")};
  question.body = "order";
  RouterOutcome outcome = Ask(question, Then(Status(503), {Status(200)}));
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.sent_body, "order");
  question.body.clear();
  question.request_takes = milliseconds(100);
  outcome = Ask(question, Then(Status(503), {Status(200)}));
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.sent_body, "upload");
}

TEST(RouterRetry, GivesUpWithoutTheBodyAndSaysWhy) {
  RouterQuestion question{Retrying("retry_on: 5xx", "}, request_body_buffer_limit: 3, metadata: {")};
  question.request_takes = milliseconds(100);
  const RouterOutcome outcome = Ask(question, Then(Status(503), {Status(200)}));
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.sent_body, "upload");
  EXPECT_EQ(Stat("retry_or_shadow_abandoned"), 1u);
  EXPECT_EQ(Stat("upstream_rq_retry_abandoned_body_too_long"), 1u);
}

TEST(RouterRetry, ABodyThatWasNotReadYetIsNoObstacle) {
  RouterQuestion question{Retrying("retry_on: 5xx")};
  question.request_takes = milliseconds(100);
  UpstreamPlan early = Status(503);
  early.reads_request = false;
  RouterOutcome outcome = Ask(question, Then(early, {Status(200)}));
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.sent_body, "upload");
}

TEST(RouterRetry, WaitsLongerEachTime) {
  const RouterOutcome outcome = Ask(
      {Retrying("retry_on: 5xx, num_retries: 3, retry_back_off: {base_interval: 0.1s, max_interval: 0.2s}")},
      Status(503));
  ASSERT_EQ(outcome.tried_at.size(), 4u);
  EXPECT_LE(outcome.tried_at[1] - outcome.tried_at[0], milliseconds(100));
  EXPECT_LE(outcome.tried_at[2] - outcome.tried_at[1], milliseconds(200));
  EXPECT_LE(outcome.tried_at[3] - outcome.tried_at[2], milliseconds(200));
}

TEST(RouterRetry, WaitsAsLongAsTheUpstreamSays) {
  const std::string policy =
      "retry_on: retriable-status-codes, retriable_status_codes: [429], rate_limited_retry_back_off: "
      "{reset_headers: [{name: retry-after}], max_interval: 5s}";
  RouterOutcome outcome = Ask({Retrying(policy)}, Then(Status(429, {{"retry-after", "2"}}), {Status(200)}));
  EXPECT_EQ(outcome.status, 200);
  EXPECT_GE(outcome.took, milliseconds(2000));
  EXPECT_LE(outcome.took, milliseconds(3001));
  EXPECT_EQ(Stat("upstream_rq_retry_backoff_ratelimited"), 1u);
  outcome = Ask({Retrying(policy)}, Then(Status(429, {{"retry-after", "6"}}), {Status(200)}));
  EXPECT_LE(outcome.took, milliseconds(25));
  EXPECT_EQ(Stat("upstream_rq_retry_backoff_ratelimited"), 1u);
}

TEST(RouterRetry, ATryThatTakesTooLongIsFollowedByAnother) {
  UpstreamPlan slow = Status(200);
  slow.delay = milliseconds(5000);
  RouterOutcome outcome = Ask({Retrying("retry_on: 5xx, per_try_timeout: 0.1s")}, Then(slow, {Status(200)}));
  EXPECT_EQ(outcome.status, 200);
  EXPECT_LT(outcome.took, milliseconds(200));
  EXPECT_EQ(outcome.timeouts, 1);
  EXPECT_EQ(Stat("upstream_rq_per_try_timeout"), 1u);
  outcome = Ask({Retrying("per_try_timeout: 0.1s")}, slow);
  EXPECT_EQ(outcome.status, 504);
  EXPECT_EQ(outcome.detail, "upstream_per_try_timeout");
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamRequestTimeout));
}

TEST(RouterRetry, AllTriesTogetherHaveTheRoutesTime) {
  UpstreamPlan slow = Status(503);
  slow.delay = milliseconds(200);
  const RouterOutcome outcome = Ask({Retrying("retry_on: 5xx, num_retries: 100", ", timeout: 1s")}, slow);
  EXPECT_EQ(outcome.status, 504);
  EXPECT_EQ(outcome.detail, "response_timeout");
  EXPECT_GE(outcome.took, milliseconds(1000));
  EXPECT_LT(outcome.took, milliseconds(1010));
}

TEST(RouterRetry, TheClustersBreakerBoundsRetries) {
  UpstreamPlan plan = Status(503);
  plan.retries_allowed = 0;
  const RouterOutcome outcome = Ask({Retrying("retry_on: 5xx")}, plan);
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.tries, 1);
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamOverflow));
  EXPECT_EQ(Stat("upstream_rq_retry_overflow"), 1u);
}

TEST(RouterRetry, PassesOverHostsThatWereTried) {
  const RouterOutcome outcome = Ask(
      {Retrying("retry_on: 5xx, num_retries: 2, host_selection_retry_max_attempts: 7, retry_host_predicate: "
                "[{name: p, typed_config: {'@type': type.googleapis.com/"
                "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}]")},
      Status(503));
  ASSERT_EQ(outcome.avoided.size(), 2u);
  EXPECT_EQ(outcome.avoided[1].ToString(), "10.0.0.1:2");
  EXPECT_EQ(outcome.options.host_tries, 7u);
}

TEST(RouterRetry, EveryTryHasTheHashAndTheMetadataOfTheRoute) {
  const std::string more =
      ", hash_policy: [{header: {header_name: x-user}}], "
      "metadata_match: {filter_metadata: {envoy.lb: {version: one}}}";
  const RouterOutcome outcome =
      Ask({Retrying("retry_on: 5xx, num_retries: 2", more), "", {{"x-user", "a"}}}, Status(503));
  EXPECT_EQ(outcome.tries, 3);
  EXPECT_TRUE(outcome.options.hash.has_value());
  EXPECT_NE(outcome.options.match, nullptr);
}

TEST(RouterRetry, AConnectThatEndsHereIsTriedAtAnotherHost) {
  const std::string table =
      "validate_clusters: false\nvirtual_hosts: [{name: v, domains: ['*'], routes: [{match: "
      "{connect_matcher: {}}, route: {cluster: c, upgrade_configs: [{upgrade_type: CONNECT, connect_config: "
      "{}}], hash_policy: [{header: {header_name: x-user}}], retry_policy: {retry_on: connect-failure, "
      "retry_host_predicate: [{name: p, typed_config: {'@type': type.googleapis.com/"
      "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}]}}}]}]\n";
  const RouterOutcome outcome = Ask({table, "", {{":method", "CONNECT"}, {"x-user", "a"}}},
                                    Fails(ResponseFlag::kUpstreamConnectionFailure));
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.tries, 2);
  EXPECT_TRUE(outcome.sent_to.empty());
  EXPECT_TRUE(outcome.raw.hash.has_value());
  EXPECT_EQ(outcome.raw.avoid.ToString(), "10.0.0.1:1");
}

TEST(RouterRetry, AVirtualHostsPolicyHoldsForRoutesWithoutOne) {
  const std::string table =
      "validate_clusters: false\nvirtual_hosts: [{name: v, domains: ['*'], include_request_attempt_count: "
      "true, "
      "retry_policy: {retry_on: 5xx}, routes: [{match: {prefix: /own}, route: {cluster: c, retry_policy: "
      "{num_retries: 5}}}, {match: {prefix: /}, route: {cluster: c}}]}]\n";
  const RouterOutcome outcome = Ask({table}, Status(503));
  EXPECT_EQ(outcome.tries, 2);
  EXPECT_EQ(outcome.Sent("x-envoy-attempt-count"), "2");
  EXPECT_EQ(Ask({table, "", {{":path", "/own"}}}, Status(503)).tries, 1);
}

TEST(RouterRetry, OnlyRequestsThatTheRouteNamesAreRetried) {
  const std::string policy = "retry_on: 5xx, retriable_request_headers: [{name: x-safe}]";
  EXPECT_EQ(Ask({Retrying(policy)}, Status(503)).tries, 1);
  EXPECT_EQ(Ask({Retrying(policy), "", {{"x-safe", "1"}}}, Status(503)).tries, 2);
}

TEST(RouterRetry, HeadersOfInternalClientsCount) {
  RouterQuestion question{OneRoute("route: {cluster: header}"),
                          "",
                          {{"x-envoy-retry-on", "5xx,retriable-status-codes"},
                           {"x-envoy-max-retries", "2"},
                           {"x-envoy-retriable-status-codes", "418, 419"}}};
  question.internal = true;
  EXPECT_EQ(Ask(question, Status(419)).tries, 3);
  const RouterOutcome outcome = Ask(question, Status(503));
  EXPECT_EQ(outcome.tries, 3);
  EXPECT_EQ(outcome.Sent("x-envoy-retry-on"), "");
  question.internal = false;
  EXPECT_EQ(Ask(question, Status(503)).tries, 1);
}

TEST(RouterRetry, RefusesWhatIsNoCondition) {
  TextTable table(Retrying("retry_on: '5xx,sometimes'"));
  EXPECT_EQ(table.table(), nullptr);
  EXPECT_NE(table.findings().find("retry_policy.retry_on: \"sometimes\" is no condition"), std::string::npos)
      << table.findings();
}

}  // namespace
}  // namespace narthex::testing
