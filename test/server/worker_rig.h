#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/server/listen_sockets.h"
#include "source/server/worker.h"
#include "test/integration/sockets.h"
#include "test/server/text_snapshot.h"

namespace narthex {

inline std::string Answering(const std::string& listener, int status) {
  return ListenerWith(
      listener, 0,
      "{filters: [" +
          HcmWith("{match: {prefix: /}, direct_response: {status: " + std::to_string(status) + "}}") + "]}");
}

inline std::shared_ptr<const Snapshot> SnapshotOf(const std::string& listeners) {
  TextSnapshot text(BootstrapWith(listeners, {"c"}));
  EXPECT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  return text.snapshot;
}

inline std::string Ask(Wire& client) {
  client.Send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  return client.ReadMessage();
}
inline std::string StatusLine(Wire& client) {
  return Ask(client).substr(0, 12);
}
inline std::string StatusLine(uint16_t port) {
  Wire client = Wire::ConnectTo(port);
  return StatusLine(client);
}

// One worker with the sockets of a snapshot, updated as the server does it.
class WorkerTest : public testing::Test {
 protected:
  void Start(const std::string& listeners) {
    Load(listeners);
    worker_ =
        std::make_unique<Worker>(0, shared_, WorkerUpdate{snapshot_, sockets_.ForWorker(*snapshot_, 0)});
  }
  void Update(const std::string& listeners) {
    Load(listeners);
    std::promise<void> applied;
    worker_->Apply({snapshot_, sockets_.ForWorker(*snapshot_, 0)}, [&] { applied.set_value(); });
    applied.get_future().wait();
  }
  void StopListening() {
    std::promise<void> stopped;
    worker_->StopListening([&] { stopped.set_value(); });
    stopped.get_future().wait();
    sockets_ = {};
  }
  uint16_t Port(size_t listener = 0) const { return sockets_.all()[listener].bound().port(); }

  void Load(const std::string& listeners) {
    snapshot_ = SnapshotOf(listeners);
    ASSERT_NE(snapshot_, nullptr);
    absl::StatusOr<ListenSockets> bound = ListenSockets::Bind(*snapshot_, 1, sockets_);
    ASSERT_TRUE(bound.ok()) << bound.status();
    sockets_ = *std::move(bound);
  }

  std::shared_ptr<WorkerShared> shared_ = std::make_shared<WorkerShared>();
  std::shared_ptr<const Snapshot> snapshot_;
  ListenSockets sockets_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace narthex
