#include "source/config/rules.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

using Form = TextRules::Form;

struct Case {
  Form form;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

TEST(TextForm, TellsGoodFromBad) {
  const std::vector<Case> cases = {
      {Form::kHostname,
       {"a", "a.b", "1a.example.", "a-b"},
       {"", ".", "-a", "a-", "a..b", "a_b", std::string(64, 'a'), "a b"}},
      {Form::kIpv4, {"127.0.0.1"}, {"", "1.2.3", "::1", "1.2.3.256", std::string("1.2.3.4\0", 8)}},
      {Form::kIpv6, {"::1", "2001:db8::"}, {"127.0.0.1", "[::1]"}},
      {Form::kIp, {"127.0.0.1", "::1"}, {"localhost"}},
      {Form::kAddress, {"127.0.0.1", "::1", "localhost"}, {"a b"}},
      {Form::kEmail, {"a@b.example"}, {"a", "@b", "a@", "a b@c", "a@b@-"}},
      {Form::kUri, {"http://a/%20?q#f", "urn:x"}, {"/a", "http://a b", "http://a/%2", ":a", "1a:b"}},
      {Form::kUriRef, {"/a", "", "http://a"}, {"a b", "%zz"}},
      {Form::kUuid,
       {"00000000-0000-4000-8000-00000000000f"},
       {"", "00000000-0000-4000-8000-00000000000g", "00000000000040008000000000000000"}},
      {Form::kHeaderName, {"x-id", ":path", "a!#$%&'*+-.^_`|~"}, {"", ":", "a b", "a\n", "a:", "\xc3\xa4"}},
      {Form::kHeaderValue, {"", "a\tb", "\xc3\xa4"}, {"a\n", "\x01", "\x7f"}},
  };
  for (const Case& c : cases) {
    for (const std::string& text : c.good) EXPECT_TRUE(HasForm(c.form, true, text)) << text;
    for (const std::string& text : c.bad) EXPECT_FALSE(HasForm(c.form, true, text)) << text;
  }
}

TEST(TextForm, HeadersThatAreNotStrictRefuseOnlyWhatWouldSplitALine) {
  EXPECT_TRUE(HasForm(Form::kHeaderName, false, "a b"));
  EXPECT_TRUE(HasForm(Form::kHeaderName, false, "")) << "WeightedCluster.ClusterWeight.cluster_header unset";
  EXPECT_TRUE(HasForm(Form::kHeaderValue, false, "\x01"));
  for (std::string text : {std::string("a\r"), std::string("a\n"), std::string("a\0", 2)}) {
    EXPECT_FALSE(HasForm(Form::kHeaderName, false, text));
    EXPECT_FALSE(HasForm(Form::kHeaderValue, false, text));
  }
}

TEST(TextRules, SayWhatIsBroken) {
  TextRules rules;
  rules.not_contains = "..";
  rules.not_in = {"root"};
  rules.length = 4;
  EXPECT_EQ(BrokenRule(rules, "a..b"), "must not contain \"..\"");
  EXPECT_EQ(BrokenRule(rules, "root"), "must not be \"root\"");
  EXPECT_EQ(BrokenRule(rules, "abc"), "must be 4 characters long, is 3");
  EXPECT_EQ(BrokenRule(rules, "abcd"), "");
}

}  // namespace
}  // namespace narthex
