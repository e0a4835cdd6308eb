#include "filters/router/router.h"

#include <map>
#include <string>

#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/router_fixture.h"

namespace narthex::testing {
namespace {

using std::chrono::milliseconds;

uint64_t Stat(const std::string& name) {
  return StatsStore::Process().ValueOf(name);
}

std::string To(const std::string& cluster, const std::string& more = "") {
  return OneRoute("route: {cluster: " + cluster + more + "}");
}

UpstreamPlan Fails(ResponseFlag flag, std::string detail = "") {
  UpstreamPlan plan;
  plan.error = ExchangeError{flag, std::move(detail)};
  return plan;
}

TEST(RouterTimeout, AnswersInPlaceOfASlowUpstreamAndCountsItOnce) {
  UpstreamPlan plan;
  plan.delay = milliseconds(5000);
  RouterOutcome outcome = Ask({To("slow", ", timeout: 0.25s")}, plan);
  EXPECT_EQ(outcome.status, 504);
  EXPECT_EQ(outcome.body, "upstream request timeout");
  EXPECT_EQ(outcome.detail, "response_timeout");
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamRequestTimeout));
  EXPECT_GE(outcome.took, milliseconds(250));
  EXPECT_LT(outcome.took, milliseconds(300));
  EXPECT_EQ(Stat("cluster.slow.upstream_rq_timeout"), 1u);
  EXPECT_EQ(Stat("cluster.slow.upstream_rq_504"), 1u);
  EXPECT_EQ(Stat("cluster.slow.upstream_rq_5xx"), 1u);
  EXPECT_EQ(Stat("cluster.slow.upstream_rq_completed"), 1u);
}

TEST(RouterTimeout, BreaksOffABodyThatComesTooLateAndCountsThat) {
  UpstreamPlan plan;
  plan.body_delay = milliseconds(5000);
  plan.body = "late";
  RouterOutcome outcome = Ask({To("slow_body", ", timeout: 0.25s")}, plan);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.body_error, "response_timeout");
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamRequestTimeout));
  EXPECT_EQ(Stat("cluster.slow_body.upstream_rq_timeout"), 1u);
  EXPECT_EQ(Stat("cluster.slow_body.upstream_rq_200"), 1u);
}

TEST(RouterTimeout, RunsFromTheEndOfTheRequest) {
  UpstreamPlan plan;
  plan.delay = milliseconds(200);
  RouterQuestion question{To("upload", ", timeout: 0.25s")};
  question.request_takes = milliseconds(1000);
  EXPECT_EQ(Ask(question, plan).status, 200);
  plan.delay = milliseconds(400);
  EXPECT_EQ(Ask(question, plan).status, 504);
}

TEST(RouterTimeout, IsOffWhenZeroAndTellsTheUpstreamOtherwise) {
  UpstreamPlan plan;
  plan.delay = std::chrono::hours(1);
  RouterOutcome never = Ask({To("up", ", timeout: 0s")}, plan);
  EXPECT_EQ(never.status, 200);
  EXPECT_EQ(never.Sent("x-envoy-expected-rq-timeout-ms"), "");
  EXPECT_EQ(Ask({To("up")}).Sent("x-envoy-expected-rq-timeout-ms"), "15000");
  EXPECT_EQ(Ask({To("up", ", timeout: 1.5s")}).Sent("x-envoy-expected-rq-timeout-ms"), "1500");
}

TEST(RouterTimeout, TheHeaderOfAnInternalRequestDecides) {
  UpstreamPlan plan;
  plan.delay = milliseconds(1000);
  RouterQuestion question{To("up"), "", {{"x-envoy-upstream-rq-timeout-ms", "100"}}, true};
  RouterOutcome outcome = Ask(question, plan);
  EXPECT_EQ(outcome.status, 504);
  EXPECT_EQ(outcome.Sent("x-envoy-expected-rq-timeout-ms"), "100");
  EXPECT_EQ(outcome.Sent("x-envoy-upstream-rq-timeout-ms"), "");
  question.internal = false;
  EXPECT_EQ(Ask(question, plan).status, 200);
  question.internal = true;
  question.fields = {{"x-envoy-upstream-rq-timeout-ms", "soon"}};
  EXPECT_EQ(Ask(question, plan).Sent("x-envoy-expected-rq-timeout-ms"), "15000");
}

TEST(RouterTimeout, RespectsWhatAGatewayBeforeExpects) {
  UpstreamPlan plan;
  plan.delay = milliseconds(1000);
  RouterQuestion question{To("up"), "", {{"x-envoy-expected-rq-timeout-ms", "100"}}};
  EXPECT_EQ(Ask(question, plan).status, 200);
  question.router = "respect_expected_rq_timeout: true";
  EXPECT_EQ(Ask(question, plan).status, 504);
}

TEST(RouterTimeout, TellsAGrpcServiceHowLongItHas) {
  const auto sent = [](const std::string& rules, std::optional<milliseconds> limit, const std::string& type) {
    RouterQuestion question{To("up", rules), "", {{"content-type", type}, {"grpc-timeout", "7S"}}};
    question.max_duration = limit;
    return Ask(question).Sent("grpc-timeout");
  };
  const std::string rules = ", max_stream_duration: {}";
  EXPECT_EQ(sent(rules, milliseconds(3000), "application/grpc"), "3000m");
  EXPECT_EQ(sent(rules, milliseconds(0), "application/grpc"), "") << "it has for ever";
  EXPECT_EQ(sent(rules, std::nullopt, "application/grpc"), "7S");
  // Who speaks no gRPC is bound by it all the same, but has not said what the service should read.
  EXPECT_EQ(sent(rules, milliseconds(3000), "text/plain"), "7S");
  EXPECT_EQ(sent("", milliseconds(3000), "application/grpc"), "7S") << "the route says nothing of streams";
}

TEST(RouterFailure, EachCauseHasEnvoysStatusFlagAndWords) {
  RouterOutcome unhealthy = Ask({To("f1")}, Fails(ResponseFlag::kNoHealthyUpstream));
  EXPECT_EQ(unhealthy.status, 503);
  EXPECT_EQ(unhealthy.body, "no healthy upstream");
  EXPECT_EQ(unhealthy.detail, "no_healthy_upstream");
  EXPECT_TRUE(unhealthy.HasFlag(ResponseFlag::kNoHealthyUpstream));

  RouterOutcome refused =
      Ask({To("f2")}, Fails(ResponseFlag::kUpstreamConnectionFailure,
                            "upstream_reset_before_response_started{remote_connection_failure|refused}"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.HasFlag(ResponseFlag::kUpstreamConnectionFailure));

  RouterOutcome reset = Ask({To("f3")}, Fails(ResponseFlag::kUpstreamConnectionTermination));
  EXPECT_EQ(reset.status, 503);
  EXPECT_EQ(
      reset.body,
      "upstream connect error or disconnect/reset before headers. reset reason: connection termination");
  EXPECT_EQ(reset.detail, "upstream_reset_before_response_started{connection_termination}");

  EXPECT_EQ(Ask({To("f4")}, Fails(ResponseFlag::kUpstreamProtocolError)).status, 502);
  EXPECT_EQ(Stat("cluster.f3.upstream_rq_503"), 1u);
  EXPECT_EQ(Stat("cluster.f4.upstream_rq_502"), 1u);
}

TEST(RouterFailure, OverflowIsSaidUnlessEnvoyHeadersAreOff) {
  UpstreamPlan full = Fails(ResponseFlag::kUpstreamOverflow);
  RouterOutcome outcome = Ask({To("full")}, full);
  EXPECT_EQ(outcome.status, 503);
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kUpstreamOverflow));
  EXPECT_EQ(outcome.Get("x-envoy-overloaded"), "true");
  EXPECT_EQ(Ask({To("full"), "suppress_envoy_headers: true"}, full).Get("x-envoy-overloaded"), "");
}

TEST(RouterFailure, AMissingClusterAnswersAsTheRouteSays) {
  const uint64_t before = Stat("http.test.no_cluster");
  RouterOutcome outcome = Ask({To("missing")});
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.body, "");
  EXPECT_EQ(outcome.detail, "cluster_not_found");
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kNoClusterFound));
  EXPECT_EQ(Ask({To("missing", ", cluster_not_found_response_code: NOT_FOUND")}).status, 404);
  EXPECT_EQ(Ask({To("missing", ", cluster_not_found_response_code: INTERNAL_SERVER_ERROR")}).status, 500);
  EXPECT_EQ(Stat("http.test.no_cluster"), before + 3);
  EXPECT_EQ(Stat("cluster.missing.upstream_rq_503"), 0u);
}

TEST(RouterCluster, AHeaderMayNameIt) {
  RouterQuestion question{OneRoute("route: {cluster_header: X-To}"), "", {{"x-to", "by_header"}}};
  EXPECT_EQ(Ask(question).sent_to, "by_header");
  EXPECT_EQ(Stat("cluster.by_header.upstream_rq_200"), 1u);
  question.fields = {};
  EXPECT_EQ(Ask(question).detail, "cluster_not_found");
  question.fields = {{"x-to", "missing"}};
  EXPECT_EQ(Ask(question).detail, "cluster_not_found");
}

TEST(RouterCluster, WeightsShareOutTheRequestsAndTheChosenOnesChangesApply) {
  RouterQuestion question{
      OneRoute("route: {weighted_clusters: {clusters: [{name: w1, weight: 25, host_rewrite_literal: "
               "w1.test}, {name: w2, "
               "weight: 75, response_headers_to_add: [{header: {key: x-of, value: w2}}]}]}}")};
  std::map<std::string, int> taken;
  for (uint64_t draw = 0; draw < 200; ++draw) {
    question.random = draw << 32;
    RouterOutcome outcome = Ask(question);
    ++taken[outcome.sent_to];
    EXPECT_EQ(outcome.Get("x-of"), outcome.sent_to == "w2" ? "w2" : "");
    EXPECT_EQ(outcome.Sent(":authority"), outcome.sent_to == "w1" ? "w1.test" : "a.test");
    EXPECT_EQ(outcome.options.random, question.random);
  }
  EXPECT_EQ(taken["w1"], 50);
  EXPECT_EQ(taken["w2"], 150);
}

TEST(RouterCluster, PassesOnWhatTheAttemptNeeds) {
  RouterOutcome outcome =
      Ask({To("up", ", priority: HIGH, auto_host_rewrite: true, append_x_forwarded_host: true")});
  EXPECT_EQ(outcome.options.priority, Priority::kHigh);
  EXPECT_TRUE(outcome.options.auto_host_rewrite);
  EXPECT_TRUE(outcome.options.append_x_forwarded_host);
}

TEST(RouterAnswer, RedirectsAndDirectResponsesNeedNoCluster) {
  const uint64_t before = Stat("http.test.rq_direct_response");
  RouterOutcome redirect =
      Ask({OneRoute("redirect: {https_redirect: true, host_redirect: b.test}"), "", {{":path", "/x?y"}}});
  EXPECT_EQ(redirect.status, 301);
  EXPECT_EQ(redirect.Get("location"), "https://b.test/x?y");
  // As it is written, like in Envoy.
  EXPECT_EQ(Ask({OneRoute("redirect: {scheme_redirect: HtTpS}")}).Get("location"), "HtTpS://a.test/");
  RouterOutcome direct = Ask({OneRoute("direct_response: {status: 410, body: {inline_string: gone}}")});
  EXPECT_EQ(direct.status, 410);
  EXPECT_EQ(direct.body, "gone");
  EXPECT_EQ(direct.detail, "direct_response");
  EXPECT_EQ(direct.sent_to, "");
  RouterOutcome created = Ask({OneRoute("direct_response: {status: 201}"), "", {{":path", "/new?x"}}});
  EXPECT_EQ(created.Get("location"), "http://a.test/new?x");
  EXPECT_EQ(Stat("http.test.rq_direct_response"), before + 4);
}

TEST(RouterAnswer, StrictCheckRefusesMalformedHeaders) {
  RouterQuestion question{To("up"),
                          "strict_check_headers: 'x-envoy-upstream-rq-timeout-ms'",
                          {{"x-envoy-upstream-rq-timeout-ms", "soon"}}};
  RouterOutcome outcome = Ask(question);
  EXPECT_EQ(outcome.status, 400);
  EXPECT_TRUE(outcome.HasFlag(ResponseFlag::kInvalidEnvoyRequestHeaders));
  EXPECT_EQ(outcome.detail, "request_headers_failed_strict_check{x-envoy-upstream-rq-timeout-ms}");
  question.fields[0].second = "20";
  EXPECT_EQ(Ask(question).status, 200);
}

TEST(RouterRewrite, ChangesPathAndHostAndKeepsTheOldOnes) {
  RouterQuestion question{
      "virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /old}, route: {cluster: up, "
      "prefix_rewrite: /new, host_rewrite_literal: new.test, append_x_forwarded_host: true}}]}]",
      "",
      {{":path", "/old/x?q=1"}}};
  RouterOutcome outcome = Ask(question);
  EXPECT_EQ(outcome.Sent(":path"), "/new/x?q=1");
  EXPECT_EQ(outcome.Sent("x-envoy-original-path"), "/old/x?q=1");
  EXPECT_EQ(outcome.Sent(":authority"), "new.test");
  EXPECT_EQ(outcome.Sent("x-envoy-original-host"), "a.test");
  EXPECT_EQ(outcome.Sent("x-forwarded-host"), "a.test");
  question.router = "suppress_envoy_headers: true";
  RouterOutcome quiet = Ask(question);
  EXPECT_EQ(quiet.Sent(":path"), "/new/x?q=1");
  EXPECT_EQ(quiet.Sent("x-envoy-original-path") + quiet.Sent("x-envoy-original-host"), "");
  EXPECT_EQ(quiet.Sent("x-envoy-expected-rq-timeout-ms") + quiet.Get("x-envoy-upstream-service-time"), "");
}

TEST(RouterRewrite, ByExpressionAndByHeader) {
  RouterQuestion question{
      To("up",
         ", regex_rewrite: {pattern: {regex: '/(\\w+)/(\\w+)'}, substitution: '/\\2/\\1'}, "
         "host_rewrite_header: x-host"),
      "",
      {{":path", "/a/b?c"}, {"x-host", "c.test"}}};
  EXPECT_EQ(Ask(question).Sent(":path"), "/b/a?c");
  EXPECT_EQ(Ask(question).Sent(":authority"), "c.test");
  question.fields.pop_back();
  EXPECT_EQ(Ask(question).Sent(":authority"), "a.test");
}

TEST(RouterRewrite, AHostThatCannotBeSentIsTheClientsFault) {
  for (const char* value : {"a b", "a\tb", "c\r\nx: y", "\x7f", "a/b", "a@evil", "a:99999", "a#b", "[::1",
                            "\xff", "a?b", "a\\b"}) {
    RouterOutcome outcome = Ask({To("up", ", host_rewrite_header: x-host"), "", {{"x-host", value}}});
    EXPECT_EQ(outcome.status, 400) << value;
    EXPECT_EQ(outcome.detail, "rewritten_host_invalid") << value;
    EXPECT_TRUE(outcome.sent.empty()) << value;
  }
}

TEST(RouterRewrite, APathThatIsNoneIsNotSent) {
  const auto rewritten = [](const std::string& path) {
    return Ask({To("up", ", regex_rewrite: {pattern: {regex: '^/r(.*)'}, substitution: '\\1'}"),
                "",
                {{":path", path}}});
  };
  for (const char* path : {"/rx", "/rhttp://other.test/", "/r/a b"}) {
    RouterOutcome outcome = rewritten(path);
    EXPECT_EQ(outcome.status, 500) << path;
    EXPECT_EQ(outcome.detail, "rewritten_path_invalid") << path;
    EXPECT_TRUE(outcome.sent.empty()) << path;
  }
  EXPECT_EQ(rewritten("/r/x?q").Sent(":path"), "/x?q");
  // Nothing is left of it: as it was, like in Envoy.
  EXPECT_EQ(rewritten("/r?q").Sent(":path"), "/r?q");
  EXPECT_EQ(rewritten("/r?q").Sent("x-envoy-original-path"), "");
}

}  // namespace
}  // namespace narthex::testing
