#include "source/server/lint.h"

#include "gtest/gtest.h"
#include "test/server/text_snapshot.h"

namespace narthex {
namespace {

// The warnings about these routes, one a line.
std::string Lint(const std::string& routes, const std::vector<std::string>& clusters = {"c"}) {
  TextSnapshot text(BootstrapWith(ListenerWith("l", 80, "{filters: [" + HcmWith(routes) + "]}"), clusters));
  EXPECT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  if (text.snapshot != nullptr) LintSnapshot(*text.snapshot, text.diagnostics);
  return text.diagnostics.ToText();
}

std::string To(const std::string& match) {
  return "{match: " + match + ", route: {cluster: c}}";
}

bool Unreachable(const std::string& first, const std::string& second) {
  return Lint(To(first) + ", " + To(second)).find("no request reaches this route") != std::string::npos;
}

TEST(Lint, FindsARouteBehindAnEarlierPrefix) {
  const std::string found = Lint(To("{prefix: /a}") + ", " + To("{path: /a/b}"));
  EXPECT_NE(found.find("takes them all, such as GET http://a.test/a/b"), std::string::npos) << found;
}

TEST(Lint, KnowsWhatEachKindOfPathTakes) {
  EXPECT_TRUE(Unreachable("{prefix: /}", "{prefix: /x}"));
  EXPECT_TRUE(Unreachable("{path: /a}", "{path: /a}"));
  EXPECT_TRUE(Unreachable("{prefix: /a}", "{path_separated_prefix: /a}"));
  EXPECT_TRUE(Unreachable("{path_separated_prefix: /a}", "{path: /a/b}"));
  EXPECT_TRUE(Unreachable("{path_separated_prefix: /a}", "{path: /a}"));
  EXPECT_TRUE(Unreachable("{safe_regex: {regex: '/a.*'}}", "{safe_regex: {regex: '/a.*'}}"));
  EXPECT_TRUE(Unreachable("{prefix: /a, case_sensitive: false}", "{prefix: /A/b}"));
}

TEST(Lint, LeavesReachableRoutesAlone) {
  EXPECT_FALSE(Unreachable("{prefix: /a}", "{prefix: /b}"));
  EXPECT_FALSE(Unreachable("{prefix: /a/b}", "{prefix: /a}"));
  EXPECT_FALSE(Unreachable("{path: /a}", "{prefix: /a}"));
  EXPECT_FALSE(Unreachable("{path_separated_prefix: /a}", "{path: /ab}"));
  EXPECT_FALSE(Unreachable("{path_separated_prefix: /a}", "{prefix: /a}"));
  EXPECT_FALSE(Unreachable("{prefix: /a}", "{prefix: /A}"));
  EXPECT_FALSE(Unreachable("{prefix: /A}", "{prefix: /a, case_sensitive: false}"));
  EXPECT_FALSE(Unreachable("{prefix: /, headers: [{name: x, present_match: true}]}", "{prefix: /a}"));
  EXPECT_FALSE(Unreachable("{prefix: /}", "{safe_regex: {regex: '/a.*'}}"));
}

TEST(Lint, NamesClustersThatNothingUses) {
  const std::string found = Lint(To("{prefix: /}"), {"c", "spare"});
  EXPECT_NE(found.find("cluster \"spare\" is used by nothing"), std::string::npos) << found;
  EXPECT_EQ(found.find("cluster \"c\" is used"), std::string::npos) << found;
}

TEST(Lint, AClusterChosenByTheRequestMayBeAny) {
  const std::string found = Lint("{match: {prefix: /}, route: {cluster_header: x-cluster}}", {"c", "spare"});
  EXPECT_EQ(found.find("is used by nothing"), std::string::npos) << found;
}

TEST(Lint, NamesAnIdleTimeoutThatNeverStrikes) {
  EXPECT_NE(
      Lint("{match: {prefix: /}, route: {cluster: c, timeout: 5s, idle_timeout: 60s}}").find("never strikes"),
      std::string::npos);
  EXPECT_EQ(
      Lint("{match: {prefix: /}, route: {cluster: c, timeout: 5s, idle_timeout: 1s}}").find("never strikes"),
      std::string::npos);
}

}  // namespace
}  // namespace narthex
