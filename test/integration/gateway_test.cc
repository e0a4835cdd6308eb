#include "test/integration/gateway.h"

#include <atomic>
#include <future>

#include "gtest/gtest.h"
#include "test/integration/sockets.h"

namespace narthex {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";

std::string StatusOf(const std::string& message) {
  return message.substr(0, message.find("\r\n"));
}
std::string BodyOf(const std::string& message) {
  return message.substr(message.find("\r\n\r\n") + 4);
}

// Declared before the gateway in each test: the upstream's scripts end when the gateway has closed its
// connections.
TEST(Gateway, ForwardsARequestAndItsAnswer) {
  ScriptedUpstream upstream(AnswerAlways("hello"));
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  const std::string answer = client.ReadMessage();
  EXPECT_EQ(StatusOf(answer), "HTTP/1.1 200 OK");
  EXPECT_EQ(BodyOf(answer), "hello");
}

TEST(Gateway, TakesARequestByteByByteAndAnAnswerLikewise) {
  ScriptedUpstream upstream([](Wire& wire) {
    EXPECT_EQ(BodyOf(wire.ReadMessage()), "abc");
    wire.SendByteByByte("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n");
    wire.ReadAll();
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  client.SendByteByByte("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 3\r\n\r\nabc");
  client.ReadUntil("\r\n\r\n");
  const std::string body = client.ReadUntil("0\r\n\r\n");
  EXPECT_NE(body.find('x'), std::string::npos);
  EXPECT_NE(body.find('z'), std::string::npos);
}

TEST(Gateway, AnswersPipelinedRequestsInOrder) {
  ScriptedUpstream upstream(AnswerAlways("p"));
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(std::string(kGet) + std::string(kGet) + std::string(kGet));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(BodyOf(client.ReadMessage()), "p");
}

// What the client sees of an upstream that does `script` instead of answering.
std::string AnswerOver(std::function<void(Wire& wire)> script) {
  ScriptedUpstream upstream(std::move(script));
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send("POST / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab");
  return client.ReadAll();
}

TEST(Gateway, AnUpstreamThatResetsBeforeItsAnswerIsA503) {
  EXPECT_EQ(StatusOf(AnswerOver([](Wire& wire) { wire.Reset(); })), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(StatusOf(AnswerOver([](Wire& wire) {
              wire.ReadMessage();
              wire.Reset();
            })),
            "HTTP/1.1 503 Service Unavailable");
}

TEST(Gateway, AnUpstreamThatSpeaksNoHttpIsA502) {
  EXPECT_EQ(StatusOf(AnswerOver([](Wire& wire) {
              wire.ReadMessage();
              wire.Send("220 mail.test ESMTP\r\n\r\n");
              wire.ReadAll();
            })),
            "HTTP/1.1 502 Bad Gateway");
}

TEST(Gateway, ABodyThatBreaksOffIsNeverAWholeAnswer) {
  const std::string answer = AnswerOver([](Wire& wire) {
    wire.ReadMessage();
    wire.Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
  });
  EXPECT_EQ(answer.find("0\r\n\r\n"), std::string::npos) << answer;
}

TEST(Gateway, NobodyListeningIsA503) {
  uint16_t port = 0;
  {
    port = ScriptedUpstream([](Wire&) {}).port();
  }
  Gateway gateway(GatewayYaml(port));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  EXPECT_EQ(StatusOf(client.ReadMessage()), "HTTP/1.1 503 Service Unavailable");
}

TEST(Gateway, AClientThatGoesAwayCancelsTheUpstreamCall) {
  std::promise<std::string> rest;
  std::promise<void> asked;
  ScriptedUpstream upstream([&](Wire& wire) {
    wire.ReadMessage();
    asked.set_value();
    rest.set_value(wire.ReadAll());
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  asked.get_future().wait();
  client.Reset();
  // The upstream's connection is closed without an answer having been sent.
  EXPECT_EQ(rest.get_future().get(), "");
}

TEST(Gateway, ASlowReaderStopsTheUpstream) {
  const std::string block(1 << 20, 'x');
  std::promise<size_t> taken;
  std::promise<void> go_on;
  ScriptedUpstream upstream([&](Wire& wire) {
    wire.ReadMessage();
    wire.Send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(64 * block.size()) + "\r\n\r\n");
    size_t sent = 0;
    // What the kernels' buffers and the gateway hold between them is far less than the body.
    while (sent < 64 * block.size()) {
      const size_t now = wire.SendWithoutWaiting(block);
      sent += now;
      if (now == 0) break;
    }
    taken.set_value(sent);
    go_on.get_future().wait();
    for (; sent < 64 * block.size(); sent += std::min(block.size(), 64 * block.size() - sent)) {
      wire.Send(std::string_view(block).substr(0, std::min(block.size(), 64 * block.size() - sent)));
    }
  });
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  EXPECT_LT(taken.get_future().get(), 64 * block.size());
  go_on.set_value();
  EXPECT_EQ(BodyOf(client.ReadMessage()).size(), 64 * block.size()) << "the whole body arrives in the end";
}

TEST(Gateway, ManyReloadsUnderLoadLoseNoRequest) {
  ScriptedUpstream upstream(AnswerAlways("same"));
  Gateway gateway(GatewayYaml(upstream.port()), /*workers=*/2);
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0;
  std::atomic<int> bad = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      Wire client = Wire::ConnectTo(gateway.port());
      while (!stop) {
        client.Send(kGet);
        (BodyOf(client.ReadMessage()) == "same" ? good : bad)++;
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    // Each differs from the one before, in routes and in the cluster.
    std::string routes = "[{match: {path: /" + std::to_string(i) + "}, direct_response: {status: 204}}, " +
                         "{match: {prefix: /}, route: {cluster: service}}]";
    std::string yaml = GatewayYaml(upstream.port(), routes);
    if (i % 2 == 0) yaml.replace(yaml.find("connect_timeout: 5s"), 19, "connect_timeout: 4s");
    gateway.Replace(yaml);
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(bad, 0);
  EXPECT_GT(good, 100);
}

TEST(Gateway, AReloadMovesOldConnectionsToTheNewRoutes) {
  ScriptedUpstream upstream(AnswerAlways("forwarded"));
  Gateway gateway(GatewayYaml(upstream.port()));
  Wire client = Wire::ConnectTo(gateway.port());
  client.Send(kGet);
  EXPECT_EQ(BodyOf(client.ReadMessage()), "forwarded");
  gateway.Replace(
      GatewayYaml(upstream.port(),
                  "[{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: direct}}}]"));
  client.Send(kGet);
  EXPECT_EQ(BodyOf(client.ReadMessage()), "direct");
}

}  // namespace
}  // namespace narthex
