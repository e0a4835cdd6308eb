#include "source/manager/path_normalization.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace narthex {
namespace {

constexpr PathPolicy kOff;
constexpr PathPolicy kNormalize{true, false, EscapedSlashes::kKeep};
constexpr PathPolicy kEdge{true, true, EscapedSlashes::kRedirect};

// The path after the policy, or the verdict when there is none.
std::string Apply(const PathPolicy& policy, std::string_view path) {
  std::string out;
  switch (NormalizePath(policy, path, out)) {
    case PathVerdict::kUnchanged:
      return std::string(path);
    case PathVerdict::kChanged:
      return out;
    case PathVerdict::kRedirect:
      return "redirect " + out;
    case PathVerdict::kRefused:
      return "refused";
  }
  return "";
}

TEST(PathNormalization, RemovesDotSegmentsByRfc3986) {
  EXPECT_EQ(Apply(kNormalize, "/a/b/c/./../../g"), "/a/g");
  EXPECT_EQ(Apply(kNormalize, "/a/.."), "/");
  EXPECT_EQ(Apply(kNormalize, "/a/."), "/a/");
  EXPECT_EQ(Apply(kNormalize, "/../../etc/passwd"), "/etc/passwd");
  EXPECT_EQ(Apply(kNormalize, "/a/...b/..c/.d"), "/a/...b/..c/.d");
  EXPECT_EQ(Apply(kNormalize, "/a/b/..?x=/../y"), "/a/?x=/../y");
}

TEST(PathNormalization, ADotSegmentWithParametersIsOne) {
  EXPECT_EQ(Apply(kNormalize, "/pub/..;/admin"), "/admin");
  EXPECT_EQ(Apply(kNormalize, "/..;/admin"), "/admin");
  EXPECT_EQ(Apply(kNormalize, "/pub/..;a=b;c/admin"), "/admin");
  EXPECT_EQ(Apply(kNormalize, "/pub/.;/../admin"), "/admin");
  EXPECT_EQ(Apply(kNormalize, "/pub/%2e%2e;/admin"), "/admin");
  EXPECT_EQ(Apply(kNormalize, "/pub/..;"), "/");
  EXPECT_EQ(Apply(kNormalize, "/a;b/.;v=1"), "/a;b/");
  EXPECT_EQ(Apply(kNormalize, "/a;..;/...;/b;."), "/a;..;/...;/b;.");
}

TEST(PathNormalization, DecodesUnreservedCharactersAndKeepsOtherEscapes) {
  EXPECT_EQ(Apply(kNormalize, "/%61%2d%7e"), "/a-~");
  EXPECT_EQ(Apply(kNormalize, "/%c3%a9%2f"), "/%c3%a9%2f");
  EXPECT_EQ(Apply(kNormalize, "/%2e%2E/a/%2e"), "/a/");
  EXPECT_EQ(Apply(kNormalize, "/a\\..\\b"), "/b");
}

TEST(PathNormalization, EscapesBytesThatNoUriHas) {
  EXPECT_EQ(Apply(kNormalize, "/\"<>^`{|}?{"), "/%22%3C%3E%5E%60%7B%7C%7D?{");
  EXPECT_EQ(Apply(kNormalize, "/!$&'()*+,;=:@[]~"), "/!$&'()*+,;=:@[]~");
  EXPECT_EQ(Apply(kOff, "/{"), "/{");
}

TEST(PathNormalization, NeverMakesAnEscapeOutOfParts) {
  EXPECT_EQ(Apply(kNormalize, "/%2%65%2%65"), "/%2%65%2%65");
  EXPECT_EQ(Apply(kNormalize, "/%%32e"), "/%%32e");
  EXPECT_EQ(Apply(kNormalize, "/%252e"), "/%252e");
  EXPECT_EQ(Apply(kNormalize, "/100%"), "/100%");
}

TEST(PathNormalization, MergesSlashesInThePathOnly) {
  constexpr PathPolicy kMerge{false, true, EscapedSlashes::kKeep};
  EXPECT_EQ(Apply(kMerge, "//a///b//?x=//y"), "/a/b/?x=//y");
  EXPECT_EQ(Apply(kNormalize, "//a"), "//a");
}

TEST(PathNormalization, TreatsEscapedSlashesAsConfigured) {
  EXPECT_EQ(Apply({true, true, EscapedSlashes::kKeep}, "/a%2fb"), "/a%2fb");
  EXPECT_EQ(Apply({true, true, EscapedSlashes::kReject}, "/a%5Cb"), "refused");
  EXPECT_EQ(Apply({true, true, EscapedSlashes::kForward}, "/a%2F..%5cb"), "/b");
  EXPECT_EQ(Apply(kEdge, "/a%2Fb?c=%2F"), "redirect /a/b?c=%2F");
  EXPECT_EQ(Apply(kEdge, "/a?c=%2F"), "/a?c=%2F");
}

TEST(PathNormalization, NeverRedirectsToAnotherHost) {
  EXPECT_EQ(Apply({false, false, EscapedSlashes::kRedirect}, "/%2Fevil.test"), "redirect /evil.test");
  EXPECT_EQ(Apply({false, false, EscapedSlashes::kRedirect}, "/%5cevil.test"), "redirect /evil.test");
}

TEST(PathNormalization, RefusesFragmentsAlwaysAndControlCharactersWhenNormalizing) {
  EXPECT_EQ(Apply(kOff, "/a#b"), "refused");
  EXPECT_EQ(Apply(kNormalize, "/a%00"), "refused");
  EXPECT_EQ(Apply(kNormalize, "/a\tb"), "refused");
}

TEST(PathNormalization, LeavesEverythingElseAloneWhenOff) {
  EXPECT_EQ(Apply(kOff, "//a/../%2f%61"), "//a/../%2f%61");
  EXPECT_EQ(Apply(kEdge, "*"), "*");
  EXPECT_EQ(Apply(kEdge, ""), "");
}

}  // namespace
}  // namespace narthex
