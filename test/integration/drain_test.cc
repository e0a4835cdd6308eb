// SIGTERM while clients are at work.

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/integration/gateway.h"
#include "test/integration/sockets.h"

namespace narthex {
namespace {

// What load threads have seen.
struct Load {
  std::atomic<int> good = 0;
  std::atomic<int> bad = 0;
  std::atomic<int> told_to_close = 0;
  std::atomic<bool> stop = false;
};

// Asks over and over, on a new connection whenever the old one was said to end.
void Ask(uint16_t port, Load& load) {
  while (!load.stop) {
    Wire client = Wire::ConnectTo(port);
    for (bool open = true; open && !load.stop;) {
      client.Send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
      const std::string answer = client.ReadMessage();
      if (answer.empty() && load.stop) return;
      (answer.ends_with("\r\n\r\nfine") ? load.good : load.bad)++;
      open = answer.find("connection: close") == std::string::npos;
      if (!open) ++load.told_to_close;
    }
  }
}

TEST(Drain, LosesNoRequestOfClientsThatGoOn) {
  std::promise<void> waiting, release;
  ScriptedUpstream upstream([&](Wire& wire) {
    for (std::string request; !(request = wire.ReadMessage()).empty();) {
      if (request.starts_with("GET /slow ")) {
        waiting.set_value();
        release.get_future().wait();
      }
      wire.Send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine");
    }
  });
  Gateway gateway(GatewayYaml(upstream.port()), /*workers=*/2);
  Load load;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back([&] { Ask(gateway.port(), load); });
  // A request that is under way all the time keeps the drain from ending.
  Wire slow = Wire::ConnectTo(gateway.port());
  slow.Send("GET /slow HTTP/1.1\r\nhost: a.test\r\n\r\n");
  waiting.get_future().wait();
  kill(getpid(), SIGTERM);
  while (load.told_to_close < 200 && load.bad == 0) std::this_thread::yield();
  load.stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(load.bad, 0);
  EXPECT_GE(load.good, 200);
  release.set_value();
  EXPECT_TRUE(slow.ReadAll().ends_with("\r\n\r\nfine"));
  gateway.WaitForEnd();
}

}  // namespace
}  // namespace narthex
