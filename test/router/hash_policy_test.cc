#include "source/router/hash_policy.h"

#include <bit>
#include <string>

#include "gtest/gtest.h"
#include "source/event/event_loop.h"
#include "source/http/exchange.h"
#include "source/upstream/balancer/hashes.h"
#include "test/router/text_table.h"

namespace narthex {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

class HashPolicyTest : public ::testing::Test {
 protected:
  HashPolicyTest() {
    facts_.remote = *Address::Ip("192.0.2.1", 4321);
    facts_.local = *Address::Ip("192.0.2.9", 80);
  }

  // What the route with these policies, in YAML, makes of a request.
  RequestHash HashOf(const std::string& policies, const Fields& fields) {
    const TextTable table = TextTable::WithRoutes(
        "{match: {prefix: /}, name: r, route: {cluster: a, hash_policy: [" + policies + "]}}");
    EXPECT_NE(table.table(), nullptr) << table.findings();
    Exchange exchange(*loop_, facts_);
    exchange.client = *Address::Ip("198.51.100.7", 0);
    exchange.request_headers = RequestHeaders(fields);
    Request request(Body(), exchange);
    const CompiledRoute* route = table.table()->Match({exchange.request_headers, &exchange, 0});
    return route->forward->hash_policies->HashOf(request);
  }

  const std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
};

TEST_F(HashPolicyTest, GoesByAHeader) {
  EXPECT_EQ(HashOf("{header: {header_name: X-User}}", {{"x-user", "foo"}}).value, XxHash64("foo"));
  EXPECT_EQ(HashOf("{header: {header_name: x-user}}", {}).value, std::nullopt);
  EXPECT_EQ(HashOf("{header: {header_name: ':path'}}", {{":path", "/a?b"}}).value, XxHash64("/a?b"));
  EXPECT_EQ(HashOf("{header: {header_name: x-user, regex_rewrite: {pattern: {regex: '^f(.*)$'}, "
                   "substitution: '\\1'}}}",
                   {{"x-user", "foo"}})
                .value,
            XxHash64("oo"));
}

TEST_F(HashPolicyTest, TheOrderOfARepeatedHeaderDoesNotMatter) {
  const char* policy = "{header: {header_name: x-user}}";
  const auto one = HashOf(policy, {{"x-user", "b"}, {"x-user", "a"}}).value;
  EXPECT_EQ(one, XxHash64("b", XxHash64("a")));
  EXPECT_EQ(HashOf(policy, {{"x-user", "a"}, {"x-user", "b"}}).value, one);
}

TEST_F(HashPolicyTest, GoesByACookieAndMakesOne) {
  EXPECT_EQ(HashOf("{cookie: {name: sid}}", {{"cookie", "a=1; sid=foo"}}).value, XxHash64("foo"));
  EXPECT_EQ(HashOf("{cookie: {name: sid}}", {{"cookie", "a=1"}}).value, std::nullopt);
  const RequestHash made = HashOf(
      "{cookie: {name: sid, ttl: 60s, path: /p, attributes: [{name: SameSite, value: Lax}, {name: Secure}]}}",
      {});
  ASSERT_EQ(made.set_cookies.size(), 1u);
  const std::string& cookie = made.set_cookies[0];
  const std::string value = cookie.substr(5, 16);
  EXPECT_EQ(cookie, "sid=\"" + value + "\"; Max-Age=60; Path=/p; SameSite=Lax; Secure; HttpOnly");
  EXPECT_EQ(made.value, XxHash64(value));
  // The client brings it from now on, and is sent to the same host.
  const RequestHash brought =
      HashOf("{cookie: {name: sid, ttl: 60s}}", {{"cookie", "sid=\"" + value + "\""}});
  EXPECT_EQ(brought.value, made.value);
  EXPECT_TRUE(brought.set_cookies.empty());
  EXPECT_EQ(HashOf("{cookie: {name: sid, ttl: 0s}}", {}).set_cookies[0], "sid=\"" + value + "\"; HttpOnly");
}

TEST_F(HashPolicyTest, GoesByTheClientAndTheQuery) {
  EXPECT_EQ(HashOf("{connection_properties: {source_ip: true}}", {}).value, XxHash64("198.51.100.7"));
  const char* query = "{query_parameter: {name: k}}";
  EXPECT_EQ(HashOf(query, {{":path", "/?a=1&k=foo&k=bar"}}).value, XxHash64("foo"));
  EXPECT_EQ(HashOf(query, {{":path", "/?k"}}).value, XxHash64(""));
  EXPECT_EQ(HashOf(query, {{":path", "/k=foo"}}).value, std::nullopt);
}

TEST_F(HashPolicyTest, PutsPoliciesTogetherAndEndsWithATerminalOne) {
  const Fields fields = {{"x-a", "foo"}, {"x-b", "bar"}};
  const auto both = HashOf("{header: {header_name: x-a}}, {header: {header_name: x-b}}", fields).value;
  EXPECT_EQ(both, std::rotl(XxHash64("foo"), 1) ^ XxHash64("bar"));
  EXPECT_EQ(
      HashOf("{header: {header_name: x-a}, terminal: true}, {header: {header_name: x-b}}", fields).value,
      XxHash64("foo"));
  EXPECT_EQ(
      HashOf("{header: {header_name: x-c}, terminal: true}, {header: {header_name: x-b}}", fields).value,
      XxHash64("bar"));
  EXPECT_EQ(HashOf("{header: {header_name: x-a}}, {header: {header_name: x-c}, terminal: true}, {header: "
                   "{header_name: x-b}}",
                   fields)
                .value,
            XxHash64("foo"));
}

TEST_F(HashPolicyTest, RefusesWhatCannotBe) {
  const auto findings = [](const std::string& policy) {
    return TextTable::WithRoutes("{match: {prefix: /}, route: {cluster: a, hash_policy: [" + policy + "]}}")
        .findings();
  };
  EXPECT_NE(findings("{}").find("hash_policy"), std::string::npos);
  EXPECT_NE(findings("{filter_state: {key: k}}").find("not supported"), std::string::npos);
  EXPECT_NE(findings("{cookie: {name: 'a;b', ttl: 1s}}").find("must not have semicolons"), std::string::npos);
  EXPECT_NE(findings("{cookie: {name: a, path: /}}").find("has no effect without ttl"), std::string::npos);
  EXPECT_NE(findings("{connection_properties: {}}").find("has no effect without source_ip"),
            std::string::npos);
}

}  // namespace
}  // namespace narthex
