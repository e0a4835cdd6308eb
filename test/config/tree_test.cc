#include "source/config/tree.h"

#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

struct Parsed {
  bool ok = false;
  Tree tree;
  Diagnostics diagnostics;

  std::string Text() const { return diagnostics.ToText(); }
};

Parsed Yaml(std::string_view text, const TreeLimits& limits = {}) {
  Parsed parsed;
  parsed.ok = ParseYaml("t.yaml", text, limits, parsed.tree, parsed.diagnostics);
  return parsed;
}

Parsed Json(std::string_view text, const TreeLimits& limits = {}) {
  Parsed parsed;
  parsed.ok = ParseJson("t.json", text, limits, parsed.tree, parsed.diagnostics);
  return parsed;
}

// The tree on one line, a position behind each value: {a:"x"@1:4}.
std::string Print(const Node& node) {
  std::string text;
  if (node.kind == Node::Kind::kNull) text = "null";
  if (node.kind == Node::Kind::kScalar)
    text = node.plain ? std::string(node.text) : "'" + std::string(node.text) + "'";
  if (node.kind == Node::Kind::kSequence) text = "[";
  if (node.kind == Node::Kind::kMapping) text = "{";
  for (const Node& child : node.children) {
    if (text.size() > 1) text += ' ';
    if (node.kind == Node::Kind::kMapping) text += std::string(child.name) + ":";
    text += Print(child);
  }
  if (node.kind == Node::Kind::kSequence) text += "]";
  if (node.kind == Node::Kind::kMapping) text += "}";
  return text + "@" + std::to_string(node.line) + ":" + std::to_string(node.column);
}

TEST(Yaml, KeepsPositionsAndQuotes) {
  Parsed parsed = Yaml("a: x\nb:\n- 'true'\n- {c: ~}\n");
  ASSERT_TRUE(parsed.ok);
  EXPECT_EQ(Print(parsed.tree.root), "{a:x@1:4 b:['true'@3:3 {c:null@4:7}@4:3]@3:1}@1:1");
}

TEST(Yaml, ExpandsAliasesAndKeepsWhereTheirTextStands) {
  Parsed parsed = Yaml("a: &x {p: 1}\nb: *x\n");
  ASSERT_TRUE(parsed.ok);
  EXPECT_EQ(Print(parsed.tree.root), "{a:{p:1@1:11}@1:4 b:{p:1@1:11}@1:4}@1:1");
}

TEST(Yaml, MergeKeysYieldToExplicitKeysAndToEarlierSources) {
  Parsed parsed = Yaml("a: &a {p: 1, q: 2}\nb: &b {q: 3, r: 4}\nc:\n  <<: [*a, *b]\n  p: 9\n");
  ASSERT_TRUE(parsed.ok) << parsed.Text();
  const Node* c = parsed.tree.root.Find("c");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->children.size(), 3u);
  EXPECT_EQ(c->Find("p")->text, "9");
  EXPECT_EQ(c->Find("q")->text, "2");
  EXPECT_EQ(c->Find("r")->text, "4");
}

TEST(Yaml, RefusesAMergeKeyWithoutAMapping) {
  EXPECT_EQ(Yaml("a:\n  <<: 5\n").Text(),
            "t.yaml:2:3: a: the value of a merge key << must be a mapping or a list of mappings\n");
}

TEST(Yaml, NamesBothPlacesOfEveryDuplicateKey) {
  Parsed parsed = Yaml("a: 1\nb: {c: 1, c: 2}\na: 3\n");
  EXPECT_TRUE(parsed.ok) << "the first of each is kept, so that the rest can be looked at";
  EXPECT_EQ(parsed.tree.root.children.size(), 2u);
  EXPECT_EQ(parsed.Text(),
            "t.yaml:2:11: b: duplicate key \"c\", first at line 2, column 5\n"
            "t.yaml:3:1: duplicate key \"a\", first at line 1, column 1\n");
}

TEST(Yaml, BoundsWhatAliasesExpandTo) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    std::string last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += (j ? ", " : "") + last;
    laughs += "]\n";
  }
  Parsed parsed = Yaml(laughs, {.max_nodes = 10'000});
  EXPECT_FALSE(parsed.ok);
  EXPECT_NE(parsed.Text().find("more than 10000 values, aliases expanded"), std::string::npos)
      << parsed.Text();
}

TEST(Yaml, RefusesAnAliasOfWhatIsNotClosedYet) {
  EXPECT_EQ(Yaml("a: &a [*a]").Text(), "t.yaml:1:8: a[0]: alias *a names no anchor before it\n");
}

TEST(Yaml, RefusesASecondDocument) {
  EXPECT_EQ(Yaml("a: 1\n---\nb: 2\n").Text(),
            "t.yaml:2:1: a second YAML document; a configuration file is one document\n");
}

TEST(Yaml, ReportsWhereTheSyntaxBreaks) {
  Parsed parsed = Yaml("a:\n  b: [1, 2\nc: 3\n");
  EXPECT_FALSE(parsed.ok);
  EXPECT_TRUE(parsed.Text().starts_with("t.yaml:3:")) << parsed.Text();
  EXPECT_NE(parsed.Text().find("not valid YAML"), std::string::npos) << parsed.Text();
}

TEST(Yaml, LimitsDepthAndSize) {
  EXPECT_NE(Yaml(std::string(200, '[')).Text().find("nested deeper than 128"), std::string::npos);
  EXPECT_EQ(Yaml("abcdef", {.max_bytes = 5}).Text(), "t.yaml: has 6 bytes; at most 5 are read\n");
}

TEST(Json, KeepsPositionsInCharacters) {
  Parsed parsed = Json("{\"ä\": [true,\n  \"x\", {} ], \"b\"\n:null, \"n\": -1.5e3}");
  ASSERT_TRUE(parsed.ok) << parsed.Text();
  EXPECT_EQ(Print(parsed.tree.root), "{ä:[true@1:8 'x'@2:3 {}@2:8]@1:7 b:null@3:2 n:-1.5e3@3:13}@1:1");
}

TEST(Json, IsStrict) {
  for (std::string_view text :
       {"{a: 1}", "{\"a\": 1,}", "[1 2]", "{\"a\": 01}", "nul", "{} x", "", "[NaN]", "'a'", "// c\n1"}) {
    EXPECT_FALSE(Json(text).ok) << text;
  }
  EXPECT_EQ(Json("{\n  \"a\": tru\n}").Text(), "t.json:2:11: a: not valid JSON: Invalid value.\n");
}

TEST(Json, FindsDuplicateKeysAndLimitsDepth) {
  EXPECT_EQ(Json("{\"a\": 1, \"a\": 2}").Text(),
            "t.json:1:10: duplicate key \"a\", first at line 1, column 2\n");
  EXPECT_NE(Json(std::string(100'000, '[')).Text().find("nested deeper than 128"), std::string::npos);
}

TEST(Tree, TellsNumbersAndBooleansAsYaml12Does) {
  for (std::string_view text :
       {"0", "-5", "+5", "1.5", ".5", "5.", "1e3", "1.5E-3", "0x1F", "0o17", ".inf", "-.inf", ".nan"}) {
    EXPECT_TRUE(IsNumberText(text)) << text;
  }
  for (std::string_view text : {"", ".", "-", "1e", "1_000", "0x", "1.2.3", "1s", "yes", "e5", "--1"}) {
    EXPECT_FALSE(IsNumberText(text)) << text;
  }
  bool value = false;
  EXPECT_TRUE(ParseBoolText("TRUE", value) && value);
  EXPECT_FALSE(ParseBoolText("yes", value));
}

TEST(Tree, MergesAsMessagesDo) {
  Parsed base = Yaml("a: {x: 1, y: [1]}\nt: {\"@type\": T, p: 1}\n");
  Parsed over = Yaml("a: {x: 2, y: [2]}\nt: {\"@type\": T, q: 1}\nn: 5\n");
  base.tree.Merge(std::move(over.tree));
  const Node& root = base.tree.root;
  EXPECT_EQ(root.Find("a")->Find("x")->text, "2");
  EXPECT_EQ(root.Find("a")->Find("x")->file, 1);
  EXPECT_EQ(root.Find("a")->Find("y")->children.size(), 2u);
  EXPECT_EQ(root.Find("t")->Find("p"), nullptr);
  EXPECT_EQ(root.Find("n")->text, "5");
}

}  // namespace
}  // namespace narthex
