#include <string>

#include "gtest/gtest.h"
#include "source/event/event_loop.h"
#include "source/tls/facts.h"
#include "test/router/text_table.h"

// What a route asks of a request beside its path, each predicate as Envoy reads it.
namespace narthex {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// Whether a request takes a route with these conditions, which are YAML fields of RouteMatch.
bool Takes(const std::string& conditions, const Fields& fields, uint64_t random = 0,
           const Exchange* exchange = nullptr) {
  TextTable table = TextTable::WithRoutes("{match: {prefix: /, " + conditions + "}, route: {cluster: a}}");
  return table.Target(fields, random, exchange) == "a";
}

bool HeaderTakes(const std::string& matcher, const Fields& fields) {
  return Takes("headers: [{name: X-A" + matcher + "}]", fields);
}

TEST(HeaderMatch, ComparesText) {
  EXPECT_TRUE(HeaderTakes(", string_match: {exact: one}", {{"x-a", "one"}}));
  EXPECT_FALSE(HeaderTakes(", string_match: {exact: one}", {{"x-a", "One"}}));
  EXPECT_TRUE(HeaderTakes(", string_match: {exact: oNe, ignore_case: true}", {{"x-a", "One"}}));
  EXPECT_TRUE(HeaderTakes(", string_match: {prefix: on}", {{"x-a", "one"}}));
  EXPECT_TRUE(HeaderTakes(", string_match: {suffix: ne}", {{"x-a", "one"}}));
  EXPECT_TRUE(HeaderTakes(", string_match: {contains: n}", {{"x-a", "one"}}));
  EXPECT_TRUE(HeaderTakes(", string_match: {contains: N, ignore_case: true}", {{"x-a", "one"}}));
  EXPECT_FALSE(HeaderTakes(", string_match: {contains: onet}", {{"x-a", "one"}}));
  EXPECT_TRUE(HeaderTakes(", string_match: {safe_regex: {regex: 'o.e'}}", {{"x-a", "one"}}));
  EXPECT_FALSE(HeaderTakes(", string_match: {safe_regex: {regex: 'o'}}", {{"x-a", "one"}}));
}

TEST(HeaderMatch, TakesTheDeprecatedFormsWithAWarning) {
  for (const char* form : {"exact_match: one", "prefix_match: on", "suffix_match: ne", "contains_match: n",
                           "safe_regex_match: {regex: 'o.*'}"}) {
    TextTable table = TextTable::WithRoutes("{match: {prefix: /, headers: [{name: x-a, " + std::string(form) +
                                            "}]}, route: {cluster: a}}");
    EXPECT_EQ(table.Target({{"x-a", "one"}}), "a") << form;
    EXPECT_EQ(table.Target({{"x-a", "two"}}), "none") << form;
    const size_t said = table.findings().find("is deprecated");
    ASSERT_NE(said, std::string::npos) << form;
    EXPECT_EQ(table.findings().find("is deprecated; use string_match"), said) << form;
    EXPECT_EQ(table.findings().find("is deprecated", said + 1), std::string::npos) << table.findings();
  }
}

TEST(HeaderMatch, RangesAreHalfOpen) {
  constexpr char kRange[] = ", range_match: {start: -10, end: 0}";
  EXPECT_TRUE(HeaderTakes(kRange, {{"x-a", "-10"}}));
  EXPECT_TRUE(HeaderTakes(kRange, {{"x-a", "-1"}}));
  EXPECT_FALSE(HeaderTakes(kRange, {{"x-a", "0"}}));
  EXPECT_TRUE(HeaderTakes(", range_match: {start: 1, end: 9}", {{"x-a", "+5"}}));
  EXPECT_FALSE(HeaderTakes(kRange, {{"x-a", "+-5"}}));
  EXPECT_FALSE(HeaderTakes(kRange, {{"x-a", "-1somestring"}}));
  EXPECT_FALSE(HeaderTakes(kRange, {{"x-a", ""}}));
  EXPECT_FALSE(HeaderTakes(kRange, {}));
}

TEST(HeaderMatch, PresenceAndItsOpposite) {
  EXPECT_TRUE(HeaderTakes("", {{"x-a", ""}}));
  EXPECT_FALSE(HeaderTakes("", {}));
  EXPECT_FALSE(HeaderTakes(", present_match: false", {{"x-a", "1"}}));
  EXPECT_TRUE(HeaderTakes(", present_match: false", {}));
  EXPECT_TRUE(HeaderTakes(", present_match: true, invert_match: true", {}));
  EXPECT_FALSE(HeaderTakes(", present_match: false, invert_match: true", {}));
}

// A missing header fails a text matcher also when that is inverted.
TEST(HeaderMatch, InvertedMatchersNeedTheHeaderUnlessMissingIsEmpty) {
  constexpr char kNotOne[] = ", invert_match: true, string_match: {exact: one}";
  EXPECT_TRUE(HeaderTakes(kNotOne, {{"x-a", "two"}}));
  EXPECT_FALSE(HeaderTakes(kNotOne, {{"x-a", "one"}}));
  EXPECT_FALSE(HeaderTakes(kNotOne, {}));
  EXPECT_TRUE(HeaderTakes(std::string(kNotOne) + ", treat_missing_header_as_empty: true", {}));
  EXPECT_TRUE(HeaderTakes(", string_match: {exact: ''}, treat_missing_header_as_empty: true", {}));
}

TEST(HeaderMatch, PseudoHeadersAndTheHost) {
  EXPECT_TRUE(Takes("headers: [{name: ':method', string_match: {exact: POST}}]", {{":method", "POST"}}));
  EXPECT_TRUE(Takes("headers: [{name: ':authority', string_match: {prefix: a.}}]", {}));
  EXPECT_TRUE(Takes("headers: [{name: Host, string_match: {prefix: a.}}]", {}));
}

TEST(HeaderMatch, AllHeadersMustMatch) {
  constexpr char kTwo[] = "headers: [{name: x-a, present_match: true}, {name: x-b, present_match: true}]";
  EXPECT_TRUE(Takes(kTwo, {{"x-a", "1"}, {"x-b", "1"}}));
  EXPECT_FALSE(Takes(kTwo, {{"x-a", "1"}}));
  EXPECT_FALSE(Takes(kTwo, {{"x-b", "1"}}));
}

TEST(QueryMatch, LooksAtTheFirstParameterOfTheName) {
  constexpr char kOne[] = "query_parameters: [{name: q, string_match: {exact: one}}]";
  EXPECT_TRUE(Takes(kOne, {{":path", "/?q=one"}}));
  EXPECT_TRUE(Takes(kOne, {{":path", "/?x&q=one&q=two"}}));
  EXPECT_FALSE(Takes(kOne, {{":path", "/?q=two&q=one"}}));
  EXPECT_FALSE(Takes(kOne, {{":path", "/?qq=one"}}));
  EXPECT_FALSE(Takes(kOne, {{":path", "/"}}));
  EXPECT_TRUE(Takes("query_parameters: [{name: q}]", {{":path", "/?q"}}));
  EXPECT_TRUE(Takes("query_parameters: [{name: q, present_match: true}]", {{":path", "/?q="}}));
  EXPECT_FALSE(Takes("query_parameters: [{name: q, present_match: true}]", {{":path", "/?#q=1"}}));
  EXPECT_TRUE(Takes("query_parameters: [{name: q, present_match: false}]", {{":path", "/?r"}}));
}

TEST(CookieMatch, FindsTheCookieInAnyField) {
  constexpr char kOne[] = "cookies: [{name: c, string_match: {exact: one}}]";
  EXPECT_TRUE(Takes(kOne, {{"cookie", "a=b; c=one"}}));
  EXPECT_TRUE(Takes(kOne, {{"cookie", "a=b"}, {"cookie", "c=\"one\""}}));
  EXPECT_FALSE(Takes(kOne, {{"cookie", "cc=one"}}));
  EXPECT_FALSE(Takes(kOne, {{"cookie", "c = one"}}));
  EXPECT_FALSE(Takes(kOne, {}));
  constexpr char kNotOne[] = "cookies: [{name: c, string_match: {exact: one}, invert_match: true}]";
  EXPECT_TRUE(Takes(kNotOne, {}));
  EXPECT_FALSE(Takes(kNotOne, {{"cookie", "c=one"}}));
}

TEST(GrpcMatch, LooksAtTheContentType) {
  EXPECT_TRUE(Takes("grpc: {}", {{"content-type", "application/grpc"}}));
  EXPECT_TRUE(Takes("grpc: {}", {{"content-type", "application/grpc+proto"}}));
  EXPECT_FALSE(Takes("grpc: {}", {{"content-type", "application/grpc-web"}}));
  EXPECT_FALSE(Takes("grpc: {}", {}));
}

TEST(MetadataMatch, ComparesWhatFiltersHaveSet) {
  auto loop = EventLoop::Make();
  ConnectionFacts facts;
  Exchange exchange(*loop, facts);
  exchange.SetMetadata("space", "user.plan", "gold");
  exchange.SetMetadata("space", "score", "7.5");
  auto takes = [&](const std::string& matcher) {
    return Takes("dynamic_metadata: [{filter: space, " + matcher + "}]", {}, 0, &exchange);
  };
  EXPECT_TRUE(takes("path: [{key: user}, {key: plan}], value: {string_match: {exact: gold}}"));
  EXPECT_FALSE(takes("path: [{key: user}, {key: plan}], value: {string_match: {exact: tin}}"));
  EXPECT_TRUE(takes("path: [{key: user}, {key: plan}], value: {string_match: {exact: tin}}, invert: true"));
  EXPECT_TRUE(takes("path: [{key: score}], value: {double_match: {range: {start: 7, end: 8}}}"));
  EXPECT_FALSE(takes("path: [{key: score}], value: {double_match: {range: {start: 1, end: 7.5}}}"));
  EXPECT_TRUE(takes("path: [{key: score}], value: {present_match: true}"));
  EXPECT_FALSE(takes("path: [{key: nothing}], value: {present_match: true}"));
}

TEST(TlsMatch, AsksForTheClientsCertificate) {
  auto loop = EventLoop::Make();
  const auto takes = [&](const std::string& matcher, std::shared_ptr<const TlsFacts> tls) {
    ConnectionFacts facts;
    if (tls != nullptr) facts.Detail([&](ConnectionDetails& known) { known.tls = tls; });
    Exchange exchange(*loop, facts);
    return Takes("tls_context: {" + matcher + "}", {}, 0, &exchange);
  };
  auto none = std::make_shared<TlsFacts>();
  auto unchecked = std::make_shared<TlsFacts>();
  unchecked->peer_chain.emplace_back();
  auto good = std::make_shared<TlsFacts>(*unchecked);
  good->peer_validated = true;
  EXPECT_TRUE(takes("presented: true", unchecked));
  EXPECT_FALSE(takes("presented: true", none));
  EXPECT_FALSE(takes("presented: true", nullptr));
  EXPECT_TRUE(takes("presented: false", none));
  EXPECT_TRUE(takes("presented: false", nullptr));
  EXPECT_FALSE(takes("presented: false", good));
  EXPECT_TRUE(takes("validated: true", good));
  EXPECT_FALSE(takes("validated: true", unchecked));
  EXPECT_FALSE(takes("validated: true", nullptr));
  EXPECT_TRUE(takes("presented: true, validated: false", unchecked));
  EXPECT_FALSE(takes("presented: true, validated: false", good));
  EXPECT_TRUE(takes("", nullptr));
}

TEST(HeaderMatch, OneValueOfARepeatedHeaderIsEnough) {
  const Fields repeated = {{"x-a", "one"}, {"x-a", "two"}};
  EXPECT_TRUE(HeaderTakes(", string_match: {exact: two}", repeated));
  EXPECT_FALSE(HeaderTakes(", string_match: {exact: 'one,two'}", repeated));
}

TEST(FractionMatch, TakesItsShareAndTheRuntimesWhereThatHasOne) {
  auto share = [](const std::string& fraction) {
    TextTable table = TextTable::WithRoutes("{match: {prefix: /, runtime_fraction: {" + fraction +
                                            "}}, route: {cluster: a}}");
    int taken = 0;
    for (uint64_t random = 0; random < 10'000; ++random) taken += table.Target({}, random) == "a";
    return taken;
  };
  EXPECT_EQ(share("default_value: {numerator: 25}"), 2500);
  EXPECT_EQ(share("default_value: {numerator: 25, denominator: TEN_THOUSAND}"), 25);
  EXPECT_EQ(share("default_value: {numerator: 0}"), 0);
  EXPECT_EQ(share("default_value: {numerator: 100}"), 10'000);
  // Half of each million, so all of the first ten thousand.
  EXPECT_EQ(share("default_value: {numerator: 0}, runtime_key: route.half"), 10'000);
  EXPECT_EQ(share("default_value: {numerator: 25}, runtime_key: route.unknown"), 2500);
}

}  // namespace
}  // namespace narthex
