// What a route's action says and cannot have been meant.
#include "test/server/lint_text.h"

namespace narthex {
namespace {

const std::string kAction = ": warning: HCM.route_config.virtual_hosts[0].routes[0].";

std::string Action(const std::string& action, const std::string& match = "{prefix: /}") {
  return LintRoutesOf("{match: " + match + ",\nroute: {cluster: c,\n" + action + "}}");
}

TEST(LintRoute, NamesTimeoutsThatNeverStrike) {
  EXPECT_EQ(
      Action("timeout: 5s,\nidle_timeout: 60s"),
      "6:1" + kAction +
          "route.idle_timeout: never strikes: the route's timeout is shorter and ends the exchange first\n");
  EXPECT_EQ(Action("timeout: 0.5s"),
            "5:1" + kAction +
                "route.timeout: is no longer than the connect_timeout of cluster \"c\" at "
                "7:25, which therefore never strikes\n");
  EXPECT_EQ(Action("timeout: 5s, max_stream_duration: {max_stream_duration: 3s}"),
            "5:1" + kAction + "route.timeout: is not used: max_stream_duration takes its place\n");
}

TEST(LintRoute, LeavesTimeoutsThatStrikeAlone) {
  EXPECT_EQ(Action("timeout: 5s, idle_timeout: 1s"), "");
  EXPECT_EQ(Action("timeout: 0s, idle_timeout: 60s"), "");
  EXPECT_EQ(Action("timeout: 2s"), "");
}

TEST(LintRoute, NamesRewritesThatLoseOrDoubleASlash) {
  const std::string advice = ": the prefix and its rewrite should both end in \"/\", or neither\n";
  EXPECT_EQ(Action("prefix_rewrite: /", "{prefix: /api}"),
            "5:1" + kAction + "route.prefix_rewrite: makes //x of /api/x" + advice);
  EXPECT_EQ(Action("prefix_rewrite: /v2", "{prefix: /api/}"),
            "5:1" + kAction + "route.prefix_rewrite: makes /v2x of /api/x" + advice);
  EXPECT_EQ(LintRoutesOf("{match: {path_separated_prefix: /a}, redirect: {\nprefix_rewrite: /b/}}",
                         ClusterWith("c"))
                .substr(0, 100),
            ("4:1" + kAction + "redirect.prefix_rewrite: makes /b//x of /a/x" + advice).substr(0, 100));
  EXPECT_EQ(Action("prefix_rewrite: /v2", "{prefix: /api}"), "");
  EXPECT_EQ(Action("prefix_rewrite: /v2/", "{prefix: /api/}"), "");
}

TEST(LintRoute, NamesRewritesThatLeaveNoPath) {
  const std::string rest = "regex_rewrite: {pattern: {regex: '^/old/(.*)$'}, substitution: '\\1'}";
  const std::string found =
      "regex_rewrite: makes x of /old/x, without a slash in front: such a request is answered with 500\n";
  EXPECT_EQ(Action(rest, "{prefix: /old/}"), "5:1" + kAction + "route." + found);
  const auto redirect = [](const std::string& match, const std::string& action) {
    return LintRoutesOf("{match: " + match + ",\nredirect: {\n" + action + "}}");
  };
  EXPECT_TRUE(redirect("{prefix: /old/}", rest).starts_with("5:1" + kAction + "redirect." + found));
  EXPECT_EQ(
      redirect("{prefix: /old/}", "regex_rewrite: {pattern: {regex: '^/old/(.*)$'}, substitution: '/\\1'}")
          .find("slash"),
      std::string::npos);
  EXPECT_TRUE(redirect("{prefix: /}", "path_rewrite: '%REQ(x-p)%'")
                  .starts_with("5:1" + kAction +
                               "redirect.path_rewrite: need not begin with a slash: a request for which it "
                               "does not is answered with 500\n"));
  for (const char* fine : {"/%REQ(x-p)%", "%REQ(:PATH)%", "%PATH(NQ)%/x"}) {
    EXPECT_EQ(redirect("{prefix: /}", std::string("path_rewrite: '") + fine + "'").find("slash"),
              std::string::npos)
        << fine;
  }
  EXPECT_TRUE(redirect("{prefix: /}", "path_redirect: x")
                  .starts_with("5:1" + kAction +
                               "redirect.path_redirect: does not begin with a slash: every request is "
                               "answered with 500\n"));
}

TEST(LintRoute, NamesMatchesOfMetadataThatNothingSets) {
  const auto match = [](const std::string& more) {
    return Action("timeout: 5s",
                  "{prefix: /, dynamic_metadata: [\n{filter: a, path: [{key: b}], value: "
                  "{present_match: true}" +
                      more + "}]}");
  };
  const std::string why = ": only filters set dynamic metadata, and they run after the route is chosen\n";
  EXPECT_EQ(match(""), "4:1" + kAction + "match.dynamic_metadata[0]: no request matches" + why);
  EXPECT_EQ(match(", invert: true"),
            "4:1" + kAction + "match.dynamic_metadata[0]: every request matches" + why);
}

TEST(LintRoute, NamesWeightsOfZero) {
  EXPECT_EQ(
      LintRoutesOf("{match: {prefix: /}, route: {weighted_clusters: {clusters: [\n{name: c, weight: 1},\n"
                   "{name: c, weight: 0}]}}}"),
      "5:11" + kAction + "route.weighted_clusters.clusters[1].weight: gets no request: its weight is 0\n");
}

TEST(LintRoute, NamesRequestTimeoutsThatIncludeOneAnother) {
  const std::string routes =
      "route_config: {virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /}, route: "
      "{cluster: "
      "c}}]}]},";
  EXPECT_EQ(
      LintOf(GatewayWith("request_timeout: 5s,\nrequest_headers_timeout: 5s,\n" + routes)),
      "3:1: warning: HCM.request_headers_timeout: never strikes: request_timeout is no longer and includes "
      "the headers\n");
}

}  // namespace
}  // namespace narthex
