// What a listener's statistics say about the end of a client's connection.

#include <future>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/integration/gateway.h"
#include "test/integration/sockets.h"

namespace narthex {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";

// http.front.downstream_cx_<name>; statistics of the process, so that tests count differences.
uint64_t Count(std::string_view name) {
  return Stat("http.front.downstream_cx_" + std::string(name));
}
bool Becomes(std::string_view name, uint64_t wanted) {
  return StatBecomes("http.front.downstream_cx_" + std::string(name), wanted);
}

struct Case {
  std::string name;
  std::vector<std::string> fields;  // of the connection manager
  std::string statistic;
  uint64_t local;  // whether destroy_local counts, rather than destroy_remote
  bool client_leaves = false;
};

class ConnectionEnd : public ::testing::TestWithParam<Case> {};

TEST_P(ConnectionEnd, IsCountedByItsReason) {
  const Case& test = GetParam();
  ScriptedUpstream upstream(AnswerAlways("ok"));
  Gateway gateway(
      GatewayYaml(upstream.port(), "[{match: {prefix: /}, route: {cluster: service}}]", test.fields));
  const uint64_t before = Count(test.statistic), all = Count("destroy");
  const uint64_t local = Count("destroy_local"), remote = Count("destroy_remote");
  const uint64_t cut_off = Count("destroy_active_rq");
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  EXPECT_TRUE(client.ReadMessage().ends_with("ok"));
  if (!test.client_leaves) EXPECT_EQ(client.ReadAll(), "");
  client.Close();
  EXPECT_TRUE(Becomes(test.statistic, before + 1));
  EXPECT_EQ(Count("destroy"), all + 1);
  EXPECT_EQ(Count("destroy_local"), local + test.local);
  EXPECT_EQ(Count("destroy_remote"), remote + 1 - test.local);
  EXPECT_EQ(Count("destroy_active_rq"), cut_off);
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, ConnectionEnd,
    ::testing::Values(
        Case{"Remote", {}, "destroy_remote", 0, /*client_leaves=*/true},
        Case{"Idle", {"common_http_protocol_options: {idle_timeout: 0.05s}"}, "idle_timeout", 1},
        Case{"Duration",
             {"common_http_protocol_options: {max_connection_duration: 0.1s}", "drain_timeout: 0.05s"},
             "max_duration_reached",
             1},
        Case{"Requests",
             {"common_http_protocol_options: {max_requests_per_connection: 1}"},
             "max_requests_reached",
             1}),
    [](const auto& info) { return info.param.name; });

TEST(ConnectionEndInARequest, IsCounted) {
  std::promise<void> release;
  ScriptedUpstream upstream([&](Wire& wire) {
    wire.ReadMessage();
    release.get_future().wait();
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  const uint64_t all = Count("destroy_active_rq"), local = Count("destroy_local_active_rq");
  const uint64_t remote = Count("destroy_remote_active_rq");
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  ASSERT_TRUE(StatBecomes("cluster.service.upstream_rq_active", 1));
  client.Reset();
  EXPECT_TRUE(Becomes("destroy_remote_active_rq", remote + 1));
  EXPECT_EQ(Count("destroy_active_rq"), all + 1);
  EXPECT_EQ(Count("destroy_local_active_rq"), local);
  release.set_value();
}

}  // namespace
}  // namespace narthex
