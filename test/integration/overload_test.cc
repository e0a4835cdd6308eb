// The overload manager, driven by pressures that the test injects through a file.

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "test/integration/gateway.h"
#include "test/integration/sockets.h"

namespace narthex {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
const std::string kActions = "overload.envoy.overload_actions.";

class OverloadTest : public ::testing::Test {
 protected:
  ~OverloadTest() override { unlink(file_.c_str()); }

  // The gateway does `action` at a pressure of 0.9, and looks often. `more` stands beside its name.
  std::string Yaml(const std::string& action, const std::string& more = "",
                   const std::string& beside = "") const {
    return "overload_manager: {refresh_interval: 0.01s, resource_monitors: [{name: injected, typed_config: "
           "{'@type': type.googleapis.com/envoy.extensions.resource_monitors.injected_resource.v3."
           "InjectedResourceConfig, filename: '" +
           file_ + "'}}], actions: [{name: envoy.overload_actions." + action +
           ", triggers: [{name: injected, threshold: {value: 0.9}}]" + more + "}]" + beside + "}\n" +
           GatewayYaml(upstream_.port());
  }
  void SetPressure(const std::string& pressure) const {
    std::ofstream(file_ + ".new") << pressure;
    ASSERT_EQ(rename((file_ + ".new").c_str(), file_.c_str()), 0);
  }
  // Waits until the action is done, or no longer.
  void SetPressure(const std::string& pressure, const std::string& action, bool active) const {
    SetPressure(pressure);
    ASSERT_TRUE(StatBecomes(kActions + action + ".active", active ? 1 : 0));
  }
  // Until the worker of `open`, the only one, has heard of it: when the next round is seen it was told in the
  // one before, and it does what it is told before it goes on from one event to another.
  void StopAccepting(Wire& open) const {
    SetPressure("1", "stop_accepting_connections", true);
    SetPressure("0.96");
    ASSERT_TRUE(StatBecomes("overload.injected.pressure", 96));
    EXPECT_TRUE(Ask(open).ends_with("fine"));
  }
  static std::string Ask(Wire& client) {
    client.Send(kGet);
    return client.ReadMessage();
  }

  const std::string file_ = ::testing::TempDir() + "overload_" + std::to_string(getpid());
  ScriptedUpstream upstream_{AnswerAlways("fine")};
};

TEST_F(OverloadTest, RequestsAreRefusedAndServedAgainOnTheSameConnection) {
  SetPressure("0.1");
  Gateway gateway(Yaml("stop_accepting_requests"));
  Wire client = Wire::ConnectTo(gateway.port());
  EXPECT_TRUE(Ask(client).ends_with("fine"));
  SetPressure("0.95", "stop_accepting_requests", true);
  EXPECT_EQ(Stat("overload.injected.pressure"), 95u);
  const std::string refused = Ask(client);
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_TRUE(refused.ends_with("\r\n\r\nenvoy overloaded")) << refused;
  SetPressure("0.2", "stop_accepting_requests", false);
  EXPECT_TRUE(Ask(client).ends_with("fine"));
}

TEST_F(OverloadTest, ConnectionsWaitUntilThePressureIsGone) {
  SetPressure("0");
  Gateway gateway(Yaml("stop_accepting_connections"));
  Wire old = Wire::ConnectTo(gateway.port());
  EXPECT_TRUE(Ask(old).ends_with("fine"));
  StopAccepting(old);
  const uint64_t accepted = Stat("listener.127.0.0.1_0.downstream_cx_total");
  Wire waiting = Wire::ConnectTo(gateway.port());
  waiting.Send(kGet);
  EXPECT_FALSE(waiting.WaitForInput(200));
  EXPECT_EQ(Stat("listener.127.0.0.1_0.downstream_cx_total"), accepted);
  SetPressure("0", "stop_accepting_connections", false);
  EXPECT_TRUE(waiting.ReadMessage().ends_with("fine"));
}

TEST_F(OverloadTest, AReloadWithoutItTakesConnectionsAgain) {
  SetPressure("0");
  Gateway gateway(Yaml("stop_accepting_connections"));
  Wire old = Wire::ConnectTo(gateway.port());
  EXPECT_TRUE(Ask(old).ends_with("fine"));
  StopAccepting(old);
  Wire waiting = Wire::ConnectTo(gateway.port());
  waiting.Send(kGet);
  EXPECT_FALSE(waiting.WaitForInput(200));
  gateway.Replace(GatewayYaml(upstream_.port()));
  EXPECT_TRUE(waiting.ReadMessage().ends_with("fine"));
  EXPECT_EQ(Stat(kActions + "stop_accepting_connections.active"), 0u);
}

TEST_F(OverloadTest, KeepAliveEnds) {
  SetPressure("1");
  Gateway gateway(Yaml("disable_http_keepalive"));
  ASSERT_TRUE(StatBecomes(kActions + "disable_http_keepalive.active", 1));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  const std::string all = client.ReadAll();
  EXPECT_NE(all.find("connection: close"), std::string::npos) << all;
  EXPECT_TRUE(all.ends_with("fine")) << all;
}

TEST_F(OverloadTest, IdleConnectionsAreClosedSooner) {
  SetPressure("0");
  Gateway gateway(Yaml("reduce_timeouts",
                       ", typed_config: {'@type': type.googleapis.com/envoy.config.overload.v3."
                       "ScaleTimersOverloadActionConfig, timer_scale_factors: [{timer: "
                       "HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 0.05s}]}"));
  Wire client = Wire::ConnectTo(gateway.port());
  EXPECT_TRUE(Ask(client).ends_with("fine"));
  EXPECT_FALSE(client.WaitForInput(200));
  SetPressure("1", "reduce_timeouts", true);
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_TRUE(StatBecomes("http.front.downstream_cx_idle_timeout", 1));
}

TEST_F(OverloadTest, StreamsThatHoldMuchAreReset) {
  SetPressure("0");
  std::string yaml = Yaml("reset_high_memory_stream", "",
                          ", buffer_factory_config: {minimum_account_to_track_power_of_two: 14}");
  const std::string filters = "          http_filters:\n";
  yaml.replace(yaml.find(filters), filters.size(),
               filters +
                   "          - {name: buffer, typed_config: {'@type': type.googleapis.com/"
                   "envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 1000000}}\n");
  Gateway gateway(yaml);
  Wire small = Wire::ConnectTo(gateway.port()), large = Wire::ConnectTo(gateway.port());
  EXPECT_TRUE(Ask(small).ends_with("fine"));
  large.Send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 500000\r\n\r\n" + std::string(200'000, 'x'));
  const uint64_t before = Stat(kActions + "reset_high_memory_stream.count");
  SetPressure("1");
  EXPECT_TRUE(StatBecomes(kActions + "reset_high_memory_stream.count", before + 1));
  EXPECT_EQ(large.ReadAll(), "");
  EXPECT_TRUE(Ask(small).ends_with("fine"));
}

TEST_F(OverloadTest, TheHeapIsShrunk) {
  SetPressure("1");
  const uint64_t before = Stat(kActions + "shrink_heap.shrink_count");
  Gateway gateway(Yaml("shrink_heap",
                       ", typed_config: {'@type': type.googleapis.com/envoy.config.overload.v3."
                       "ShrinkHeapConfig, max_unfreed_memory_bytes: 0}"));
  EXPECT_TRUE(StatBecomes(kActions + "shrink_heap.shrink_count", before + 1));
  Wire client = Wire::ConnectTo(gateway.port());
  EXPECT_TRUE(Ask(client).ends_with("fine")) << "pools fill again";
}

TEST_F(OverloadTest, AFileThatCannotBeReadIsCounted) {
  const uint64_t before = Stat("overload.injected.failed_updates");
  Gateway gateway(Yaml("stop_accepting_requests"));
  Wire client = Wire::ConnectTo(gateway.port());
  EXPECT_TRUE(Ask(client).ends_with("fine"));
  EXPECT_GT(Stat("overload.injected.failed_updates"), before);
  SetPressure("0.95", "stop_accepting_requests", true);
}

}  // namespace
}  // namespace narthex
