// How many connections a listener and all of them together take, and which one goes when there is one too
// many.

#include <chrono>
#include <future>

#include "gtest/gtest.h"
#include "test/integration/gateway.h"
#include "test/integration/sockets.h"

namespace narthex {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
const std::string kListenerLimit = "envoy.resource_limits.listener.front.connection_limit";
const std::string kGlobalLimit = "overload.global_downstream_max_connections";
const std::string kStat = "listener.127.0.0.1_0.";

std::string WithRuntime(const std::string& key, const std::string& value, uint16_t upstream) {
  return "layered_runtime: {layers: [{name: static, static_layer: {" + key + ": " + value + "}}]}\n" +
         GatewayYaml(upstream);
}

// An upstream that answers when it is told to.
class HeldUpstream {
 public:
  uint16_t port() const { return upstream_.port(); }
  void Release() { release_.set_value(); }

 private:
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  ScriptedUpstream upstream_{[this](Wire& wire) {
    while (!wire.ReadMessage().empty()) {
      released_.wait();
      wire.Send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
  }};
};

class Limits : public ::testing::TestWithParam<std::string> {
 protected:
  std::string Overflow() const {
    return kStat + (GetParam() == kGlobalLimit ? "downstream_global_cx_overflow" : "downstream_cx_overflow");
  }
};

TEST_P(Limits, CloseAConnectionTooManyWhereAllAreBusy) {
  HeldUpstream upstream;
  Gateway gateway(WithRuntime(GetParam(), "2", upstream.port()));
  Wire first = Wire::ConnectTo(gateway.port()), second = Wire::ConnectTo(gateway.port());
  first.Send(kGet);
  second.Send(kGet);
  ASSERT_TRUE(StatBecomes("cluster.service.upstream_rq_active", 2));
  const uint64_t before = Stat(Overflow());
  EXPECT_EQ(Wire::ConnectTo(gateway.port()).ReadAll(), "");
  EXPECT_EQ(Stat(Overflow()), before + 1);
  upstream.Release();
  EXPECT_TRUE(first.ReadMessage().ends_with("ok"));
  EXPECT_TRUE(second.ReadMessage().ends_with("ok"));
}

TEST_P(Limits, CloseAnIdleConnectionForANewOne) {
  ScriptedUpstream upstream(AnswerAlways("ok"));
  Gateway gateway(WithRuntime(GetParam(), "'2'", upstream.port()));
  const uint64_t evicted = Stat(kStat + "downstream_cx_idle_evicted");
  Wire silent = Wire::ConnectTo(gateway.port());
  ASSERT_TRUE(StatBecomes("http.front.downstream_cx_active", 1));
  Wire used = Wire::ConnectTo(gateway.port());
  // Until it has been idle for less than the other by the clock of the loop.
  const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  do {
    used.Send(kGet);
    EXPECT_TRUE(used.ReadMessage().ends_with("ok"));
  } while (std::chrono::steady_clock::now() < later);
  Wire next = Wire::ConnectTo(gateway.port());
  next.Send(kGet);
  EXPECT_TRUE(next.ReadMessage().ends_with("ok"));
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(Stat(kStat + "downstream_cx_idle_evicted"), evicted + 1);
  EXPECT_EQ(Stat("http.front.downstream_cx_active"), 2u);
  used.Send(kGet);
  EXPECT_TRUE(used.ReadMessage().ends_with("ok")) << "the longest idle one goes";
}

TEST_P(Limits, ChangeWithTheConfiguration) {
  HeldUpstream upstream;
  Gateway gateway(WithRuntime(GetParam(), "1", upstream.port()));
  Wire first = Wire::ConnectTo(gateway.port());
  first.Send(kGet);
  ASSERT_TRUE(StatBecomes("cluster.service.upstream_rq_active", 1));
  gateway.Replace(WithRuntime(GetParam(), "2", upstream.port()));
  Wire second = Wire::ConnectTo(gateway.port());
  second.Send(kGet);
  ASSERT_TRUE(StatBecomes("cluster.service.upstream_rq_active", 2));
  EXPECT_EQ(Wire::ConnectTo(gateway.port()).ReadAll(), "");
  upstream.Release();
  EXPECT_TRUE(first.ReadMessage().ends_with("ok"));
  EXPECT_TRUE(second.ReadMessage().ends_with("ok"));
}

INSTANTIATE_TEST_SUITE_P(OfAListenerAndOfAll, Limits, ::testing::Values(kListenerLimit, kGlobalLimit),
                         [](const auto& test) { return test.param == kListenerLimit ? "Listener" : "All"; });

}  // namespace
}  // namespace narthex
