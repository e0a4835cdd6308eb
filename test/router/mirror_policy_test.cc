#include "source/router/mirror_policy.h"

#include <string>

#include "gtest/gtest.h"
#include "test/router/text_table.h"

namespace narthex {
namespace {

std::string Mirrored(const std::string& policies) {
  return "{match: {prefix: /}, route: {cluster: c, request_mirror_policies: [" + policies + "]}}";
}

// The policies of the only route.
const MirrorPolicies& Compiled(const TextTable& table) {
  const HeaderMap headers = RequestHeaders({});
  return *table.table()->Match({headers})->mirrors();
}

TEST(MirrorPolicy, CopiesAllRequestsUnlessItSaysOtherwise) {
  const TextTable table = TextTable::WithRoutes(Mirrored(
      "{cluster: m}, {cluster: m, runtime_fraction: {default_value: {numerator: 5, denominator: "
      "TEN_THOUSAND}}}, {cluster: m, runtime_fraction: {default_value: {}, runtime_key: route.half}}"));
  const MirrorPolicies& policies = Compiled(table);
  ASSERT_EQ(policies.size(), 3u);
  EXPECT_TRUE(policies[0].share.Matches(99));
  EXPECT_TRUE(policies[1].share.Matches(4));
  EXPECT_FALSE(policies[1].share.Matches(5));
  EXPECT_TRUE(policies[2].share.Matches(499'999));
  EXPECT_FALSE(policies[2].share.Matches(500'000));
}

TEST(MirrorPolicy, RoutesThatSayTheSameShareTheirs) {
  const TextTable table = TextTable::WithRoutes(
      "{match: {path: /a}, route: {cluster: a, request_mirror_policies: [{cluster: m}]}}, "
      "{match: {path: /b}, route: {cluster: b, request_mirror_policies: [{cluster: m}]}}");
  const HeaderMap a = RequestHeaders({{":path", "/a"}});
  const HeaderMap b = RequestHeaders({{":path", "/b"}});
  EXPECT_EQ(table.table()->Match({a})->mirrors(), table.table()->Match({b})->mirrors());
}

TEST(MirrorPolicy, ItsClusterMustExist) {
  const TextTable route = TextTable::WithRoutes(Mirrored("{cluster: missing}"));
  EXPECT_NE(route.findings().find(
                "routes[0].route.request_mirror_policies[0].cluster: no cluster is called \"missing\""),
            std::string::npos)
      << route.findings();
  const TextTable table("request_mirror_policies: [{cluster: missing}]\nvirtual_hosts: []");
  EXPECT_NE(table.findings().find("request_mirror_policies[0].cluster: no cluster is called \"missing\""),
            std::string::npos)
      << table.findings();
  const TextTable off("validate_clusters: false\nrequest_mirror_policies: [{cluster: missing}]\n");
  EXPECT_NE(off.table(), nullptr) << off.findings();
}

TEST(MirrorPolicy, IsExplained) {
  const TextTable table = TextTable::WithRoutes(
      Mirrored("{cluster: m, runtime_fraction: {default_value: {numerator: 5}}}, {cluster_header: X-Copy}"));
  const HeaderMap headers = RequestHeaders({});
  const std::vector<std::string> lines = table.table()->ExplainMatch({headers});
  EXPECT_NE(
      lines.back().find("cluster c; copied to cluster m, 5 of 100; copied to the cluster that the request "
                        "header x-copy names"),
      std::string::npos)
      << lines.back();
}

}  // namespace
}  // namespace narthex
