// Routes that no request reaches.
#include "test/server/lint_text.h"

namespace narthex {
namespace {

std::string To(const std::string& match) {
  return "{match: " + match + ", route: {cluster: c}}";
}

// What is said of the second of two routes.
std::string Second(const std::string& first, const std::string& second) {
  return LintRoutesOf(To(first) + ",\n" + To(second));
}

std::string Behind(const std::string& witness) {
  return "4:1: warning: HCM.route_config.virtual_hosts[0].routes[1]: no request reaches this route: the one "
         "at "
         "3:1 takes them all" +
         (witness.empty() ? "" : ", such as " + witness) + "\n";
}

TEST(LintReach, KnowsWhatEachKindOfPathTakes) {
  EXPECT_EQ(Second("{prefix: /}", "{prefix: /x}"), Behind("GET http://a.test/x"));
  EXPECT_EQ(Second("{prefix: /a}", "{path: /a/b}"), Behind("GET http://a.test/a/b"));
  EXPECT_EQ(Second("{path: /a}", "{path: /a}"), Behind("GET http://a.test/a"));
  EXPECT_EQ(Second("{prefix: /a}", "{path_separated_prefix: /a}"), Behind("GET http://a.test/a"));
  EXPECT_EQ(Second("{path_separated_prefix: /a}", "{path: /a/b}"), Behind("GET http://a.test/a/b"));
  EXPECT_EQ(Second("{path_separated_prefix: /a}", "{path: /a}"), Behind("GET http://a.test/a"));
  EXPECT_EQ(Second("{prefix: /a, case_sensitive: false}", "{prefix: /A/b}"), Behind("GET http://a.test/A/b"));
}

TEST(LintReach, KnowsWhatExpressionsTake) {
  EXPECT_EQ(Second("{safe_regex: {regex: '/a.*'}}", "{safe_regex: {regex: '/a.*'}}"),
            Behind("GET http://a.test/a"));
  EXPECT_EQ(Second("{safe_regex: {regex: '.*'}}", "{prefix: /x}"), Behind("GET http://a.test/x"));
  EXPECT_EQ(Second("{safe_regex: {regex: '/i/[0-9]+'}}", "{path: /i/12}"), Behind("GET http://a.test/i/12"));
  EXPECT_EQ(Second("{prefix: /a}", "{safe_regex: {regex: '/a/[0-9]'}}"), Behind("GET http://a.test/a/1"));
}

TEST(LintReach, KnowsThatFewerConditionsTakeMore) {
  EXPECT_EQ(
      Second(
          "{prefix: /, headers: [{name: x, string_match: {exact: 'a'}}]}",
          "{prefix: /b, headers: [{name: y, present_match: true}, {name: x, string_match: {exact: 'a'}}]}"),
      Behind("GET http://a.test/b -H 'y: 1' -H 'x: a'"));
  EXPECT_EQ(Second("{prefix: /}",
                   "{prefix: /b, query_parameters: [{name: q, string_match: {prefix: p}}], "
                   "cookies: [{name: k, string_match: {exact: v}}]}"),
            Behind("GET http://a.test/b?q=p -H 'cookie: k=v'"));
}

TEST(LintReach, ShowsNoRequestWhereItCannotMakeOneUp) {
  EXPECT_EQ(
      Second("{prefix: /}", "{prefix: /b, headers: [{name: x, string_match: {safe_regex: {regex: 'a+b'}}}]}"),
      Behind(""));
}

TEST(LintReach, KnowsThatOnlyConnectTakesConnect) {
  const std::string allow = "route: {cluster: c, upgrade_configs: [{upgrade_type: CONNECT}]}}";
  const std::string connect = "{match: {connect_matcher: {}}, " + allow;
  const auto lint = [](const std::string& domain, const std::string& routes) {
    return LintOf(GatewayWith("route_config: {virtual_hosts: [{name: v, domains: ['" + domain +
                              "'], routes: [\n" + routes + "]}]},"));
  };
  EXPECT_EQ(lint("*", To("{prefix: ''}") + ",\n" + connect + ",\n" + To("{prefix: /a}")).find("routes[1]"),
            std::string::npos);
  EXPECT_EQ(lint("*", connect + ",\n" + connect), Behind("CONNECT any.example:443"));
  EXPECT_EQ(lint("a.test:8443", connect + ",\n" + connect), Behind("CONNECT a.test:8443"));
  EXPECT_NE(lint("a.test", connect).find("no domain has one"), std::string::npos);
  EXPECT_EQ(lint("a.test:443", connect), "");
  EXPECT_NE(lint("*", To("{connect_matcher: {}}")).find("every request is answered with 403"),
            std::string::npos);
  EXPECT_NE(lint("*", "{match: {prefix: /}, " + allow).find("only a route with connect_matcher"),
            std::string::npos);
}

TEST(LintReach, LeavesReachableRoutesAlone) {
  EXPECT_EQ(Second("{prefix: /a}", "{prefix: /b}"), "");
  EXPECT_EQ(Second("{prefix: /a/b}", "{prefix: /a}"), "");
  EXPECT_EQ(Second("{path: /a}", "{prefix: /a}"), "");
  EXPECT_EQ(Second("{path_separated_prefix: /a}", "{path: /ab}"), "");
  EXPECT_EQ(Second("{path_separated_prefix: /a}", "{prefix: /a}"), "");
  EXPECT_EQ(Second("{prefix: /a}", "{prefix: /A}"), "");
  EXPECT_EQ(Second("{prefix: /A}", "{prefix: /a, case_sensitive: false}"), "");
  EXPECT_EQ(Second("{prefix: /, headers: [{name: x, present_match: true}]}", "{prefix: /a}"), "");
  EXPECT_EQ(Second("{prefix: /a}", "{safe_regex: {regex: '/.*'}}"), "");
  EXPECT_EQ(Second("{path_separated_prefix: /a}", "{safe_regex: {regex: '/a.*'}}"), "");
  EXPECT_EQ(Second("{safe_regex: {regex: '/i/[0-9]+'}}", "{path: /i/x}"), "");
  EXPECT_EQ(Second("{prefix: /, runtime_fraction: {default_value: {numerator: 50}}}", "{prefix: /a}"), "");
}

TEST(LintReach, KnowsPathsThatRequestsNeverHave) {
  EXPECT_EQ(
      LintRoutesOf(To("{prefix: api}")),
      "3:10: warning: HCM.route_config.virtual_hosts[0].routes[0].match.prefix: no request matches: every "
      "path begins with \"/\"; did you mean \"/api\"?\n");
  EXPECT_EQ(
      LintRoutesOf(To("{path: '/a?b=1'}")),
      "3:10: warning: HCM.route_config.virtual_hosts[0].routes[0].match.path: no request matches: paths are "
      "compared without what follows \"?\"\n");
  EXPECT_EQ(LintRoutesOf(To("{prefix: /, runtime_fraction: {default_value: {numerator: 0}}}")),
            "3:21: warning: HCM.route_config.virtual_hosts[0].routes[0].match.runtime_fraction: no request "
            "matches: the share is 0\n");
}

TEST(LintReach, KnowsHostsWithoutRoutesAndDomainsThatMatchNothing) {
  EXPECT_EQ(
      LintOf(GatewayWith("route_config: {ignore_port_in_host_matching: true, virtual_hosts: [\n"
                         "{name: v, domains: ['a.test:80'], routes: [" +
                         To("{prefix: /}") + "]},\n{name: w, domains: [b.test]}]},")),
      "3:21: warning: HCM.route_config.virtual_hosts[0].domains[0]: no request matches: "
      "ignore_port_in_host_matching takes the port from each host; did you mean \"a.test\"?\n"
      "4:1: warning: HCM.route_config.virtual_hosts[1]: has no routes: each of its requests is answered "
      "with 404\n");
}

}  // namespace
}  // namespace narthex
