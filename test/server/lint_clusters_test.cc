// Clusters that do not exist, have no host, or are used by nothing.
#include <cstdlib>
#include <fstream>

#include "test/server/lint_text.h"

namespace narthex {
namespace {

const std::string kRoute = "{match: {prefix: /}, route: {cluster: c}}";

TEST(LintClusters, NamesThoseThatNothingUses) {
  EXPECT_EQ(LintRoutesOf(kRoute, ClusterWith("c") + ",\n" + ClusterWith("spare")),
            "6:1: warning: static_resources.clusters[1]: cluster \"spare\" is used by nothing\n");
}

TEST(LintClusters, OneChosenByTheRequestMayBeAny) {
  EXPECT_EQ(LintRoutesOf("{match: {prefix: /}, route: {cluster_header: x-cluster}}",
                         ClusterWith("c") + ",\n" + ClusterWith("spare")),
            "");
}

TEST(LintClusters, AFilterUsesThoseThatItNames) {
  EXPECT_EQ(LintOf(GatewayWith("route_config: {virtual_hosts: [{name: v, domains: ['*'], routes: [" + kRoute +
                                   "]}]},",
                               ClusterWith("c") + ", " + ClusterWith("checked")))
                    .find("\"checked\" is used by nothing") != std::string::npos,
            true);
  std::string yaml =
      GatewayWith("route_config: {virtual_hosts: [{name: v, domains: ['*'], routes: [" + kRoute + "]}]},",
                  ClusterWith("c") + ", " + ClusterWith("checked"));
  const std::string filters = "http_filters: [";
  yaml.insert(yaml.find(filters) + filters.size(),
              "{name: health, typed_config: {'@type': "
              "type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck, "
              "pass_through_mode: false, cluster_min_healthy_percentages: {checked: {value: 50}}, headers: "
              "[{name: ':path', string_match: {exact: /health}}]}}, ");
  EXPECT_EQ(LintOf(yaml), "");
}

TEST(LintClusters, NamesThoseWithoutAHost) {
  EXPECT_EQ(
      LintRoutesOf(kRoute,
                   "{name: c, type: STATIC, connect_timeout: 1s,\nload_assignment: {cluster_name: c}}"),
      "6:1: warning: static_resources.clusters[0].load_assignment: cluster \"c\" has no host: every request "
      "to it fails\n");
}

TEST(LintClusters, NamesThoseThatARouteFileInvents) {
  const std::string file = std::string(std::getenv("TEST_TMPDIR")) + "/routes.yaml";
  std::ofstream(file)
      << "resources:\n- '@type': type.googleapis.com/envoy.config.route.v3.RouteConfiguration\n"
         "  name: r\n  virtual_hosts:\n  - name: v\n    domains: ['*']\n    routes:\n"
         "    - {match: {prefix: /a}, route: {cluster: c}}\n"
         "    - match: {prefix: /a/b}\n      route:\n        cluster: gone\n";
  const std::string found = LintOf(GatewayWith(
      "rds: {route_config_name: r, config_source: {path_config_source: {path: '" + file + "'}}},"));
  EXPECT_EQ(found,
            file +
                ":9:7: warning: resources[0].virtual_hosts[0].routes[1]: no request reaches this route: "
                "the one at " +
                file + ":8:7 takes them all, such as GET http://any.example/a/b\n" + file +
                ":11:9: warning: resources[0].virtual_hosts[0].routes[1].route.cluster: no cluster is "
                "called \"gone\": every request to it fails\n");
}

}  // namespace
}  // namespace narthex
