#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/router_fixture.h"

// Where redirects lead, and what is counted by route.
namespace narthex::testing {
namespace {

uint64_t Stat(const std::string& name) {
  return StatsStore::Process().ValueOf(name);
}

TEST(RouterAnswer, ARedirectNeverGoesOnWithTheHostsName) {
  const auto redirect = [](const std::string& action, const std::string& path, const std::string& more = "") {
    return Ask({OneRoute("redirect: {" + action + "}"), "", {{":path", path}, {"x-p", more}}});
  };
  const std::string rest = "regex_rewrite: {pattern: {regex: '^/old/(.*)$'}, substitution: '\\1'}";
  for (const RouterOutcome& outcome :
       {redirect(rest, "/old/.evil.test/x"), redirect(rest, "/old/@evil.test/"), redirect(rest, "/old/:8/x"),
        redirect("path_rewrite: '%REQ(x-p)%'", "/", ".evil.test"),
        redirect("path_rewrite: '%REQ(x-p)%'", "/", "/a b"), redirect("path_redirect: evil", "/"),
        redirect("prefix_rewrite: evil", "/x")}) {
    EXPECT_EQ(outcome.status, 500);
    EXPECT_EQ(outcome.detail, "redirect_location_invalid");
    EXPECT_EQ(outcome.Get("location"), "");
  }
  EXPECT_EQ(redirect(rest, "/old//x?q").Get("location"), "http://a.test/x?q");
  EXPECT_EQ(redirect(rest, "/old/").Get("location"), "http://a.test");
  EXPECT_EQ(redirect("path_rewrite: '%REQ(x-p)%'", "/", "/to?q").Get("location"), "http://a.test/to?q");
}

TEST(RouterAnswer, ARedirectOfARequestWithoutAHostHasNoPathInItsPlace) {
  for (const char* action : {"redirect: {https_redirect: true}", "redirect: {path_redirect: //evil.test}"}) {
    RouterOutcome outcome = Ask({OneRoute(action), "", {{":authority", ""}, {":path", "//evil.test/"}}});
    EXPECT_EQ(outcome.status, 500);
    EXPECT_EQ(outcome.Get("location"), "");
  }
  RouterOutcome named = Ask({OneRoute("redirect: {host_redirect: b.test}"), "", {{":authority", ""}}});
  EXPECT_EQ(named.Get("location"), "http://b.test/");
}

TEST(RouterStats, CountsARouteWithAPrefix) {
  const auto route = [](const std::string& action) {
    return "virtual_hosts: [{name: shop, domains: ['*'], routes: [{match: {prefix: /}, stat_prefix: cart, " +
           action + "}]}]";
  };
  const std::string prefix = "vhost.shop.route.cart.upstream_rq_";
  UpstreamPlan plan;
  Ask({route("route: {cluster: up}")}, plan);
  plan.status = 404;
  Ask({route("route: {weighted_clusters: {clusters: [{name: up, weight: 1}]}}")}, plan);
  Ask({route("direct_response: {status: 418}")});
  EXPECT_EQ(Stat(prefix + "completed"), 2u);
  EXPECT_EQ(Stat(prefix + "200"), 1u);
  EXPECT_EQ(Stat(prefix + "4xx"), 1u);
  EXPECT_EQ(Stat(prefix + "404"), 1u);
  EXPECT_EQ(Stat(prefix + "418"), 0u);
  plan.delay = std::chrono::milliseconds(500);
  Ask({route("route: {cluster: up, timeout: 0.1s}")}, plan);
  plan.delay = std::chrono::milliseconds(0);
  plan.body_delay = std::chrono::milliseconds(500);
  plan.body = "late";
  Ask({route("route: {cluster: up, timeout: 0.1s}")}, plan);
  EXPECT_EQ(Stat(prefix + "timeout"), 2u);
  EXPECT_EQ(Stat(prefix + "504"), 1u);
}

}  // namespace
}  // namespace narthex::testing
