#include "filters/header_mutation/header_mutation.h"

#include <algorithm>

#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "filters/header_mutation/mutations.h"
#include "gtest/gtest.h"
#include "test/filters/filter_test_kit.h"

namespace narthex::testing {
namespace {

namespace v3 = envoy::extensions::filters::http::header_mutation::v3;

std::shared_ptr<const HttpFilter> Filter(const std::string& mutations, const std::string& rest = {}) {
  return Make(HeaderMutationFilter(), Parse<v3::HeaderMutation>("mutations {" + mutations + "}" + rest));
}

std::string Set(const std::string& list, const std::string& value, const std::string& key = "x-who") {
  return list + " { append { header { key: '" + key + "' value: '" + value +
         "' } append_action: OVERWRITE_IF_EXISTS_OR_ADD } }";
}

std::string Errors(const std::string& mutations) {
  std::string errors;
  EXPECT_EQ(Make(HeaderMutationFilter(), Parse<v3::HeaderMutation>("mutations {" + mutations + "}"), &errors),
            nullptr);
  return errors;
}

Outcome Send(const HttpFilter& filter, Fields headers = {}, const std::string& path = "/") {
  Scenario scenario;
  scenario.request.headers[1].second = path;
  for (auto& header : headers) scenario.request.headers.push_back(std::move(header));
  Outcome outcome = RunFilter(filter, scenario);
  EXPECT_TRUE(outcome.forwarded);
  return outcome;
}

int Count(const Fields& fields, std::string_view name) {
  return static_cast<int>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; }));
}

TEST(HeaderMutation, AppliesEachAppendActionAsItIsNamed) {
  const auto with = [](const std::string& action) {
    return Filter("request_mutations { append { header { key: 'X-A' value: 'new' } append_action: " + action +
                  " } }");
  };
  const Fields old = {{"x-a", "old"}};
  EXPECT_EQ(Count(Send(*with("APPEND_IF_EXISTS_OR_ADD"), old).forwarded->headers, "x-a"), 2);
  EXPECT_EQ(Send(*with("APPEND_IF_EXISTS_OR_ADD")).forwarded->Get("x-a"), "new");
  EXPECT_EQ(Send(*with("ADD_IF_ABSENT"), old).forwarded->Get("x-a"), "old");
  EXPECT_EQ(Send(*with("ADD_IF_ABSENT")).forwarded->Get("x-a"), "new");
  EXPECT_EQ(Send(*with("OVERWRITE_IF_EXISTS_OR_ADD"), old).forwarded->Get("x-a"), "new");
  EXPECT_EQ(Send(*with("OVERWRITE_IF_EXISTS_OR_ADD")).forwarded->Get("x-a"), "new");
  EXPECT_EQ(Send(*with("OVERWRITE_IF_EXISTS"), old).forwarded->Get("x-a"), "new");
  EXPECT_EQ(Send(*with("OVERWRITE_IF_EXISTS")).forwarded->Get("x-a"), "(none)");
}

TEST(HeaderMutation, KeepsTheOrderOfRemovalsAndAdditions) {
  const auto filter = Filter(Set("request_mutations", "1", "x-a") + "request_mutations { remove: 'X-A' }" +
                             Set("request_mutations", "2", "x-b"));
  const Outcome outcome = Send(*filter, {{"x-b", "0"}});
  EXPECT_EQ(outcome.forwarded->Get("x-a"), "(none)");
  EXPECT_EQ(outcome.forwarded->Get("x-b"), "2");
}

TEST(HeaderMutation, RemovesEveryHeaderWhoseNameMatchesButNoPseudoHeader) {
  const auto filter =
      Filter("request_mutations { remove_on_match { key_matcher { safe_regex { regex: '.*a.*' } } } }");
  const Outcome outcome = Send(*filter, {{"x-a", "1"}, {"x-b", "2"}, {"x-a", "3"}});
  EXPECT_EQ(outcome.forwarded->Get("x-a"), "(none)");
  EXPECT_EQ(outcome.forwarded->Get("x-b"), "2");
  EXPECT_EQ(outcome.forwarded->Get(":path"), "/");
}

TEST(HeaderMutation, FillsInValuesOfTheRequestInBothDirections) {
  const auto filter =
      Filter(Set("request_mutations", "%REQ(:PATH)%") + Set("response_mutations", "%REQ(X-ID)%"));
  const Outcome outcome = Send(*filter, {{"x-id", "7"}}, "/cart");
  EXPECT_EQ(outcome.forwarded->Get("x-who"), "/cart");
  EXPECT_EQ(outcome.response.Get("x-who"), "7");
}

TEST(HeaderMutation, LeavesOutAnEmptyValueUnlessItIsToBeKept) {
  EXPECT_EQ(Send(*Filter(Set("request_mutations", "%REQ(X-ABSENT)%"))).forwarded->Get("x-who"), "(none)");
  const auto kept = Filter(
      "request_mutations { append { header { key: 'x-who' value: '%REQ(X-ABSENT)%' } keep_empty_value: true "
      "} }");
  EXPECT_EQ(Send(*kept).forwarded->Get("x-who"), "");
}

TEST(HeaderMutation, KnowsTheStatusOfTheResponse) {
  EXPECT_EQ(Send(*Filter(Set("response_mutations", "%RESPONSE_CODE%"))).response.Get("x-who"), "200");
}

TEST(HeaderMutation, RefusesWhatEveryMessageNeeds) {
  EXPECT_NE(Errors("request_mutations { remove: ':path' }").find("request_mutations[0].remove"),
            std::string::npos);
  EXPECT_NE(Errors("request_mutations { remove: 'Host' }"), "");
  EXPECT_NE(Errors(Set("request_mutations", "other.test", "Host")), "");
  EXPECT_NE(Errors("request_mutations { append { header { key: ':path' value: '/' } } }"), "");
  EXPECT_NE(Errors(Set("response_mutations", "200", ":status")), "");
  EXPECT_NE(Errors(Set("request_mutations", "%NO_SUCH_OPERATOR%")), "");
}

TEST(HeaderMutation, ChangesTrailersHoweverTheBodyArrives) {
  Scenario scenario;
  for (Message* message : {&scenario.request, &scenario.response}) {
    message->body = "hello";
    message->chunked = true;
    message->trailers = Fields{{"x-sum", "5"}, {"x-drop", "1"}};
  }
  const auto filter = Filter("request_trailers_mutations { remove: 'x-drop' }" +
                             Set("request_trailers_mutations", "%REQ(:PATH)%") +
                             "response_trailers_mutations { remove: 'x-sum' }" +
                             Set("response_trailers_mutations", "%RESP(:STATUS)%"));
  ForEveryCut(*filter, scenario, [](const Outcome& outcome) {
    ASSERT_TRUE(outcome.forwarded);
    EXPECT_EQ(outcome.forwarded->body, "hello");
    EXPECT_EQ(outcome.forwarded->trailers, (Fields{{"x-sum", "5"}, {"x-who", "/"}}));
    EXPECT_EQ(outcome.response.body, "hello");
    EXPECT_EQ(outcome.response.trailers, (Fields{{"x-drop", "1"}, {"x-who", "200"}}));
  });
  scenario.cuts = {1, 3};
  CancelAtEverySuspension(*filter, scenario);
}

TEST(HeaderMutation, AddsNoTrailersToABodyWithoutAny) {
  Scenario scenario;
  scenario.request.body = "hello";
  scenario.request.chunked = true;
  const Outcome outcome = RunFilter(*Filter(Set("request_trailers_mutations", "1")), scenario);
  ASSERT_TRUE(outcome.forwarded);
  EXPECT_EQ(outcome.forwarded->trailers, std::nullopt);
}

TEST(HeaderMutation, GivesTheLastWordToTheLevelThatIsToHaveIt) {
  const FilterFactory factory = HeaderMutationFilter();
  const auto level = [&](const std::string& value) {
    return std::make_pair(std::string(factory.name),
                          MakeRoute(factory, Parse<v3::HeaderMutationPerRoute>(
                                                 "mutations {" + Set("response_mutations", value) + "}")));
  };
  Scenario scenario;
  scenario.route_configs = {level("route"), level("virtual host"), level("table")};
  const std::string own = Set("response_mutations", "filter");
  EXPECT_EQ(RunFilter(*Filter(own), scenario).response.Get("x-who"), "table");
  const auto specific = Filter(own, "most_specific_header_mutations_wins: true");
  EXPECT_EQ(RunFilter(*specific, scenario).response.Get("x-who"), "route");
  scenario.route_configs.clear();
  EXPECT_EQ(RunFilter(*specific, scenario).response.Get("x-who"), "filter");
}

std::string Query(const std::string& mutation, const std::string& path) {
  return Send(*Filter("query_parameter_mutations {" + mutation + "}"), {}, path).forwarded->Get(":path");
}

TEST(HeaderMutation, ChangesQueryParametersAndKeepsTheSpellingOfOthers) {
  const auto append = [](const std::string& action) {
    return "append { record { key: 'a b' value { string_value: 'x&y' } } action: " + action + " }";
  };
  EXPECT_EQ(Query(append("APPEND_IF_EXISTS_OR_ADD"), "/p"), "/p?a%20b=x%26y");
  EXPECT_EQ(Query(append("APPEND_IF_EXISTS_OR_ADD"), "/p?q=%7e&a%20b=1"), "/p?q=%7e&a%20b=1&a%20b=x%26y");
  EXPECT_EQ(Query(append("ADD_IF_ABSENT"), "/p?a%20b=1"), "/p?a%20b=1");
  EXPECT_EQ(Query(append("OVERWRITE_IF_EXISTS_OR_ADD"), "/p?a%20b=1&c&a%20b=2"), "/p?a%20b=x%26y&c");
  EXPECT_EQ(Query(append("OVERWRITE_IF_EXISTS"), "/p?c=1"), "/p?c=1");
  EXPECT_EQ(Query("remove: 'c'", "/p?c=1"), "/p");
  EXPECT_EQ(Query("remove: 'c'", "/p?c=1&cc=2&c"), "/p?cc=2");
}

}  // namespace
}  // namespace narthex::testing
