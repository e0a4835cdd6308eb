#include "source/tcp_proxy/tcp_proxy_config.h"

#include <string>

#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "gtest/gtest.h"
#include "source/base/block.h"
#include "source/config/document.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

// Compiles a TCP proxy where there are the clusters "a" and "b".
struct Compiled {
  explicit Compiled(const std::string& yaml, uint32_t buffer_limit = 1024 * 1024) {
    envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy message;
    if (LoadString("tcp.yaml", yaml, message, document, diagnostics)) {
      config =
          CompileTcpProxy(message, document.Root(),
                          {.diagnostics = diagnostics,
                           .has_cluster = [](std::string_view name) { return name == "a" || name == "b"; },
                           .buffer_limit = buffer_limit});
    }
    text = diagnostics.ToText();
  }
  bool Says(std::string_view part) const { return text.find(part) != std::string::npos; }

  ConfigDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<const TcpProxyConfig> config;
  std::string text;
};

TEST(TcpProxyConfig, HasEnvoysDefaults) {
  const Compiled compiled("stat_prefix: s\ncluster: a\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  EXPECT_EQ(compiled.config->ChooseCluster(12345), "a");
  EXPECT_EQ(compiled.config->max_connect_attempts, 1u);
  EXPECT_EQ(compiled.config->idle_timeout, 1h);
  EXPECT_EQ(compiled.config->max_duration, 0ms);
  EXPECT_EQ(compiled.config->log_interval, 0ms);
}

TEST(TcpProxyConfig, ReadsAllOfItsFields) {
  const Compiled compiled(
      "stat_prefix: s\ncluster: a\nmax_connect_attempts: 3\nidle_timeout: 0s\n"
      "max_downstream_connection_duration: 0.0015s\naccess_log_options: {access_log_flush_interval: 2s, "
      "flush_access_log_on_connected: true, flush_access_log_on_start: true}\n"
      "access_log: [{name: out, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}]\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  EXPECT_EQ(compiled.config->max_connect_attempts, 3u);
  EXPECT_EQ(compiled.config->idle_timeout, 0ms);
  EXPECT_EQ(compiled.config->max_duration, 2ms);
  EXPECT_EQ(compiled.config->log_interval, 2s);
  EXPECT_TRUE(compiled.config->log_on_connected);
  EXPECT_TRUE(compiled.config->log_on_start);
  EXPECT_EQ(compiled.config->access_logs.size(), 1u);
}

TEST(TcpProxyConfig, OneReadIsBoundedByTheBufferLimit) {
  EXPECT_EQ(Compiled("stat_prefix: s\ncluster: a\n", 1000).config->read_size, 1000u);
  EXPECT_EQ(Compiled("stat_prefix: s\ncluster: a\n", 0).config->read_size, 4 * Block::kSize);
}

TEST(TcpProxyConfig, ClustersGetTheirShareOfTheConnections) {
  const Compiled compiled(
      "stat_prefix: s\nweighted_clusters: {clusters: [{name: a, weight: 1}, {name: b, weight: 3}]}\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  EXPECT_EQ(compiled.config->ChooseCluster(0), "a");
  EXPECT_EQ(compiled.config->ChooseCluster(1), "b");
  EXPECT_EQ(compiled.config->ChooseCluster(3), "b");
  EXPECT_EQ(compiled.config->ChooseCluster(4), "a");
}

TEST(TcpProxyConfig, TheSumOfWeightsDoesNotOverflow) {
  const Compiled compiled(
      "stat_prefix: s\nweighted_clusters: {clusters: [{name: a, weight: 4294967295}, {name: b, weight: "
      "2}]}\n");
  ASSERT_NE(compiled.config, nullptr) << compiled.text;
  EXPECT_EQ(compiled.config->ChooseCluster(4294967294), "a");
  EXPECT_EQ(compiled.config->ChooseCluster(4294967295), "b");
}

TEST(TcpProxyConfig, NamesThePlaceOfEachUnknownCluster) {
  const Compiled one("stat_prefix: s\ncluster: lost\n");
  EXPECT_EQ(one.config, nullptr);
  EXPECT_TRUE(one.Says("tcp.yaml:2:1: cluster: no cluster is called \"lost\"")) << one.text;
  const Compiled two(
      "stat_prefix: s\nweighted_clusters:\n  clusters:\n  - {name: a, weight: 1}\n  - {name: lost, weight: "
      "1}\n");
  EXPECT_EQ(two.config, nullptr);
  EXPECT_TRUE(two.Says("tcp.yaml:5:6: weighted_clusters.clusters[1].name: no cluster is called \"lost\""))
      << two.text;
}

TEST(TcpProxyConfig, RefusesWhatItsRulesForbid) {
  EXPECT_TRUE(Compiled("cluster: a\n").Says("stat_prefix"));
  EXPECT_TRUE(Compiled("stat_prefix: s\n").Says("needs one of cluster, weighted_clusters"));
  EXPECT_TRUE(Compiled("stat_prefix: s\ncluster: a\nmax_connect_attempts: 0\n").Says("tcp.yaml:3:"));
  EXPECT_TRUE(
      Compiled("stat_prefix: s\ncluster: a\nmax_downstream_connection_duration: 0s\n").Says("tcp.yaml:3:"));
  EXPECT_TRUE(Compiled("stat_prefix: s\nweighted_clusters: {clusters: [{name: a, weight: 0}]}\n")
                  .Says("tcp.yaml:2:"));
}

TEST(TcpProxyConfig, RefusesWhatIsNotSupportedWithItsPlace) {
  for (const char* field : {"hash_policy: [{}]", "tunneling_config: {hostname: h}", "metadata_match: {}",
                            "upstream_connect_mode: IMMEDIATE", "on_demand: {}"}) {
    const Compiled compiled(std::string("stat_prefix: s\ncluster: a\n") + field + "\n");
    EXPECT_EQ(compiled.config, nullptr) << field;
    EXPECT_TRUE(compiled.Says("tcp.yaml:3:")) << compiled.text;
  }
}

TEST(TcpProxyConfig, AWrongAccessLogIsAnErrorInItsPlace) {
  const Compiled compiled("stat_prefix: s\ncluster: a\naccess_log:\n- {name: none}\n");
  EXPECT_EQ(compiled.config, nullptr);
  EXPECT_TRUE(compiled.Says("access_log[0].typed_config")) << compiled.text;
}

}  // namespace
}  // namespace narthex
