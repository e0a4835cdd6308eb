#include "source/router/route_table.h"

#include <array>
#include <string>

#include "gtest/gtest.h"
#include "source/base/ascii.h"
#include "test/router/text_table.h"

namespace narthex {
namespace {

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string HostTarget(const TextTable& table, const std::string& host) {
  return table.Target({{":authority", host}});
}

std::string VirtualHost(const std::string& name, const std::string& domains, const std::string& more = "") {
  return "- {name: " + name + ", domains: [" + domains + "]" + more +
         ", routes: [{match: {prefix: /}, route: {cluster: " + name + "}}]}\n";
}

TEST(RouteTable, TakesTheFirstRouteThatMatchesInConfiguredOrder) {
  TextTable table = TextTable::WithRoutes(
      "{match: {path: /a/b}, route: {cluster: exact}}, {match: {prefix: /a/}, route: {cluster: wide}},"
      "{match: {prefix: /a/b/c}, route: {cluster: never}}, {match: {safe_regex: {regex: '/d.*'}}, route: "
      "{cluster: regex}}, {match: {prefix: /d}, route: {cluster: never}}, {match: {path_separated_prefix: "
      "/s}, route: {cluster: segments}}");
  EXPECT_EQ(table.PathTarget("/a/b"), "exact");
  EXPECT_EQ(table.PathTarget("/a/b?q"), "exact");
  EXPECT_EQ(table.PathTarget("/a/b/c"), "wide");
  EXPECT_EQ(table.PathTarget("/d/x"), "regex");
  EXPECT_EQ(table.PathTarget("/s"), "segments");
  EXPECT_EQ(table.PathTarget("/s/x?y"), "segments");
  EXPECT_EQ(table.PathTarget("/sx"), "none");
  EXPECT_EQ(table.PathTarget("/"), "none");
}

TEST(RouteTable, MatchesPathsWithoutQueryAndFragment) {
  TextTable table = TextTable::WithRoutes("{match: {path: /a}, route: {cluster: a}}");
  EXPECT_EQ(table.PathTarget("/a#fragment"), "a");
  EXPECT_EQ(table.PathTarget("/a?q#fragment"), "a");
  EXPECT_EQ(table.PathTarget("/A"), "none");
}

TEST(RouteTable, IgnoresCaseWhereTheRouteSaysSo) {
  TextTable table = TextTable::WithRoutes(
      "{match: {path: /Exact, case_sensitive: false}, route: {cluster: exact}},"
      "{match: {prefix: /Pre, case_sensitive: false}, route: {cluster: prefix}},"
      "{match: {path_separated_prefix: /Seg, case_sensitive: false}, route: {cluster: segments}}");
  EXPECT_EQ(table.PathTarget("/eXACT"), "exact");
  EXPECT_EQ(table.PathTarget("/PREfix"), "prefix");
  EXPECT_EQ(table.PathTarget("/seg/X"), "segments");
  EXPECT_EQ(table.PathTarget("/segs"), "none");
}

TEST(RouteTable, ChoosesTheVirtualHostByTheBestDomain) {
  TextTable table("virtual_hosts:\n" + VirtualHost("any", "'*'") + VirtualHost("suffix", "'*.example.org'") +
                  VirtualHost("longer", "'*.shop.example.org'") + VirtualHost("exact", "A.Example.org") +
                  VirtualHost("prefix", "'a.*'") + VirtualHost("port", "'b.test:8080'"));
  EXPECT_EQ(HostTarget(table, "a.example.ORG"), "exact");
  EXPECT_EQ(HostTarget(table, "x.shop.example.org"), "longer");
  EXPECT_EQ(HostTarget(table, "shop.example.org"), "suffix");
  EXPECT_EQ(HostTarget(table, "a.anywhere"), "prefix");
  EXPECT_EQ(HostTarget(table, "b.test:8080"), "port");
  EXPECT_EQ(HostTarget(table, "b.test"), "any");
  // The port is part of the host unless the table says otherwise.
  EXPECT_EQ(HostTarget(table, "a.example.org:80"), "prefix");
}

TEST(RouteTable, IgnoresThePortOfTheHostWhereTheTableSaysSo) {
  TextTable table("ignore_port_in_host_matching: true\nvirtual_hosts:\n" +
                  VirtualHost("v", "a.test, '[::1]'"));
  EXPECT_EQ(HostTarget(table, "a.test:8080"), "v");
  EXPECT_EQ(HostTarget(table, "[::1]:8080"), "v");
  EXPECT_EQ(HostTarget(table, "[::1]"), "v");
  EXPECT_EQ(HostTarget(table, "a.test:x"), "none");
}

TEST(RouteTable, NoRouteOfTheChosenHostMeansNoRoute) {
  TextTable table(
      "virtual_hosts:\n- {name: v, domains: [a.test], routes: [{match: {path: /x}, route: {cluster: x}}]}\n" +
      VirtualHost("any", "'*'"));
  EXPECT_EQ(table.PathTarget("/y"), "none");
}

TEST(RouteTable, SendsToTlsWhomTheVirtualHostRequiresIt) {
  TextTable all("virtual_hosts:\n" + VirtualHost("v", "'*'", ", require_tls: ALL"));
  EXPECT_EQ(all.PathTarget("/"), "redirect 301");
  EXPECT_EQ(all.Target({{":scheme", "https"}}), "v");
  EXPECT_EQ(all.Target({{"x-forwarded-proto", "https"}}), "v");
  EXPECT_EQ(all.Target({{"x-envoy-internal", "true"}}), "redirect 301");
  TextTable external("virtual_hosts:\n" + VirtualHost("v", "'*'", ", require_tls: EXTERNAL_ONLY"));
  EXPECT_EQ(external.PathTarget("/"), "redirect 301");
  EXPECT_EQ(external.Target({{"x-envoy-internal", "true"}}), "v");
}

TEST(RouteTable, SharesOutByWeight) {
  TextTable table = TextTable::WithRoutes(
      "{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: a, weight: 1}, {name: none, "
      "weight: "
      "0}, {name: c, weight: 3}]}}}");
  std::array<int, 2> taken{};
  for (uint64_t draw = 0; draw < 4000; ++draw) {
    std::string target = table.Target({}, draw << 32);
    ASSERT_TRUE(target == "a" || target == "c") << target;
    ++taken[target == "c"];
  }
  EXPECT_EQ(taken[0], 1000);
  EXPECT_EQ(taken[1], 3000);
}

TEST(RouteTable, TheSameRandomNumberOrHeaderAlwaysChoosesTheSameCluster) {
  TextTable table = TextTable::WithRoutes(
      "{match: {prefix: /}, route: {weighted_clusters: {header_name: X-Pick, clusters: [{name: a, weight: "
      "1}, "
      "{name: b, weight: 1}, {name: c, weight: 2}]}}}");
  for (uint64_t draw = 0; draw < 8; ++draw) {
    EXPECT_EQ(table.Target({}, draw << 32), table.Target({}, draw << 32));
    EXPECT_EQ(table.Target({{"x-pick", "1"}}, draw << 32), "b");
    EXPECT_EQ(table.Target({{"x-pick", "7"}}, draw << 32), "c");
    // No number: the random one decides.
    EXPECT_EQ(table.Target({{"x-pick", "one"}}, draw << 32), table.Target({}, draw << 32));
  }
}

TEST(RouteTable, TakesWeightsFromTheRuntime) {
  TextTable table = TextTable::WithRoutes(
      "{match: {prefix: /}, route: {weighted_clusters: {runtime_key_prefix: weights, clusters: [{name: a, "
      "weight: 1}, {name: b, weight: 1}]}}}");
  int b = 0;
  for (uint64_t draw = 0; draw < 400; ++draw) b += table.Target({}, draw << 32) == "b";
  EXPECT_EQ(b, 300);
}

TEST(RouteTable, ExplainsEveryRouteTriedWithTheFirstPredicateThatFailed) {
  TextTable table(
      "virtual_hosts:\n- name: other\n  domains: [b.test]\n- name: v\n  domains: ['*']\n  routes:\n"
      "  - {match: {path: /x}, route: {cluster: x}}\n"
      "  - {match: {prefix: /, headers: [{name: x-a, string_match: {exact: one}}]}, route: {cluster: y}}\n"
      "  - {name: rest, match: {prefix: /}, direct_response: {status: 410}}\n");
  HeaderMap headers = RequestHeaders({{"x-a", "two"}});
  std::string text;
  for (const std::string& line : table.table()->ExplainMatch({headers})) text += line + "\n";
  for (const char* part :
       {"virtual host \"other\": no: domains b.test", "virtual host \"v\": takes the host \"a.test\"",
        "routes.yaml:7:5: virtual_hosts[1].routes[0]: no: path \"/x\" does not match the path \"/\"",
        "header x-a exact \"one\": it is \"two\"",
        "\"rest\": takes the request (prefix \"/\"): direct response 410"}) {
    EXPECT_TRUE(Has(text, part)) << part << "\n" << text;
  }
}

struct Refused {
  const char* routes;
  const char* finding;
};

class RefusedRoutes : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRoutes, SaysWhereAndWhy) {
  TextTable table = TextTable::WithRoutes(GetParam().routes);
  EXPECT_EQ(table.table(), nullptr);
  EXPECT_TRUE(Has(table.findings(), GetParam().finding)) << table.findings();
}

INSTANTIATE_TEST_SUITE_P(
    RouteTable, RefusedRoutes,
    testing::Values(
        Refused{"{match: {prefix: /}, route: {cluster: missing1}}",
                "virtual_hosts[0].routes[0].route.cluster: no cluster is called \"missing1\""},
        Refused{"{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: missing2, weight: 1}]}}}",
                "clusters[0].name: no cluster is called \"missing2\""},
        Refused{"{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: a, weight: 0}]}}}",
                "the weights add up to 0"},
        Refused{"{match: {prefix: /}, route: {weighted_clusters: {clusters: [{weight: 1}]}}}",
                "clusters[0]: needs exactly one of name and cluster_header"},
        Refused{"{match: {safe_regex: {regex: '('}}, route: {cluster: a}}",
                "match.safe_regex.regex: is no valid RE2 expression"},
        Refused{"{match: {prefix: /, headers: [{name: a, string_match: {safe_regex: {regex: '['}}}]}, route: "
                "{cluster: a}}",
                "headers[0].string_match.safe_regex.regex: is no valid RE2 expression"},
        Refused{
            "{match: {prefix: /}, route: {cluster: a, prefix_rewrite: /b, regex_rewrite: {pattern: {regex: "
            "a}, substitution: b}}}",
            "regex_rewrite: can't be combined with prefix_rewrite"},
        Refused{"{match: {prefix: /}, route: {cluster: a, regex_rewrite: {pattern: {regex: a}, substitution: "
                "'\\2'}}}",
                "regex_rewrite.substitution"},
        Refused{"{match: {prefix: /}, route: {cluster: a, regex_rewrite: {pattern: {regex: a}, substitution: "
                "'b c'}}}",
                "regex_rewrite.substitution: must not have spaces or control characters"},
        Refused{
            "{match: {prefix: /}, redirect: {regex_rewrite: {pattern: {regex: a}, substitution: \"b\\tc\"}}}",
            "redirect.regex_rewrite.substitution: must not have spaces or control characters"},
        Refused{"{match: {prefix: /}, route: {cluster: a, prefix_rewrite: '/b c'}}",
                "route.prefix_rewrite: must not have spaces or control characters"},
        Refused{"{match: {prefix: /}, route: {cluster: a, host_rewrite_literal: 'b c'}}",
                "route.host_rewrite_literal: must not have spaces or control characters"},
        Refused{"{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: a, weight: 1, "
                "host_rewrite_literal: 'b c'}]}}}",
                "clusters[0].host_rewrite_literal: must not have spaces or control characters"},
        Refused{"{match: {prefix: /}, route: {cluster: a, host_rewrite_literal: 'b/c'}}",
                "route.host_rewrite_literal: must be a host's name or address"},
        Refused{"{match: {prefix: /}, route: {cluster: a, flush_timeout: 1s}}",
                "field \"flush_timeout\" exists in Envoy v3 but is not supported"},
        Refused{"{match: {prefix: /}, request_headers_to_add: [{header: {key: ':path', value: x}}], route: "
                "{cluster: a}}",
                "header.key: :-prefixed or host headers may not be modified"},
        Refused{"{match: {prefix: /}, response_headers_to_add: [{header: {key: 'x bad', value: x}}], route: "
                "{cluster: a}}",
                "header.key: \"x bad\" is no header name"},
        Refused{"{match: {prefix: /}, request_headers_to_remove: [Host], route: {cluster: a}}",
                "request_headers_to_remove[0]: :-prefixed or host headers may not be"},
        Refused{"{match: {prefix: /}, request_headers_to_add: [{header: {key: a, value: '%NOPE%'}}], route: "
                "{cluster: a}}",
                "header.value"},
        Refused{"{match: {prefix: /}, direct_response: {status: 200, body: {filename: /does/not/exist}}}",
                "direct_response.body.filename: cannot read"},
        Refused{"{match: {prefix: /}, route: {cluster: a}, typed_per_filter_config: {nope: {'@type': "
                "type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}}",
                "typed_per_filter_config"}));

TEST(RouteTable, WarnsOfAShareAboveTheWhole) {
  const auto findings = [](const std::string& share) {
    const TextTable table = TextTable::WithRoutes("{match: {prefix: /, runtime_fraction: {default_value: {" +
                                                  share + "}}}, route: {cluster: a}}");
    EXPECT_NE(table.table(), nullptr) << table.findings();
    return table.findings();
  };
  EXPECT_TRUE(Has(findings("numerator: 101"),
                  "match.runtime_fraction.default_value.numerator: 101 of 100 is above 100%"));
  EXPECT_EQ(findings("numerator: 101, denominator: TEN_THOUSAND"), "");
  EXPECT_EQ(findings("numerator: 100"), "");
}

TEST(RouteTable, WarnsOfFieldsThatTheCodecWrites) {
  for (const char* name : {"Content-Length", "transfer-encoding", "connection", "upgrade", "keep-alive"}) {
    const TextTable added = TextTable::WithRoutes(
        "{match: {prefix: /}, response_headers_to_add: [{header: {key: " + std::string(name) +
        ", value: a}}], route: {cluster: a}}");
    EXPECT_NE(added.table(), nullptr);
    EXPECT_TRUE(Has(added.findings(), "response_headers_to_add[0].header.key: \"" + ToLowerAscii(name) +
                                          "\" is written by the codec"))
        << added.findings();
    const TextTable removed = TextTable::WithRoutes("{match: {prefix: /}, request_headers_to_remove: [" +
                                                    std::string(name) + "], route: {cluster: a}}");
    EXPECT_TRUE(Has(removed.findings(), "request_headers_to_remove[0]: ")) << removed.findings();
  }
}

TEST(RouteTable, WarnsOfAPrefixRewriteThatMakesNoPath) {
  const TextTable table =
      TextTable::WithRoutes("{match: {prefix: /}, route: {cluster: a, prefix_rewrite: b}}");
  EXPECT_NE(table.table(), nullptr);
  EXPECT_TRUE(Has(table.findings(), "route.prefix_rewrite: does not begin with a slash")) << table.findings();
}

TEST(RouteTable, RefusesADomainThatIsThereAlready) {
  TextTable table("virtual_hosts:\n" + VirtualHost("v", "a.test, b.test") + VirtualHost("w", "B.test"));
  EXPECT_EQ(table.table(), nullptr);
  EXPECT_TRUE(Has(table.findings(),
                  "virtual_hosts[1].domains[0]: the domain \"B.test\" is there already: "
                  "routes.yaml:2:"))
      << table.findings();
}

TEST(RouteTable, RefusesADirectResponseAboveItsLimit) {
  TextTable table(
      "max_direct_response_body_size_bytes: 4\nvirtual_hosts: [{name: v, domains: ['*'], routes: [{match: "
      "{prefix: /}, direct_response: {status: 200, body: {inline_string: abcde}}}]}]");
  EXPECT_EQ(table.table(), nullptr);
  EXPECT_TRUE(Has(table.findings(), "has 5 bytes, more than the 4")) << table.findings();
}

TEST(RouteTable, ClustersMayBeMissingWhereTheTableSaysSo) {
  TextTable table(
      "validate_clusters: false\nvirtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /}, "
      "route: "
      "{cluster: missing}}]}]");
  EXPECT_EQ(table.PathTarget("/"), "missing");
}

TEST(RouteTable, RoutesKnowTheirPlace) {
  TextTable table(
      "virtual_hosts:\n- name: v\n  domains: ['*']\n  routes:\n  - match: {prefix: /}\n    route:\n      "
      "cluster: a\n      timeout: 3s\n");
  HeaderMap headers = RequestHeaders({});
  const CompiledRoute* route = table.table()->Match({headers});
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->OriginOf("route", "timeout").ToString(),
            "routes.yaml:8:7: virtual_hosts[0].routes[0].route.timeout");
  EXPECT_EQ(route->forward->timeout, std::chrono::seconds(3));
}

TEST(RouteTable, ConnectHasRoutesOfItsOwn) {
  TextTable table = TextTable::WithRoutes(
      "{match: {prefix: /}, route: {cluster: paths}}, {match: {prefix: ''}, route: {cluster: all}}, "
      "{match: {connect_matcher: {}, headers: [{name: x-a, present_match: true}]}, route: {cluster: a}}, "
      "{match: {safe_regex: {regex: '.*'}}, route: {cluster: any}}, "
      "{match: {connect_matcher: {}}, route: {cluster: b}}");
  ASSERT_NE(table.table(), nullptr) << table.findings();
  HeaderMap connect;
  connect.Add(Header::kMethod, "CONNECT");
  connect.Add(Header::kAuthority, "a.test:443");
  const CompiledRoute* route = table.table()->Match({connect});
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->cluster, "b");
  EXPECT_EQ(table.table()->MatchLinear({connect}), route);
  connect.Add("x-a", "1");
  EXPECT_EQ(table.table()->Match({connect})->cluster, "a");
  EXPECT_EQ(table.table()->MatchLinear({connect})->cluster, "a");
  EXPECT_EQ(table.PathTarget("/x"), "paths");

  TextTable without = TextTable::WithRoutes("{match: {prefix: ''}, route: {cluster: all}}");
  EXPECT_EQ(without.table()->Match({connect}), nullptr);
  EXPECT_EQ(without.table()->MatchLinear({connect}), nullptr);
}

TEST(RouteTable, OnlyConnectEndsHere) {
  const auto route = [](const std::string& upgrade) {
    return TextTable::WithRoutes(
        "{match: {connect_matcher: {}}, route: {cluster: a, upgrade_configs: [{upgrade_type: " + upgrade +
        ", connect_config: {}}]}}");
  };
  EXPECT_NE(route("connect").table(), nullptr);
  const TextTable refused = route("websocket");
  EXPECT_EQ(refused.table(), nullptr);
  EXPECT_NE(refused.findings().find("upgrade_configs[0].connect_config: is for the upgrade_type CONNECT"),
            std::string::npos)
      << refused.findings();
}

}  // namespace
}  // namespace narthex
