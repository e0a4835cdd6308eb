#include "source/config/validate.h"

#include <string>

#include "gtest/gtest.h"
#include "source/config/document.h"
#include "test/config/ruled.pb.h"

namespace narthex {
namespace {

// What loading `yaml` as a Ruled says, one finding a line.
std::string Findings(std::string_view yaml) {
  test::Ruled message;
  ConfigDocument document;
  Diagnostics diagnostics;
  bool ok = LoadString("r.yaml", yaml, message, document, diagnostics);
  EXPECT_EQ(ok, !diagnostics.HasErrors());
  return diagnostics.ToText();
}

struct Case {
  std::string_view yaml;
  std::string_view finding;  // after "r.yaml:"; empty when the message is valid
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.yaml;
}

class ValidateRule : public testing::TestWithParam<Case> {};

TEST_P(ValidateRule, Holds) {
  std::string yaml = "name: n\n";
  yaml += GetParam().yaml;
  std::string expected(GetParam().finding);
  if (!expected.empty()) expected = "r.yaml:" + expected + "\n";
  EXPECT_EQ(Findings(yaml), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, ValidateRule,
    testing::Values(
        Case{"port: 65535", ""}, Case{"port: 65536", "2:1: port: must be at most 65535, is 65536"},
        Case{"delta: 4", ""}, Case{"delta: -5", "2:1: delta: must be greater than -5 and less than 5, is -5"},
        Case{"share: 1.0", ""}, Case{"share: NaN", "2:1: share: must be at least 0 and at most 1, is nan"},
        Case{"code: 404", ""}, Case{"code: 5", "2:1: code: must be one of 200, 404, is 5"},
        Case{"outside: 4", ""}, Case{"outside: 11", ""},
        Case{"outside: 5", "2:1: outside: must be greater than 10 or less than 5, is 5"},
        Case{"limit: 1", ""}, Case{"limit: 0", "2:1: limit: must be at least 1, is 0"}, Case{"mode: ON", ""},
        Case{"mode: AUTO", "2:1: mode: must not be AUTO"}, Case{"timeout: 60s", ""},
        Case{"timeout: 0s", "2:1: timeout: must be greater than 0s and at most 60s, is 0s"},
        Case{"timeout: 60.5s", "2:1: timeout: must be greater than 0s and at most 60s, is 60.5s"}));

INSTANTIATE_TEST_SUITE_P(
    Texts, ValidateRule,
    testing::Values(Case{"header: \"a b\"", ""},
                    Case{R"(header: "a\nb")", "2:1: header: must be an HTTP header name"},
                    Case{"strict_header: x-id", ""},
                    Case{"strict_header: \"x id\"", "2:1: strict_header: must be an HTTP header name"},
                    Case{R"(value: "a\tb")", ""},
                    Case{R"(value: "a\x01")", "2:1: value: must be an HTTP header value"},
                    Case{"pattern: abc", ""}, Case{"pattern: Abc", "2:1: pattern: must match ^[a-z]*$"},
                    Case{"ending: a.com", ""}, Case{"ending: a.org", "2:1: ending: must end with \".com\""},
                    Case{"ending: b.com", "2:1: ending: must begin with \"a\""}, Case{"word: x", ""},
                    Case{"word: z", "2:1: word: must be one of x, y"}, Case{"digest: AAAAAA==", ""},
                    Case{"digest: AAAAAAA=", "2:1: digest: must be at most 4 bytes long, is 5"}));

INSTANTIATE_TEST_SUITE_P(
    Collections, ValidateRule,
    testing::Values(Case{"list: [ab, cd]", ""},
                    Case{"list: [ab, cd, ef]", "2:1: list: must have at most 2, has 3"},
                    Case{"list: [ab, c]", "2:12: list[1]: must be at least 2 characters long, is 1"},
                    Case{"list: [ab, ab]", "2:12: list[1]: repeats \"ab\""}, Case{"pairs: {a: 1}", ""},
                    Case{"pairs: {a: 0}", "2:9: pairs[\"a\"]: must be greater than 0, is 0"},
                    Case{"pairs: {\"\": 1}", "2:9: pairs[\"\"]: key must not be empty"},
                    Case{"unchecked: {}", ""}, Case{"agreed: true", ""},
                    Case{"agreed: false", "2:1: agreed: must be true"}));

TEST(Validate, ChecksFieldsThatAreNotWritten) {
  EXPECT_EQ(Findings("port: 1"), "r.yaml:1:1: name: must not be empty\n");
}

TEST(Validate, CountsBytesNotCharactersForMaxBytes) {
  EXPECT_EQ(Findings("name: ääää"), "");
  EXPECT_EQ(Findings("name: äääää"), "r.yaml:1:1: name: must be at most 8 bytes long, is 10\n");
}

TEST(Validate, ReportsEverythingThatIsMissing) {
  EXPECT_EQ(Findings("name: n\nrequired:\n  many: []\n"),
            "r.yaml:2:1: required: needs \"many\", at least 1\n"
            "r.yaml:2:1: required: needs \"ruled\"\n"
            "r.yaml:2:1: required: needs \"wait\"\n"
            "r.yaml:2:1: required: needs one of left, right, middle\n");
}

TEST(Validate, LooksInsideAny) {
  EXPECT_EQ(Findings(R"(name: n
config:
  "@type": type.googleapis.com/narthex.test.Required
  wait: 1s
  ruled: {name: n}
  many: [{name: n}, {name: ""}]
  right: ab
)"),
            "r.yaml:6:22: config.many[1].name: must not be empty\n"
            "r.yaml:7:3: config.right: must be at least 3 characters long, is 2\n");
}

TEST(Validate, ReportsBrokenRulesBesideBadValuesButNotBecauseOfThem) {
  EXPECT_EQ(
      Findings(R"(nam: n
required:
  wait: soon
  ruled: {name: "", port: 70000}
  many: [{name: 5}]
  left: a
)"),
      "r.yaml:1:1: unknown field \"nam\"; did you mean \"name\"?\n"
      "r.yaml:3:9: required.wait: expected a duration in seconds such as \"1.5s\", found string \"soon\"\n"
      "r.yaml:4:11: required.ruled.name: must not be empty\n"
      "r.yaml:4:21: required.ruled.port: must be at most 65535, is 70000\n"
      "r.yaml:5:17: required.many[0].name: expected a string, found number 5; quote it: \"5\"\n");
}

TEST(Validate, CanBeSwitchedOff) {
  test::Ruled message;
  ConfigDocument document;
  Diagnostics diagnostics;
  EXPECT_TRUE(LoadString("r.yaml", "port: 70000", message, document, diagnostics, {.validate = false}));
  EXPECT_FALSE(Validate(message, document.Root(), diagnostics));
  EXPECT_EQ(diagnostics.error_count(), 2u);
}

}  // namespace
}  // namespace narthex
