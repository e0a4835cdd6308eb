#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "source/config/document.h"
#include "source/config/unpack.h"
#include "test/config/example.pb.h"

namespace narthex {
namespace {

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

constexpr char kText[] = R"(name: "front"
doors { name: "a" }
doors {
  name: "b"
  typed_config {
    [type.googleapis.com/narthex.test.Door] { width: 12 }
  }
}
rooms { key: "hall" value { width: 3 } }
)";

TEST(Formats, ProtoTextKeepsPositionsThroughAny) {
  Loaded loaded = Load("g.pb_text", kText);
  ASSERT_TRUE(loaded.ok) << loaded.Text();
  auto line = [&](std::string_view path) { return loaded.document.origins()->FindPath(path).line; };
  EXPECT_EQ(line("doors[1].name"), 4);
  EXPECT_EQ(line("doors[1].typed_config.width"), 6);
  EXPECT_EQ(line("rooms[\"hall\"].width"), 9);
}

TEST(Formats, ProtoTextReportsAllUnknownFieldsAndSyntax) {
  EXPECT_EQ(Load("g.pbtxt", "nane: \"x\"\ndoors { widht: 3 }\n").Text(),
            "g.pbtxt:1:5: unknown field \"nane\" in narthex.test.Gate; did you mean \"name\"?\n"
            "g.pbtxt:2:14: unknown field \"widht\" in narthex.test.Door; did you mean \"width\"?\n");
  EXPECT_FALSE(Load("g.textproto", "name: ").ok);
  EXPECT_EQ(Load("g.textproto", "tags: [\"a\", \"\\xff\"]").Text(),
            "g.textproto:1:1: tags[1]: is not valid UTF-8\n");
}

TEST(Formats, BinaryHasPathsWithoutPositions) {
  test::Gate gate;
  gate.add_doors()->set_width(3);
  Loaded loaded = Load("g.pb", gate.SerializeAsString());
  ASSERT_TRUE(loaded.ok) << loaded.Text();
  EXPECT_EQ(loaded.document.Root().Field("doors").Index(0).Error("bad").message(), "g.pb: doors[0]: bad");
  EXPECT_EQ(Load("g.pb", "\x0a\x50").Text(), "g.pb: not a binary narthex.test.Gate\n");
  EXPECT_EQ(Load("g.pb", "\xf8\x07\x01").Text(),
            "g.pb: field number 127 of narthex.test.Gate is not supported\n");
}

TEST(Formats, AnUnknownExtensionIsReadByItsContent) {
  test::Gate gate;
  gate.set_name("front");
  for (std::string text : {std::string("name: front"), std::string("{\"name\": \"front\"}"),
                           gate.SerializeAsString(), std::string("inner { small: 1 }\nname: \"front\"")}) {
    Loaded loaded = Load("config", text);
    EXPECT_TRUE(loaded.ok) << loaded.Text();
    EXPECT_EQ(loaded.gate.name(), "front");
  }
}

TEST(Formats, TheOverlayIsMergedAsEnvoyMergesConfigYaml) {
  Loaded loaded = Load("g.yaml", "name: a\ninner: {small: 1, count: 2}\ntags: [x]\n",
                       {.overlay_yaml = "name: b\ninner: {small: 3}\ntags: [y]\n"});
  ASSERT_TRUE(loaded.ok) << loaded.Text();
  EXPECT_EQ(loaded.gate.name(), "b");
  EXPECT_EQ(loaded.gate.inner().small(), 3);
  EXPECT_EQ(loaded.gate.inner().count(), 2u);
  EXPECT_EQ(loaded.gate.tags_size(), 2);
  const OriginMap& origins = *loaded.document.origins();
  EXPECT_EQ(origins.FindPath("tags[1]").Position(), "<--config-yaml>:3:8");
  EXPECT_EQ(origins.FindPath("inner.count").Position(), "g.yaml:2:19");
  EXPECT_EQ(Load("g.yaml", "name: a", {.overlay_yaml = "nam: b"}).Text(),
            "<--config-yaml>:1:1: unknown field \"nam\"; did you mean \"name\"?\n");
}

TEST(Formats, ReadsFilesAndSaysWhyNot) {
  std::string path = std::string(getenv("TEST_TMPDIR")) + "/gate.json";
  std::ofstream(path) << "{\"name\": \"front\", \"normalizePath\": true}";
  Loaded loaded;
  EXPECT_TRUE(LoadFile(path, loaded.gate, loaded.document, loaded.diagnostics));
  EXPECT_TRUE(loaded.gate.normalize_path().value());
  EXPECT_FALSE(LoadFile(path + ".gone", loaded.gate, loaded.document, loaded.diagnostics));
  EXPECT_EQ(loaded.Text(), path + ".gone: cannot be read: No such file or directory\n");
  ::unlink(path.c_str());
}

TEST(Any, NeedsAKnownType) {
  EXPECT_EQ(Load("g.yaml", "typed_config: {\"@type\": type.googleapis.com/narthex.test.Dor}").Text(),
            "g.yaml:1:25: typed_config: unknown type \"type.googleapis.com/narthex.test.Dor\"; did you mean "
            "\"type.googleapis.com/narthex.test.Door\"?\n");
  EXPECT_EQ(Load("g.yaml", "typed_config: {\"@type\": narthex.test.Door}").Text(),
            "g.yaml:1:25: typed_config: type URL \"narthex.test.Door\" has no slash; did you mean "
            "\"type.googleapis.com/narthex.test.Door\"?\n");
}

TEST(Any, HoldsWellKnownTypesInValue) {
  Loaded loaded =
      Load("g.yaml", "typed_config: {\"@type\": type.googleapis.com/google.protobuf.Duration, value: 2s}");
  ASSERT_TRUE(loaded.ok) << loaded.Text();
  google::protobuf::Duration duration;
  ASSERT_TRUE(loaded.gate.typed_config().UnpackTo(&duration));
  EXPECT_EQ(duration.seconds(), 2);
}

TEST(Any, ATypedStructBecomesTheMessageThatItNames) {
  Loaded loaded = Load("g.yaml", R"(typed_config:
  "@type": type.googleapis.com/xds.type.v3.TypedStruct
  type_url: type.googleapis.com/narthex.test.Door
  value:
    width: 7
)");
  ASSERT_TRUE(loaded.ok) << loaded.Text();
  auto door = Unpack<test::Door>(loaded.gate.typed_config(), loaded.document.Root().Field("typed_config"));
  ASSERT_TRUE(door.ok()) << door.status();
  EXPECT_EQ(door->width(), 7u);
  EXPECT_EQ(loaded.document.origins()->FindPath("typed_config.width").Position(), "g.yaml:5:5");
}

TEST(Deprecated, FieldsAndValuesGiveAWarningInEveryFormat) {
  Loaded loaded = Load("g.yaml", "old_name: x\ncolor: MAUVE\n");
  EXPECT_TRUE(loaded.ok);
  EXPECT_EQ(loaded.Text(),
            "g.yaml:1:1: warning: old_name: field \"old_name\" is deprecated\n"
            "g.yaml:2:8: warning: color: value \"MAUVE\" is deprecated\n");
  EXPECT_EQ(Load("g.pbtxt", "old_name: \"x\"").Text(),
            "g.pbtxt:1:1: warning: old_name: field \"old_name\" is deprecated\n");
}

TEST(Values, MistakesSayWhatToWrite) {
  auto finding = [](std::string_view yaml) { return Load("g.yaml", yaml).Text(); };
  EXPECT_EQ(finding("timeout: 250ms"),
            "g.yaml:1:10: timeout: expected a duration in seconds such as \"1.5s\", found string \"250ms\"; "
            "did you mean "
            "\"0.25s\"?\n");
  EXPECT_EQ(finding("timeout: 5"),
            "g.yaml:1:10: timeout: expected a duration in seconds such as \"1.5s\", found number 5; did you "
            "mean \"5s\"?\n");
  EXPECT_EQ(finding("small: 2147483648"),
            "g.yaml:1:8: small: number 2147483648 is out of range for int32 (-2147483648 to 2147483647)\n");
  EXPECT_EQ(
      finding("large: 99999999999999999999999"),
      "g.yaml:1:8: large: number 99999999999999999999999 is out of range for int64 (-9223372036854775808 to "
      "9223372036854775807)\n");
  EXPECT_EQ(finding("small: 1.5"), "g.yaml:1:8: small: expected a whole number (int32), found number 1.5\n");
  EXPECT_EQ(finding("ratio: 1e39"), "g.yaml:1:8: ratio: number 1e39 is too large\n");
  EXPECT_EQ(finding("key: \"*\""), "g.yaml:1:6: key: expected base64 text, found string \"*\"\n");
  EXPECT_EQ(
      finding("since: yesterday"),
      "g.yaml:1:8: since: expected a time such as \"2026-01-31T10:00:00Z\", found string \"yesterday\"\n");
  EXPECT_EQ(finding("inner: [1]"),
            "g.yaml:1:8: inner: expected a mapping (narthex.test.Gate), found a list\n");
  EXPECT_EQ(finding("codes: {x: y}"),
            "g.yaml:1:9: codes[\"x\"]: key: expected a whole number (uint32), found string \"x\"\n");
  EXPECT_EQ(finding("# nothing"), "g.yaml: is empty\n");
}

TEST(Values, WholeNumbersMayBeWrittenAsProto3JsonAllows) {
  Loaded loaded =
      Load("g.json", R"({"small": 5.0, "large": "-7", "count": 1e3, "color": 2, "open": "true"})");
  ASSERT_TRUE(loaded.ok) << loaded.Text();
  EXPECT_EQ(loaded.gate.small(), 5);
  EXPECT_EQ(loaded.gate.large(), -7);
  EXPECT_EQ(loaded.gate.count(), 1000u);
  EXPECT_EQ(loaded.gate.color(), test::BLUE);
  EXPECT_TRUE(loaded.gate.open());
}

}  // namespace
}  // namespace narthex
