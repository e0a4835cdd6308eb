// Filter chains that end with a TCP proxy, and transport sockets with a PROXY header.

#include "gtest/gtest.h"
#include "source/server/explain.h"
#include "source/tcp_proxy/tcp_proxy_config.h"
#include "test/server/text_snapshot.h"

namespace narthex {
namespace {

std::string TcpWith(const std::string& fields) {
  return "{name: tcp, typed_config: {'@type': "
         "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: t, " +
         fields + "}}";
}

std::string TcpChain(const std::string& fields, const std::string& match = "{}") {
  return "{filter_chain_match: " + match + ", filters: [" + TcpWith(fields) + "]}";
}

// A listener in front of a cluster with this transport socket.
std::string WithSocket(const std::string& socket) {
  std::string yaml = BootstrapWith(ListenerWith("l", 80, TcpChain("cluster: c")), {"c"});
  return yaml.insert(yaml.find("connect_timeout"), "transport_socket: " + socket + ", ");
}

std::string ProxySocket(const std::string& config, const std::string& inner) {
  return "{name: proxy, typed_config: {'@type': type.googleapis.com/"
         "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport" +
         config + inner + "}}";
}

constexpr char kRaw[] =
    ", transport_socket: {name: raw, typed_config: {'@type': "
    "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}";

TEST(TcpChain, StandsBesideOneOfHttp) {
  const TextSnapshot text(
      BootstrapWith(ListenerWith("l", 80,
                                 TcpChain("cluster: c", "{transport_protocol: tls}") + ", {filters: [" +
                                     HcmWith("{match: {prefix: /}, route: {cluster: c}}") + "]}"),
                    {"c"}));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  const auto& chains = text.snapshot->listeners[0]->chains;
  ASSERT_NE(chains[0].tcp, nullptr);
  EXPECT_EQ(chains[0].hcm, nullptr);
  EXPECT_EQ(chains[0].tcp->read_size, 32u * 1024);
  EXPECT_EQ(chains[1].tcp, nullptr);
  EXPECT_NE(chains[1].hcm, nullptr);
}

TEST(TcpChain, AnUnknownClusterIsAnErrorInItsPlace) {
  const TextSnapshot text(BootstrapWith(ListenerWith("l", 80, TcpChain("cluster: lost")), {"c"}));
  EXPECT_EQ(text.snapshot, nullptr);
  EXPECT_NE(
      text.diagnostics.ToText().find("<--config-yaml>:3:259: static_resources.listeners[0].filter_chains[0]."
                                     "filters[0].typed_config.cluster: no cluster is called \"lost\""),
      std::string::npos)
      << text.diagnostics.ToText();
}

TEST(TcpChain, IsTheLastFilterOnly) {
  const TextSnapshot text(BootstrapWith(
      ListenerWith("l", 80, "{filters: [" + TcpWith("cluster: c") + ", " + TcpWith("cluster: c") + "]}"),
      {"c"}));
  EXPECT_EQ(text.diagnostics.error_count(), 1u);
  EXPECT_NE(text.diagnostics.ToText().find("filters[0]: network filter \"tcp\" is not supported"),
            std::string::npos)
      << text.diagnostics.ToText();
}

ExplainRequest Question() {
  ExplainRequest question;
  question.url = "http://a.test/";
  return question;
}

TEST(TcpChain, IsExplainedByItsClusters) {
  const TextSnapshot one(BootstrapWith(ListenerWith("l", 80, TcpChain("cluster: c")), {"c"}));
  ASSERT_NE(one.snapshot, nullptr) << one.diagnostics.ToText();
  const auto explained = ExplainIn(*one.snapshot, Question());
  ASSERT_TRUE(explained.ok());
  EXPECT_EQ(explained->cluster, "c");
  EXPECT_NE(explained->ToText().find("127.0.0.1:1"), std::string::npos) << explained->ToText();
  const TextSnapshot two(BootstrapWith(
      ListenerWith("l", 80,
                   TcpChain("weighted_clusters: {clusters: [{name: c, weight: 1}, {name: d, weight: 3}]}")),
      {"c", "d"}));
  ASSERT_NE(two.snapshot, nullptr) << two.diagnostics.ToText();
  const auto shared = ExplainIn(*two.snapshot, Question());
  EXPECT_NE(shared->ToText().find("cluster d: 3 of 4 connections"), std::string::npos) << shared->ToText();
}

int ProxyVersion(const TextSnapshot& text) {
  return text.snapshot->clusters->clusters.at("c")->config().connection.proxy_protocol;
}

TEST(ProxySocket, ChoosesTheVersionOfItsHeader) {
  for (const auto& [config, version] :
       {std::pair{"", 1}, {", config: {version: V1}", 1}, {", config: {version: V2}", 2}}) {
    const TextSnapshot text(WithSocket(ProxySocket(config, kRaw)));
    ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
    EXPECT_EQ(ProxyVersion(text), version);
    EXPECT_EQ(text.snapshot->clusters->clusters.at("c")->config().connection.tls, nullptr);
  }
}

TEST(ProxySocket, MayHaveTlsBehindIt) {
  const TextSnapshot text(WithSocket(ProxySocket(
      "",
      ", transport_socket: {name: tls, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, sni: a.test}}")));
  ASSERT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  EXPECT_EQ(ProxyVersion(text), 1);
  EXPECT_NE(text.snapshot->clusters->clusters.at("c")->config().connection.tls, nullptr);
}

TEST(ProxySocket, NeedsATransportBehindItThatIsNoneOfItsKind) {
  const TextSnapshot none(WithSocket(ProxySocket("", "")));
  EXPECT_EQ(none.snapshot, nullptr);
  EXPECT_NE(none.diagnostics.ToText().find("transport_socket"), std::string::npos);
  const TextSnapshot twice(WithSocket(ProxySocket("", ", transport_socket: " + ProxySocket("", kRaw))));
  EXPECT_EQ(twice.snapshot, nullptr);
  EXPECT_NE(twice.diagnostics.ToText().find(
                "transport_socket.typed_config.transport_socket.typed_config: expected a "
                "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
            std::string::npos)
      << twice.diagnostics.ToText();
}

TEST(ProxySocket, RefusesWhatIsNotSupported) {
  const TextSnapshot text(WithSocket(ProxySocket(", config: {added_tlvs: [{}]}", kRaw)));
  EXPECT_EQ(text.snapshot, nullptr);
  EXPECT_NE(text.diagnostics.ToText().find("added_tlvs"), std::string::npos) << text.diagnostics.ToText();
}

}  // namespace
}  // namespace narthex
