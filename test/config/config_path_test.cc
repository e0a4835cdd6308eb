#include "source/config/config_path.h"

#include <string>

#include "gtest/gtest.h"
#include "source/config/tree.h"

namespace narthex {
namespace {

class ConfigPathTest : public testing::Test {
 protected:
  ConfigPathTest() {
    Diagnostics diagnostics;
    EXPECT_TRUE(
        ParseYaml("g.yaml", "static:\n  clusters:\n  - name: a\n  - name: b\n", {}, tree_, diagnostics));
    map_ = std::make_unique<OriginMap>(tree_.root, tree_.files);
  }

  Tree tree_;
  std::unique_ptr<OriginMap> map_;
};

TEST_F(ConfigPathTest, DescendsInStepWithTheMessage) {
  ConfigPath path = ConfigPath(*map_).Field("static").Field("clusters").Index(1);
  EXPECT_TRUE(path.IsWritten());
  EXPECT_EQ(path.Origin(), (Origin{"g.yaml", 4, 5, "static.clusters[1]"}));
  EXPECT_EQ(path.Field("name").Error("taken").message(), "g.yaml:4:5: static.clusters[1].name: taken");
}

TEST_F(ConfigPathTest, APlaceThatIsNotWrittenHasThePositionOfItsClosestAncestor) {
  ConfigPath path = ConfigPath(*map_).Field("static").Field("listeners").Index(3).Key("x").Field("y");
  EXPECT_FALSE(path.IsWritten());
  EXPECT_EQ(path.Origin(), (Origin{"g.yaml", 1, 1, "static.listeners[3][\"x\"].y"}));
}

TEST_F(ConfigPathTest, FindsWhatAPathNames) {
  EXPECT_EQ(map_->FindPath("static.clusters[1].name"), (Origin{"g.yaml", 4, 5, "static.clusters[1].name"}));
  EXPECT_EQ(map_->FindPath("static.clusters[9].name").line, 2);
  EXPECT_EQ(map_->FindPath("static.clusters[").line, 2);
  EXPECT_EQ(map_->FindPath("").line, 1);
}

TEST_F(ConfigPathTest, WorksWithoutADocument) {
  ConfigPath path;
  EXPECT_EQ(path.Field("a").Index(0).Error("bad").message(), "a[0]: bad");
  EXPECT_EQ(path.Error("bad").message(), "bad");
}

TEST(OriginMap, CostsTensOfBytesANode) {
  std::string yaml = "routes:\n";
  for (int i = 0; i < 10'000; ++i) {
    yaml += "- match: {prefix: /p" + std::to_string(i) + "}\n  route: {cluster: c}\n";
  }
  Tree tree;
  Diagnostics diagnostics;
  ASSERT_TRUE(ParseYaml("r.yaml", yaml, {}, tree, diagnostics));
  OriginMap map(tree.root, tree.files);
  EXPECT_EQ(map.node_count(), 50'002u);
  EXPECT_LT(map.memory_bytes(), map.node_count() * 25);
  EXPECT_EQ(map.FindPath("routes[9999].route.cluster").line, 20'001);
}

}  // namespace
}  // namespace narthex
