#include <string>

#include "gtest/gtest.h"
#include "test/filters/router_fixture.h"

// Header changes of all levels, in the order and with the effect that Envoy gives them.
namespace narthex::testing {
namespace {

std::string Add(const std::string& direction, const std::string& value) {
  return direction + "_headers_to_add: [{header: {key: x-all, value: " + value +
         "}}, {header: {key: x-last, value: " + value + "}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]";
}

std::string Levels(const std::string& top) {
  return top + "validate_clusters: false\n" + Add("request", "table") + "\n" + Add("response", "table") +
         "\nrequest_headers_to_remove: [x-gone]\n"
         "virtual_hosts:\n- name: v\n  domains: ['*']\n  include_request_attempt_count: true\n"
         "  include_attempt_count_in_response: true\n  " +
         Add("request", "host") + "\n  " + Add("response", "host") +
         "\n  routes:\n  - match: {prefix: /}\n    " + Add("request", "route") + "\n    " +
         Add("response", "route") + "\n    route: {weighted_clusters: {clusters: [{name: up, weight: 1, " +
         Add("request", "cluster") + ", " + Add("response", "cluster") + "}]}}\n";
}

RouterQuestion AskLevels(const std::string& top = "") {
  return {Levels(top), "", {{"x-gone", "1"}}};
}

TEST(RouterMutations, TheLeastSpecificLevelComesLast) {
  RouterOutcome outcome = Ask(AskLevels());
  EXPECT_EQ(outcome.Sent("x-all"), "cluster route host table");
  EXPECT_EQ(outcome.Sent("x-last"), "table");
  EXPECT_EQ(outcome.Sent("x-gone"), "");
  EXPECT_EQ(outcome.Get("x-all"), "cluster route host table");
  EXPECT_EQ(outcome.Get("x-last"), "table");
}

TEST(RouterMutations, OrTheMostSpecificWhereTheTableSaysSo) {
  RouterOutcome outcome = Ask(AskLevels("most_specific_header_mutations_wins: true\n"));
  EXPECT_EQ(outcome.Sent("x-all"), "cluster table host route");
  EXPECT_EQ(outcome.Sent("x-last"), "route");
  EXPECT_EQ(outcome.Get("x-last"), "route");
}

TEST(RouterMutations, LocalRepliesOfTheRouterAreChangedToo) {
  UpstreamPlan plan;
  plan.error = ExchangeError{ResponseFlag::kNoHealthyUpstream};
  RouterOutcome outcome = Ask(AskLevels(), plan);
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.Get("x-all"), "cluster route host table");
  EXPECT_EQ(outcome.Get("x-envoy-attempt-count"), "1");
  EXPECT_EQ(outcome.Get("x-envoy-upstream-service-time"), "");
  for (const char* action :
       {"redirect: {https_redirect: true}", "direct_response: {status: 200}", "route: {cluster: missing}"}) {
    std::string fields = Add("response", "route");
    RouterOutcome answer = Ask({OneRoute(fields + ", " + action)});
    EXPECT_EQ(answer.Get("x-all"), "route") << action;
    EXPECT_EQ(answer.Get("x-envoy-attempt-count"), "") << action;
  }
}

TEST(RouterMutations, AttemptCountsAreSaidToBothSides) {
  RouterOutcome outcome = Ask(AskLevels());
  EXPECT_EQ(outcome.Sent("x-envoy-attempt-count"), "1");
  EXPECT_EQ(outcome.Get("x-envoy-attempt-count"), "1");
  EXPECT_EQ(Ask({OneRoute("route: {cluster: up}")}).Sent("x-envoy-attempt-count"), "");
}

TEST(RouterMutations, FourWaysToAdd) {
  auto sent = [](const std::string& action, const std::string& old) {
    RouterQuestion question{
        OneRoute("request_headers_to_add: [{header: {key: x-a, value: new}, append_action: " + action +
                 "}], route: {cluster: up}")};
    if (!old.empty()) question.fields = {{"x-a", old}};
    return Ask(question).Sent("x-a");
  };
  EXPECT_EQ(sent("APPEND_IF_EXISTS_OR_ADD", "old"), "old new");
  EXPECT_EQ(sent("APPEND_IF_EXISTS_OR_ADD", ""), "new");
  EXPECT_EQ(sent("ADD_IF_ABSENT", "old"), "old");
  EXPECT_EQ(sent("ADD_IF_ABSENT", ""), "new");
  EXPECT_EQ(sent("OVERWRITE_IF_EXISTS_OR_ADD", "old"), "new");
  EXPECT_EQ(sent("OVERWRITE_IF_EXISTS_OR_ADD", ""), "new");
  EXPECT_EQ(sent("OVERWRITE_IF_EXISTS", "old"), "new");
  EXPECT_EQ(sent("OVERWRITE_IF_EXISTS", ""), "");
}

// All values of a level are worked out before any is written, and what overwrites is written first.
TEST(RouterMutations, AdditionsOfOneLevelDoNotSeeEachOther) {
  RouterQuestion question{
      OneRoute(
          "request_headers_to_remove: [x-removed], request_headers_to_add: [{header: {key: x-a, value: "
          "one}}, {header: {key: x-b, value: '%REQ(x-a)%-%REQ(x-removed)%'}}, {header: {key: x-a, value: "
          "two}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}, {header: {key: x-c, value: '%REQ(x-none)%'}}, "
          "{header: {key: x-d, value: '%REQ(x-none)%'}, keep_empty_value: true}], route: {cluster: up}"),
      "",
      {{"x-a", "old"}, {"x-removed", "r"}}};
  RouterOutcome outcome = Ask(question);
  EXPECT_EQ(outcome.Sent("x-a"), "two one");
  EXPECT_EQ(outcome.Sent("x-b"), "old-");
  bool c = false;
  bool d = false;
  for (const auto& [name, value] : outcome.sent) {
    c |= name == "x-c";
    d |= name == "x-d";
  }
  EXPECT_FALSE(c);
  EXPECT_TRUE(d);
}

}  // namespace
}  // namespace narthex::testing
