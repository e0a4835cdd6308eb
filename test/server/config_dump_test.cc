#include "source/server/config_dump.h"

#include "gtest/gtest.h"
#include "test/server/text_snapshot.h"

namespace narthex {
namespace {

class ConfigDump : public testing::Test {
 protected:
  ConfigDump()
      : text_(BootstrapWith(
            ListenerWith("front", 80,
                         "{filters: [" + HcmWith("{match: {prefix: /}, route: {cluster: one}}") + "]}"),
            {"one", "two"})) {
    EXPECT_NE(text_.snapshot, nullptr) << text_.diagnostics.ToText();
  }
  // The answer without the times, or the error.
  std::string Dump(const ConfigDumpQuery& query) const {
    const absl::StatusOr<std::string> dump = DumpConfig(*text_.snapshot, query);
    return dump.ok() ? *dump : dump.status().ToString();
  }

  TextSnapshot text_;
};

constexpr std::string_view kStaticCluster =
    R"({"@type":"type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster",)";
constexpr std::string_view kClusterNamed =
    R"("cluster":{"@type":"type.googleapis.com/envoy.config.cluster.v3.Cluster","name":")";

std::string Named(std::string_view name) {
  return std::string(kStaticCluster) + std::string(kClusterNamed) + std::string(name) + "\"}}";
}

TEST_F(ConfigDump, OneResourceIsAListOfItsEntries) {
  EXPECT_EQ(Dump({.resource = "static_clusters", .mask = "cluster.name"}),
            "{\"configs\":[" + Named("one") + "," + Named("two") + "]}");
  const std::string listeners = Dump({.resource = "static_listeners"});
  EXPECT_NE(
      listeners.find(R"("@type":"type.googleapis.com/envoy.admin.v3.ListenersConfigDump.StaticListener")"),
      std::string::npos)
      << listeners;
  EXPECT_NE(listeners.find("\"last_updated\":\""), std::string::npos) << listeners;
  EXPECT_EQ(listeners.find("ClustersConfigDump"), std::string::npos) << listeners;
  EXPECT_EQ(Dump({.resource = "dynamic_listeners"}), "{}");
  EXPECT_EQ(Dump({.resource = "static_secrets"}), "{}");
}

TEST_F(ConfigDump, NamesAreMatchedWhole) {
  EXPECT_EQ(Dump({.resource = "static_clusters", .mask = "cluster.name", .name_regex = "t.*"}),
            "{\"configs\":[" + Named("two") + "]}");
  EXPECT_EQ(Dump({.resource = "static_clusters", .name_regex = "t"}), "{}");
  const std::string all = Dump({.name_regex = "one"});
  EXPECT_NE(all.find(std::string(kClusterNamed) + "one"), std::string::npos) << all;
  EXPECT_EQ(all.find(std::string(kClusterNamed) + "two"), std::string::npos) << all;
  EXPECT_NE(all.find("\"static_listeners\":[]"), std::string::npos) << all;
}

TEST_F(ConfigDump, AMaskLeavesOutTheRest) {
  const std::string bootstrap = Dump({.mask = "bootstrap.static_resources"});
  EXPECT_TRUE(bootstrap.starts_with(
      R"({"configs":[{"@type":"type.googleapis.com/envoy.admin.v3.BootstrapConfigDump","bootstrap":{"static)"))
      << bootstrap;
  EXPECT_EQ(bootstrap.find("last_updated"), std::string::npos);
  const std::string clusters = Dump({.mask = "static_clusters"});
  EXPECT_TRUE(clusters.starts_with(
      R"({"configs":[{"@type":"type.googleapis.com/envoy.admin.v3.ClustersConfigDump","static_clusters":[{)"))
      << clusters;
  EXPECT_EQ(clusters.find("dynamic_active_clusters"), std::string::npos);
  EXPECT_EQ(
      Dump({.resource = "static_clusters", .mask = "last_updated", .name_regex = "one"}).find("cluster\":"),
      std::string::npos);
}

TEST_F(ConfigDump, SaysWhatMakesNoSense) {
  EXPECT_EQ(Dump({.resource = "nope"}), "NOT_FOUND: nope not found in config dump");
  EXPECT_EQ(Dump({.resource = "bootstrap"}),
            "INVALID_ARGUMENT: bootstrap is not a repeated field; ?mask=bootstrap shows only it");
  for (const char* mask : {"cluster.nope", "nope", "cluster.load_assignment.endpoints.lb_endpoints"}) {
    EXPECT_EQ(Dump({.resource = "static_clusters", .mask = mask}),
              "INVALID_ARGUMENT: the mask " + std::string(mask) + " fits nothing in the configuration dump");
  }
  EXPECT_NE(Dump({.mask = "static_clusters.cluster"}).find("INVALID_ARGUMENT"), std::string::npos);
  EXPECT_NE(Dump({.name_regex = "("}).find("INVALID_ARGUMENT: name_regex: "), std::string::npos);
}

}  // namespace
}  // namespace narthex
