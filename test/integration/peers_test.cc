// Slow, broken and impatient peers over real sockets. What needs every byte in its place is in
// test/http/proxy_test.cc.

#include <atomic>
#include <future>

#include "gtest/gtest.h"
#include "test/integration/gateway.h"
#include "test/integration/sockets.h"

namespace narthex {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
constexpr const char* kActive = "http.front.downstream_rq_active";
// A route that needs no upstream, and all else to the upstream.
constexpr const char* kRoutes =
    "[{match: {path: /direct}, direct_response: {status: 204}}, {match: {prefix: /}, route: {cluster: "
    "service}}]";

std::string StatusOf(const std::string& message) {
  return message.substr(0, message.find("\r\n"));
}
std::string BodyOf(const std::string& message) {
  return message.substr(message.find("\r\n\r\n") + 4);
}
std::string Direct(uint16_t port) {
  Wire client = Wire::ConnectTo(port);
  client.Send("GET /direct HTTP/1.1\r\nhost: a.test\r\n\r\n");
  return StatusOf(client.ReadMessage());
}

TEST(SlowClient, ThatNeverEndsItsHeadIsToldSo) {
  Gateway gateway(GatewayYaml(1, kRoutes, {"request_headers_timeout: 0.3s"}));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send("GET / HTTP/1.1\r\nx-slow: ");
  // Bytes that keep coming must not extend the time.
  for (int i = 0; i < 500 && !client.WaitForInput(20); ++i) client.Send("x");
  EXPECT_EQ(StatusOf(client.ReadAll()), "HTTP/1.1 408 Request Timeout");
  EXPECT_TRUE(StatBecomes(kActive, 0));
}

TEST(SlowClient, ThatStallsInItsBodyIsToldSoAndTheUpstreamLetGo) {
  std::promise<std::string> seen;
  ScriptedUpstream upstream([&](Wire& wire) { seen.set_value(wire.ReadAll()); });
  Gateway gateway(GatewayYaml(upstream.port(), kRoutes, {"stream_idle_timeout: 0.3s"}));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 10\r\n\r\nabc");
  EXPECT_EQ(StatusOf(client.ReadAll()), "HTTP/1.1 408 Request Timeout");
  EXPECT_TRUE(seen.get_future().get().ends_with("\r\n\r\nabc"));
  EXPECT_TRUE(StatBecomes(kActive, 0));
}

TEST(HalfClosedClient, GetsItsAnswerWhenItComesAtOnce) {
  ScriptedUpstream upstream(AnswerAlways("still here"));
  Gateway gateway(GatewayYaml(upstream.port()));
  for (int i = 0; i < 20; ++i) {
    Wire client = Wire::ConnectTo(gateway.port());
    client.Send(kGet);
    client.ShutdownWrite();
    EXPECT_EQ(BodyOf(client.ReadAll()), "still here") << "connection " << i;
  }
}

TEST(HalfClosedClient, GetsItsAnswerWhenItComesLater) {
  std::promise<void> go_on;
  ScriptedUpstream upstream([&](Wire& wire) {
    wire.ReadMessage();
    go_on.get_future().wait();
    wire.Send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate");
    wire.ReadAll();
  });
  Gateway gateway(GatewayYaml(upstream.port(), kRoutes));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  client.ShutdownWrite();
  // The one worker has met the FIN before this later request, or with it.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Direct(gateway.port()), "HTTP/1.1 204 No Content");
  go_on.set_value();
  EXPECT_EQ(BodyOf(client.ReadAll()), "late");
}

TEST(AClientThatResets, LeavesNothingBehindAtAnyStage) {
  ScriptedUpstream upstream([](Wire& wire) {
    wire.ReadUntil("\r\n\r\n");
    wire.Send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome of it");
    wire.ReadAll();
  });
  Gateway gateway(GatewayYaml(upstream.port(), kRoutes));
  const std::string post = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 10\r\n\r\n";
  for (const std::string& begun : {std::string("GE"), std::string("GET / HTTP/1.1\r\nhost"), post,
                                   post + "abc", post + "0123456789", std::string(kGet)}) {
    SCOPED_TRACE(begun);
    Wire client = Wire::ConnectTo(gateway.port());
    client.Send(begun);
    client.Reset();
    Wire reader = Wire::ConnectTo(gateway.port());
    reader.Send(begun);
    if (begun == kGet) reader.ReadUntil("some of it");
    reader.Reset();
    EXPECT_EQ(Direct(gateway.port()), "HTTP/1.1 204 No Content");
    EXPECT_TRUE(StatBecomes(kActive, 0));
    EXPECT_TRUE(StatBecomes("cluster.service.upstream_rq_active", 0));
  }
  EXPECT_TRUE(StatBecomes("http.front.downstream_cx_active", 0));
}

TEST(AnUpstreamThatCloses, AfterEachAnswerServesEveryRequest) {
  std::atomic<int> connections = 0;
  ScriptedUpstream upstream([&](Wire& wire) {
    ++connections;
    wire.ReadMessage();
    wire.Send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbye");
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  for (int i = 0; i < 5; ++i) {
    client.Send(kGet);
    EXPECT_EQ(BodyOf(client.ReadMessage()), "bye");
  }
  EXPECT_EQ(connections, 5);
}

TEST(AnUpstreamThatCloses, WhileTheNextRequestIsOnItsWayCostsNoRequest) {
  std::atomic<int> connections = 0;
  ScriptedUpstream upstream([&](Wire& wire) {
    ++connections;
    wire.ReadMessage();
    wire.Send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    wire.ReadMessage();  // and no answer
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  for (int i = 0; i < 10; ++i) {
    client.Send(kGet);
    EXPECT_EQ(BodyOf(client.ReadMessage()), "ok") << "request " << i;
  }
  EXPECT_EQ(connections, 10);
}

TEST(AnUpstreamThatAnswersEarly, AndClosesWithTheBodyUnreadIsHeard) {
  ScriptedUpstream upstream([](Wire& wire) {
    wire.ReadUntil("\r\n\r\n");
    wire.Send("HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbig");
  });
  Gateway gateway(GatewayYaml(upstream.port(), kRoutes));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 1000000\r\n\r\n" + std::string(65536, 'x'));
  const std::string answer = client.ReadMessage();
  EXPECT_EQ(StatusOf(answer), "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(BodyOf(answer), "big");
  EXPECT_EQ(Direct(gateway.port()), "HTTP/1.1 204 No Content");
}

TEST(PipelinedRequests, AreAnsweredInOrderAHundredAtOnce) {
  ScriptedUpstream upstream([](Wire& wire) {
    for (std::string request; !(request = wire.ReadMessage()).empty();) {
      const std::string path = request.substr(4, request.find(' ', 4) - 4);
      wire.Send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(path.size()) + "\r\n\r\n" + path);
    }
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  std::string all;
  for (int i = 0; i < 100; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nhost: a.test\r\n\r\n";
  client.Send(all);
  client.ShutdownWrite();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(BodyOf(client.ReadMessage()), "/" + std::to_string(i));
  EXPECT_EQ(client.ReadAll(), "");
}

TEST(LongHeads, PassUpToTheLimitBothWays) {
  ScriptedUpstream upstream([](Wire& wire) {
    for (std::string request; !(request = wire.ReadMessage()).empty();) {
      const size_t length = request.find("small") != std::string::npos ? 61 : 59;
      EXPECT_GT(request.size(), length == 59 ? 59'000u : 0u);
      wire.Send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-long: " + std::string(length * 1024, 'r') +
                "\r\n\r\nok");
    }
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  const auto ask = [&](const std::string& value) {
    Wire client = Wire::ConnectTo(gateway.port());
    client.Send("GET / HTTP/1.1\r\nhost: a.test\r\nx-long: " + value + "\r\n\r\n");
    return client.ReadMessage();
  };
  const std::string answer = ask(std::string(59 * 1024, 'q'));
  EXPECT_EQ(StatusOf(answer), "HTTP/1.1 200 OK");
  EXPECT_GT(answer.size(), 59'000u);
  EXPECT_EQ(StatusOf(ask(std::string(61 * 1024, 'q'))), "HTTP/1.1 431 Request Header Fields Too Large");
  const std::string refused = ask("small");
  EXPECT_EQ(StatusOf(refused), "HTTP/1.1 502 Bad Gateway");
  EXPECT_NE(refused.find("reset reason: protocol error"), std::string::npos) << refused;
}

}  // namespace
}  // namespace narthex
