#include <string>

#include "gtest/gtest.h"
#include "source/net/machine_address.h"
#include "source/stats/stats.h"
#include "test/filters/router_fixture.h"

namespace narthex::testing {
namespace {

using std::chrono::milliseconds;

// A route to a cluster called "main" with these mirrors.
std::string Mirroring(const std::string& policies, const std::string& more = "") {
  return OneRoute("route: {cluster: main, request_mirror_policies: [" + policies + "]" + more + "}");
}

uint64_t Stat(const std::string& name) {
  return StatsStore::Process().ValueOf(name);
}

TEST(RouterMirror, SendsACopyThatNamesItself) {
  const RouterOutcome outcome =
      Ask({Mirroring("{cluster: mirror}"),
           "",
           {{":authority", "a.test:80"}, {"x-forwarded-for", "10.1.1.1"}, {"x-a", "1"}}});
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.sent_to, "main");
  EXPECT_EQ(outcome.Sent(":authority"), "a.test:80");
  ASSERT_EQ(outcome.mirrored.size(), 1u);
  const Mirrored& copy = *outcome.mirrored[0];
  EXPECT_TRUE(copy.ended);
  EXPECT_EQ(copy.Sent(":authority"), "a.test-shadow:80");
  EXPECT_EQ(copy.Sent("x-envoy-internal"), "true");
  const std::string machine = MachineAddress();
  EXPECT_EQ(copy.Sent("x-forwarded-for"), machine.empty() ? "10.1.1.1" : "10.1.1.1," + machine);
  EXPECT_EQ(copy.Sent("x-a"), "1");
  EXPECT_EQ(outcome.Sent("x-envoy-internal"), "");
}

TEST(RouterMirror, PutsTheMarkBehindTheNameOfTheHost) {
  const auto marked = [](const std::string& host) {
    return Ask({Mirroring("{cluster: mirror}"), "", {{":authority", host}}})
        .mirrored.at(0)
        ->Sent(":authority");
  };
  EXPECT_EQ(marked("a.test"), "a.test-shadow");
  EXPECT_EQ(marked("[::1]"), "[::1]-shadow");
  EXPECT_EQ(marked("[::1]:80"), "[::1]-shadow:80");
}

TEST(RouterMirror, ChangesTheCopyAlone) {
  const RouterOutcome outcome = Ask(
      {Mirroring("{cluster: mirror-1, disable_shadow_host_suffix_append: true, request_headers_mutations: "
                 "[{append: {header: {key: x-b, value: '%REQ(x-a)%'}}}, {remove: x-a}]}, "
                 "{cluster: mirror-2, host_rewrite_literal: copy.test}"),
       "",
       {{":authority", "a.test"}, {"x-a", "1"}}});
  EXPECT_EQ(outcome.Sent("x-a"), "1");
  EXPECT_EQ(outcome.Sent("x-b"), "");
  ASSERT_EQ(outcome.mirrored.size(), 2u);
  const bool in_order = outcome.mirrored[0]->to == "mirror-1";
  const Mirrored& first = *outcome.mirrored[in_order ? 0 : 1];
  const Mirrored& second = *outcome.mirrored[in_order ? 1 : 0];
  EXPECT_EQ(first.Sent(":authority"), "a.test");
  EXPECT_EQ(first.Sent("x-a"), "");
  EXPECT_EQ(first.Sent("x-b"), "1");
  EXPECT_EQ(second.Sent(":authority"), "copy.test");
  EXPECT_EQ(second.Sent("x-a"), "1");
}

TEST(RouterMirror, SendsTheWholeBody) {
  RouterQuestion question{Mirroring("{cluster: mirror}")};
  question.body = "order";
  RouterOutcome outcome = Ask(question);
  EXPECT_EQ(outcome.sent_body, "order");
  EXPECT_EQ(outcome.mirrored.at(0)->body, "order");
  question.body.clear();
  question.request_takes = milliseconds(100);
  outcome = Ask(question);
  EXPECT_EQ(outcome.sent_body, "upload");
  EXPECT_EQ(outcome.mirrored.at(0)->body, "upload");
}

TEST(RouterMirror, EndsWithARequestThatBreaksOff) {
  RouterQuestion question{Mirroring("{cluster: mirror}")};
  question.request_takes = milliseconds(100);
  UpstreamPlan early;  // answers before it has read the body, which is dropped then
  early.reads_request = false;
  early.delay = milliseconds(50);
  early.mirror = {UpstreamPlan()};
  const RouterOutcome outcome = Ask(question, early);
  EXPECT_EQ(outcome.status, 200);
  ASSERT_EQ(outcome.mirrored.size(), 1u);
  EXPECT_FALSE(outcome.mirrored[0]->ended);
}

TEST(RouterMirror, NeverDelaysOrFailsTheRequest) {
  UpstreamPlan plan;
  plan.mirror.emplace_back().delay = milliseconds(5000);
  RouterOutcome outcome = Ask({Mirroring("{cluster: mirror}")}, plan);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.took, milliseconds(0));
  EXPECT_TRUE(outcome.mirrored.at(0)->ended);
  plan.mirror[0].delay = milliseconds(0);
  plan.mirror[0].error = ExchangeError{ResponseFlag::kUpstreamConnectionFailure, "connect", false};
  outcome = Ask({Mirroring("{cluster: mirror-failing}")}, plan);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.flags, 0u);
  EXPECT_EQ(Stat("cluster.mirror-failing.upstream_rq_503"), 1u);
  outcome = Ask({Mirroring("{cluster: missing}")}, plan);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_TRUE(outcome.mirrored.empty());
}

TEST(RouterMirror, GivesUpAnAnswerThatTakesTooLong) {
  UpstreamPlan plan;
  plan.mirror.emplace_back().delay = milliseconds(5000);
  RouterOutcome outcome = Ask({Mirroring("{cluster: mirror-late}", ", timeout: 1s")}, plan);
  EXPECT_FALSE(outcome.mirrored.at(0)->ended);
  EXPECT_EQ(Stat("cluster.mirror-late.upstream_rq_timeout"), 1u);
  EXPECT_EQ(Stat("cluster.mirror-late.upstream_rq_504"), 1u);
  // Without a timeout of the request there is one all the same.
  plan.mirror[0].delay = milliseconds(3'600'000);
  outcome = Ask({Mirroring("{cluster: mirror-late}", ", timeout: 0s")}, plan);
  EXPECT_FALSE(outcome.mirrored.at(0)->ended);
  EXPECT_EQ(Stat("cluster.mirror-late.upstream_rq_timeout"), 2u);
}

TEST(RouterMirror, ThrowsTheAnswersBodyAway) {
  UpstreamPlan plan;
  UpstreamPlan& mirror = plan.mirror.emplace_back();
  mirror.body = "answer";
  mirror.body_delay = milliseconds(500);
  const RouterOutcome outcome = Ask({Mirroring("{cluster: mirror-body}")}, plan);
  EXPECT_EQ(outcome.body, "");
  EXPECT_EQ(Stat("cluster.mirror-body.upstream_rq_200"), 1u);
}

TEST(RouterMirror, CopiesAShareOfTheRequests) {
  const std::string half =
      "{cluster: mirror, runtime_fraction: {default_value: {numerator: 25, denominator: HUNDRED}}}";
  size_t copies = 0;
  for (uint64_t i = 0; i < 400; ++i) {
    RouterQuestion question{Mirroring(half)};
    question.random = i * 0x9e3779b97f4a7c15 + (i << 40);
    copies += Ask(question).mirrored.size();
  }
  EXPECT_GT(copies, 60u);
  EXPECT_LT(copies, 140u);
}

TEST(RouterMirror, AHeaderMayNameTheCluster) {
  const std::string routes = Mirroring("{cluster_header: x-copy}");
  EXPECT_EQ(Ask({routes, "", {{"x-copy", "mirror-named"}}}).mirrored.at(0)->to, "mirror-named");
  EXPECT_TRUE(Ask({routes, "", {{"x-copy", "missing"}}}).mirrored.empty());
  EXPECT_TRUE(Ask({routes}).mirrored.empty());
}

TEST(RouterMirror, TunnelsHaveNone) {
  const RouterOutcome outcome = Ask({Mirroring("{cluster: mirror}"), "", {{"upgrade", "websocket"}}});
  EXPECT_EQ(outcome.sent_to, "main");
  EXPECT_TRUE(outcome.mirrored.empty());
}

TEST(RouterMirror, ACopyIsSentOnceAndGoesByItsOwnRules) {
  UpstreamPlan plan;
  plan.status = 503;
  plan.mirror.emplace_back().status = 503;
  const RouterOutcome outcome =
      Ask({Mirroring("{cluster: mirror}",
                     ", retry_policy: {retry_on: 5xx, num_retries: 2}, hash_policy: "
                     "[{header: {header_name: x-user}}], metadata_match: "
                     "{filter_metadata: {envoy.lb: {version: one}}}"),
           "",
           {{"x-user", "a"}}},
          plan);
  EXPECT_EQ(outcome.tries, 3);
  ASSERT_EQ(outcome.mirrored.size(), 1u);
  EXPECT_FALSE(outcome.mirrored[0]->options.hash.has_value());
  EXPECT_EQ(outcome.mirrored[0]->options.match, nullptr);
}

TEST(RouterMirror, TheClosestLevelDecides) {
  const auto to = [](const std::string& table, const std::string& host, const std::string& route) {
    const std::string list = "request_mirror_policies: [{cluster: mirror-";
    const auto level = [&](const std::string& name) { return name.empty() ? "" : list + name + "}]"; };
    const RouterOutcome outcome = Ask(
        {"validate_clusters: false\n" + level(table) + "\nvirtual_hosts: [{name: v, domains: ['*'], " +
         level(host) + (host.empty() ? "" : ", ") + "routes: [{match: {prefix: /}, route: {cluster: main" +
         (route.empty() ? "" : ", ") + level(route) + "}}]}]\n"});
    return outcome.mirrored.size() == 1 ? outcome.mirrored[0]->to : "not one";
  };
  EXPECT_EQ(to("table", "", ""), "mirror-table");
  EXPECT_EQ(to("table", "host", ""), "mirror-host");
  EXPECT_EQ(to("table", "host", "route"), "mirror-route");
}

TEST(RouterMirror, RefusesWhatMakesNoSense) {
  const auto findings = [](const std::string& policies) { return TextTable(Mirroring(policies)).findings(); };
  EXPECT_NE(
      findings("{}").find("request_mirror_policies[0]: needs exactly one of cluster and cluster_header"),
      std::string::npos)
      << findings("{}");
  EXPECT_NE(findings("{cluster: a, cluster_header: b}").find("needs exactly one of"), std::string::npos);
  EXPECT_NE(
      findings("{cluster: a, host_rewrite_literal: 'a b'}").find("request_mirror_policies[0].host_rewrite"),
      std::string::npos);
  EXPECT_NE(findings("{cluster: a, request_headers_mutations: [{remove: ':path'}]}")
                .find("request_headers_mutations[0].remove"),
            std::string::npos);
}

}  // namespace
}  // namespace narthex::testing
