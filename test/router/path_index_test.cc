#include "source/router/path_index.h"

#include <gtest/gtest.h>

#include <random>

#include "source/base/ascii.h"
#include "source/router/compiled_route.h"
#include "source/router/virtual_host.h"

namespace narthex {
namespace {

using PathKind = CompiledRoute::PathKind;
using Routes = std::vector<std::unique_ptr<CompiledRoute>>;

std::unique_ptr<CompiledRoute> MakeRoute(PathKind kind, std::string path, bool case_sensitive = true) {
  auto route = std::make_unique<CompiledRoute>();
  route->path_kind = kind;
  route->case_sensitive = case_sensitive;
  route->path = case_sensitive ? path : ToLowerAscii(path);
  std::string error;
  if (kind == PathKind::kRegex) route->regex = Regex::Compile(path, error);
  return route;
}

bool Matches(const CompiledRoute& route, const std::string& path) {
  if (route.path_kind == PathKind::kRegex) return route.regex->FullMatch(path);
  std::string seen = route.case_sensitive ? path : ToLowerAscii(path);
  if (!seen.starts_with(route.path)) return false;
  bool whole = seen.size() == route.path.size();
  if (route.path_kind == PathKind::kExact) return whole;
  return route.path_kind == PathKind::kPrefix || whole || seen[route.path.size()] == '/';
}

std::vector<uint32_t> Found(const PathIndex& index, const std::string& path) {
  std::vector<uint32_t> found;
  PathIndex::Candidates candidates(index, path);
  for (uint32_t i = candidates.Next(); i != PathIndex::kNone; i = candidates.Next()) found.push_back(i);
  return found;
}

std::string RandomPath(std::mt19937& random) {
  static constexpr std::string_view kLetters = "abAB/";
  std::string path = "/";
  for (uint32_t size = random() % 7; size > 0; --size) path += kLetters[random() % kLetters.size()];
  return path;
}

TEST(PathIndex, FindsTheSameInTheSameOrderAsTryingEveryRoute) {
  std::mt19937 random(7);
  for (int table = 0; table < 200; ++table) {
    Routes routes;
    for (uint32_t size = 1 + random() % 40; size > 0; --size) {
      auto kind = static_cast<PathKind>(random() % 4);
      std::string path = RandomPath(random);
      if (kind == PathKind::kRegex && random() % 2 == 0) path += ".*";
      routes.push_back(MakeRoute(kind, path, kind == PathKind::kRegex || random() % 3 != 0));
    }
    PathIndex index;
    index.Build(routes);
    for (int request = 0; request < 200; ++request) {
      std::string path = RandomPath(random);
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < routes.size(); ++i) {
        if (Matches(*routes[i], path)) expected.push_back(i);
      }
      ASSERT_EQ(Found(index, path), expected) << path;
    }
  }
}

TEST(PathIndex, SegmentPrefixEndsAtASlash) {
  Routes routes;
  routes.push_back(MakeRoute(PathKind::kSegments, "/api"));
  PathIndex index;
  index.Build(routes);
  EXPECT_EQ(Found(index, "/api").size(), 1u);
  EXPECT_EQ(Found(index, "/api/v1").size(), 1u);
  EXPECT_EQ(Found(index, "/apis").size(), 0u);
}

TEST(Regex, BytesThatAreNotUtf8DoNotSlipPast) {
  std::string error;
  auto regex = Regex::Compile("/admin.*", error);
  ASSERT_NE(regex, nullptr);
  EXPECT_TRUE(regex->FullMatch("/admin\xff"));
  EXPECT_FALSE(regex->FullMatch("/other\xff"));
  EXPECT_EQ(Regex::Compile("(", error), nullptr);
}

TEST(HostIndex, ExactThenLongestSuffixThenLongestPrefixThenAny) {
  HostIndex hosts;
  hosts.Add("*", 0);
  hosts.Add("*.example.org", 1);
  hosts.Add("*.shop.example.org", 2);
  hosts.Add("a.example.org", 3);
  hosts.Add("a.*", 4);
  EXPECT_EQ(hosts.Find("A.Example.org"), 3u);
  EXPECT_EQ(hosts.Find("x.shop.example.org"), 2u);
  EXPECT_EQ(hosts.Find("b.example.org"), 1u);
  EXPECT_EQ(hosts.Find("a.test"), 4u);
  EXPECT_EQ(hosts.Find(".example.org"), 0u);
  EXPECT_EQ(hosts.Add("*.example.org", 9), 1u);
}

}  // namespace
}  // namespace narthex
