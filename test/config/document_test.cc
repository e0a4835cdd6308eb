#include "source/config/document.h"

#include <string>

#include "gtest/gtest.h"
#include "source/config/unpack.h"
#include "test/config/example.pb.h"

namespace narthex {
namespace {

constexpr char kDoor[] = "type.googleapis.com/narthex.test.Door";

struct Loaded {
  bool ok = false;
  test::Gate gate;
  ConfigDocument document;
  Diagnostics diagnostics;

  std::string Text() const { return diagnostics.ToText(); }
};

Loaded Load(std::string_view name, std::string_view text, const LoadOptions& options = {}) {
  Loaded loaded;
  loaded.ok = LoadString(name, text, loaded.gate, loaded.document, loaded.diagnostics, options);
  return loaded;
}

TEST(Document, ADuplicateKeyHidesNoOtherError) {
  Loaded loaded = Load("gate.yaml", "name: front\nname: back\ncolour: BLUE\n");
  EXPECT_FALSE(loaded.ok);
  EXPECT_EQ(loaded.gate.name(), "front");
  EXPECT_NE(loaded.Text().find("gate.yaml:2:1: duplicate key \"name\""), std::string::npos) << loaded.Text();
  EXPECT_NE(loaded.Text().find("gate.yaml:3:1: unknown field \"colour\""), std::string::npos)
      << loaded.Text();
}

TEST(Document, ReadsYamlIntoEveryKindOfField) {
  Loaded loaded = Load("gate.yaml", R"(
name: front
small: -5
large: "-9007199254740993"
count: 0x10
size: 18446744073709551615
ratio: 0.5
weight: .inf
open: true
key: aGk=
color: BLUE
tags: [a, "1"]
doors:
- {name: left, width: 90}
- name: right
rooms: {"hall": {width: 3}}
codes: {7: seven}
timeout: 1.5s
since: 2026-01-31T10:00:00.5Z
limit: 4
normalizePath: false
metadata: {a: 1, b: [true, null, "1"]}
anything: null
list: [1, x]
mask: "name,typedConfig"
prefix: /
)");
  ASSERT_TRUE(loaded.ok) << loaded.Text();
  const test::Gate& gate = loaded.gate;
  EXPECT_EQ(gate.large(), -9007199254740993);
  EXPECT_EQ(gate.count(), 16u);
  EXPECT_EQ(gate.size(), 18446744073709551615u);
  EXPECT_EQ(gate.key(), "hi");
  EXPECT_EQ(gate.color(), test::BLUE);
  EXPECT_EQ(gate.tags(1), "1");
  EXPECT_EQ(gate.doors(0).width(), 90u);
  EXPECT_EQ(gate.rooms().at("hall").width(), 3u);
  EXPECT_EQ(gate.codes().at(7), "seven");
  EXPECT_EQ(gate.timeout().nanos(), 500'000'000);
  EXPECT_EQ(gate.since().nanos(), 500'000'000);
  EXPECT_TRUE(gate.has_normalize_path());
  EXPECT_EQ(gate.metadata().fields().at("b").list_value().values(2).string_value(), "1");
  EXPECT_EQ(gate.anything().kind_case(), google::protobuf::Value::kNullValue);
  EXPECT_EQ(gate.list().values_size(), 2);
  EXPECT_EQ(gate.mask().paths(1), "typed_config");
  EXPECT_EQ(gate.prefix(), "/");
}

TEST(Document, ReportsEveryErrorOfOneRunWithItsPosition) {
  Loaded loaded = Load("gateway.yaml", R"(name: 5
open: "yes"
dors: []
doors:
- widht: 3
- width: -1
color: BLEU
prefix: /a
exact: /b
typed_config: {name: x}
tags: one
)");
  EXPECT_FALSE(loaded.ok);
  EXPECT_EQ(loaded.Text(), R"(gateway.yaml:1:7: name: expected a string, found number 5; quote it: "5"
gateway.yaml:2:7: open: expected a boolean (true or false), found string "yes"; write true
gateway.yaml:3:1: unknown field "dors"; did you mean "doors"?
gateway.yaml:5:3: doors[0]: unknown field "widht"; did you mean "width"?
gateway.yaml:6:10: doors[1].width: number -1 is out of range for uint32 (0 to 4294967295)
gateway.yaml:7:8: color: expected one of RED, GREEN, BLUE, MAUVE, BLACK; found string "BLEU"; did you mean "BLUE"?
gateway.yaml:9:1: "prefix" (line 8) and "exact" are both set; Gate takes one path_specifier
gateway.yaml:10:15: typed_config: needs "@type", the type URL of the message (type.googleapis.com/...)
gateway.yaml:11:7: tags: expected a list of string, found string "one"
)");
}

TEST(Document, PathsGoOnThroughAny) {
  Loaded loaded = Load("gate.yaml", R"(typed_config:
  "@type": type.googleapis.com/narthex.test.Gate
  doors:
  - name: a
  - name: b
    typed_config:
      "@type": type.googleapis.com/narthex.test.Door
      width: 12
)");
  ASSERT_TRUE(loaded.ok) << loaded.Text();
  ConfigPath path = loaded.document.Root().Field("typed_config");
  auto gate = Unpack<test::Gate>(loaded.gate.typed_config(), path);
  ASSERT_TRUE(gate.ok());
  path = path.Field("doors").Index(1).Field("typed_config");
  auto door = Unpack<test::Door>(gate->doors(1).typed_config(), path);
  ASSERT_TRUE(door.ok());
  EXPECT_EQ(door->width(), 12u);
  EXPECT_EQ(path.Field("width").Error("too wide").message(),
            "gate.yaml:8:7: typed_config.doors[1].typed_config.width: too wide");
  EXPECT_EQ(path.Field("name").Error("missing").message(),
            "gate.yaml:6:5: typed_config.doors[1].typed_config.name: missing");
  EXPECT_EQ(Unpack<test::Gate>(gate->doors(1).typed_config(), path).status().message(),
            std::string(
                "gate.yaml:6:5: typed_config.doors[1].typed_config: expected a narthex.test.Gate, found \"") +
                kDoor + "\"");
  EXPECT_EQ(loaded.document.origins()->FindPath("typed_config.doors[1].typed_config.width").line, 8);
}

}  // namespace
}  // namespace narthex
