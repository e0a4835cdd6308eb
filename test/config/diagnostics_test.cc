#include "source/config/diagnostics.h"

#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

Diagnostic At(std::string file, int line, int column, std::string message,
              Severity severity = Severity::kError) {
  return {{std::move(file), line, column, "a.b"}, severity, std::move(message), {}};
}

TEST(Diagnostics, SortsByPositionAndSaysEachThingOnce) {
  Diagnostics diagnostics;
  diagnostics.Add(At("b.yaml", 1, 1, "third"));
  diagnostics.Add(At("a.yaml", 10, 1, "second", Severity::kWarning));
  diagnostics.Add(At("a.yaml", 9, 1, "first"));
  diagnostics.Add(At("a.yaml", 9, 1, "first"));
  EXPECT_EQ(diagnostics.ToText(),
            "a.yaml:9:1: a.b: first\na.yaml:10:1: warning: a.b: second\nb.yaml:1:1: a.b: third\n");
}

TEST(Diagnostics, WarningsAreNoErrors) {
  Diagnostics diagnostics;
  diagnostics.Add(At("a", 1, 1, "w", Severity::kWarning));
  EXPECT_FALSE(diagnostics.HasErrors());
  EXPECT_TRUE(diagnostics.ToStatus().ok());
}

TEST(Diagnostics, PointsAtTheColumnUnderTabsAndWideCharacters) {
  Diagnostics diagnostics;
  diagnostics.Add(At("a.yaml", 2, 4, "here"));
  diagnostics.AttachSource("a.yaml", "x: 1\n\tää: 2\n");
  EXPECT_EQ(diagnostics.ToText(/*carets=*/true), "a.yaml:2:4: a.b: here\n    \tää: 2\n    \t  ^\n");
}

TEST(Diagnostics, ShowsOfALongLineWhatIsAroundTheColumn) {
  const auto excerpt = [](int column, std::string_view source) {
    Diagnostics diagnostics;
    diagnostics.Add(At("a.yaml", 1, column, "here"));
    diagnostics.AttachSource("a.yaml", source);
    const std::string text = diagnostics.ToText(/*carets=*/true);
    return text.substr(text.find('\n') + 1);
  };
  const std::string a(50'000, 'a'), b(50'000, 'b');
  const std::string a80(80, 'a'), b79(79, 'b'), spaces(80, ' ');
  EXPECT_EQ(excerpt(50'001, a + "X" + b), "    ..." + a80 + "X" + b79 + "...\n       " + spaces + "^\n");
  EXPECT_EQ(excerpt(1, "X" + b), "    X" + b79 + "...\n    ^\n");
  EXPECT_EQ(excerpt(50'001, a + "X"), "    ..." + a80 + "X\n       " + spaces + "^\n");
  EXPECT_EQ(excerpt(81, a80 + "X" + b79), "    " + a80 + "X" + b79 + "\n    " + spaces + "^\n");
  // Characters are not cut in two.
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "ä";
  EXPECT_EQ(excerpt(101, wide + "X"), "    ..." + wide.substr(40) + "X\n       " + spaces + "^\n");
}

TEST(Diagnostics, WhatFollowsFromAnErrorIsNotSaid) {
  Diagnostics diagnostics;
  diagnostics.Add(At("b.yaml", 2, 2, "was there before"));
  const size_t before = diagnostics.kept();
  diagnostics.Add(At("a.yaml", 1, 5, "is unknown"));
  diagnostics.Add(At("a.yaml", 1, 9, "is unknown too"));  // of the same reading
  diagnostics.Settle(before);
  diagnostics.Add(At("a.yaml", 1, 1, "is missing"));
  diagnostics.Add(At("a.yaml", 1, 1, "is odd", Severity::kWarning));
  diagnostics.Add(At("b.yaml", 1, 1, "is missing"));  // another file
  EXPECT_EQ(
      diagnostics.ToText(),
      "a.yaml:1:1: warning: a.b: is odd\na.yaml:1:5: a.b: is unknown\n"
      "a.yaml:1:9: a.b: is unknown too\nb.yaml:1:1: a.b: is missing\nb.yaml:2:2: a.b: was there before\n");
  EXPECT_EQ(diagnostics.error_count(), 5u);
  EXPECT_EQ(diagnostics.ReportedErrors(), 4u);
}

TEST(Diagnostics, PrintsJsonThatEscapesWhatMustBe) {
  Diagnostics diagnostics;
  EXPECT_EQ(diagnostics.ToJson(), "[]\n");
  Diagnostic diagnostic = At("a.yaml", 2, 4, "say \"hi\"\n\xff");
  diagnostic.suggestion = "ho";
  diagnostics.Add(diagnostic);
  EXPECT_EQ(
      diagnostics.ToJson(),
      "[\n  {\"file\": \"a.yaml\", \"line\": 2, \"column\": 4, \"path\": \"a.b\", \"severity\": \"error\", "
      "\"message\": \"say \\\"hi\\\"\\u000a\\u00ff\", \"suggestion\": \"ho\"}\n]\n");
}

TEST(Diagnostics, KeepsABoundedNumber) {
  Diagnostics diagnostics;
  for (int i = 0; i < 1500; ++i) diagnostics.Add(At("a", i + 1, 1, "x"));
  EXPECT_EQ(diagnostics.Sorted().size(), Diagnostics::kMaxKept);
  EXPECT_EQ(diagnostics.error_count(), 1500u);
  EXPECT_TRUE(diagnostics.ToText().ends_with("and 500 more\n"));
}

TEST(Diagnostics, TakesTheErrorOfACompileFunctionApart) {
  Diagnostics diagnostics;
  diagnostics.AddStatus(ErrorAt({"a.yaml", 3, 5, "x[0]"}, "is wrong: really"));
  diagnostics.AddStatus(absl::InternalError("no position"));
  diagnostics.AddStatus(absl::OkStatus());
  ASSERT_EQ(diagnostics.Sorted().size(), 2u);
  EXPECT_EQ(diagnostics.Sorted()[0].message, "no position");
  EXPECT_EQ(diagnostics.Sorted()[1].origin, (Origin{"a.yaml", 3, 5, "x[0]"}));
  EXPECT_EQ(diagnostics.Sorted()[1].message, "is wrong: really");
}

}  // namespace
}  // namespace narthex
