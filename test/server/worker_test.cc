#include "source/server/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>

#include "gtest/gtest.h"
#include "source/server/listen_sockets.h"
#include "test/integration/sockets.h"
#include "test/server/text_snapshot.h"

namespace narthex {
namespace {

std::string Answering(const std::string& listener, int status) {
  return ListenerWith(
      listener, 0,
      "{filters: [" +
          HcmWith("{match: {prefix: /}, direct_response: {status: " + std::to_string(status) + "}}") + "]}");
}

std::shared_ptr<const Snapshot> SnapshotOf(const std::string& listeners) {
  TextSnapshot text(BootstrapWith(listeners, {"c"}));
  EXPECT_NE(text.snapshot, nullptr) << text.diagnostics.ToText();
  return text.snapshot;
}

// Whether something listens there.
bool Listens(uint16_t port) {
  const Address address = *Address::Ip("127.0.0.1", port);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const bool connected = connect(fd, address.sockaddr_ptr(), address.sockaddr_length()) == 0;
  close(fd);
  return connected;
}

std::string Ask(Wire& client) {
  client.Send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  return client.ReadMessage();
}
std::string StatusLine(Wire& client) {
  return Ask(client).substr(0, 12);
}
std::string StatusLine(uint16_t port) {
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

  std::unique_ptr<Worker> worker_;

  std::shared_ptr<WorkerShared> shared_ = std::make_shared<WorkerShared>();

 private:
  void Load(const std::string& listeners) {
    snapshot_ = SnapshotOf(listeners);
    ASSERT_NE(snapshot_, nullptr);
    absl::StatusOr<ListenSockets> bound = ListenSockets::Bind(*snapshot_, 1, sockets_);
    ASSERT_TRUE(bound.ok()) << bound.status();
    sockets_ = *std::move(bound);
  }

  std::shared_ptr<const Snapshot> snapshot_;
  ListenSockets sockets_;
};

TEST_F(WorkerTest, ServesFromItsStart) {
  Start(Answering("l", 201));
  EXPECT_EQ(StatusLine(Port()), "HTTP/1.1 201");
}

TEST_F(WorkerTest, AnUpdateServesOnTheSameSocketAndConnection) {
  Start(Answering("l", 201));
  const uint16_t port = Port();
  Wire client = Wire::ConnectTo(port);
  EXPECT_EQ(StatusLine(client), "HTTP/1.1 201");
  Update(Answering("l", 202));
  EXPECT_EQ(Port(), port);
  EXPECT_EQ(StatusLine(client), "HTTP/1.1 202");
  EXPECT_EQ(StatusLine(port), "HTTP/1.1 202");
}

TEST_F(WorkerTest, AListenerThatLeavesClosesItsSocketAndItsIdleConnections) {
  Start(Answering("a", 201) + Answering("b", 202));
  const uint16_t left = Port(0), stays = Port(1);
  Wire idle = Wire::ConnectTo(left);
  EXPECT_EQ(StatusLine(idle), "HTTP/1.1 201");
  Update(Answering("b", 202));
  EXPECT_EQ(Port(), stays);
  EXPECT_EQ(idle.ReadAll(), "");
  EXPECT_FALSE(Listens(left));
  EXPECT_EQ(StatusLine(stays), "HTTP/1.1 202");
}

TEST_F(WorkerTest, WhatIsInProgressOnAListenerThatLeftEndsWithTheDrainTime) {
  shared_->drain_time = std::chrono::milliseconds(300);
  Start(Answering("a", 201) + Answering("b", 202));
  // A request that is never whole: in HTTP/1, and, of another listener, one that nobody drains.
  Wire left = Wire::ConnectTo(Port(0)), stays = Wire::ConnectTo(Port(1));
  EXPECT_EQ(StatusLine(left), "HTTP/1.1 201");
  left.Send("GET / HTTP/1.1\r\nhost:");
  stays.Send("GET / HTTP/1.1\r\nhost:");
  // The head is being read when the drain comes.
  EXPECT_FALSE(left.WaitForInput(100));
  Update(Answering("b", 203));
  EXPECT_FALSE(left.WaitForInput(100));
  EXPECT_TRUE(left.WaitForInput(2000));
  EXPECT_EQ(left.ReadAll(), "");
  stays.Send(" a.test\r\n\r\n");
  EXPECT_EQ(stays.ReadMessage().substr(0, 12), "HTTP/1.1 203");
}

TEST_F(WorkerTest, ADrainSaysGoodbyeInTheNextAnswer) {
  Start(Answering("l", 201));
  Wire client = Wire::ConnectTo(Port());
  EXPECT_EQ(Ask(client).find("connection: close"), std::string::npos);
  worker_->Drain();
  // Comes behind the drain.
  Update(Answering("l", 201));
  EXPECT_NE(Ask(client).find("connection: close"), std::string::npos);
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_F(WorkerTest, StopsListeningAndServesTheConnectionsItHas) {
  Start(Answering("l", 201));
  const uint16_t port = Port();
  Wire old = Wire::ConnectTo(port);
  EXPECT_EQ(StatusLine(old), "HTTP/1.1 201");
  StopListening();
  EXPECT_FALSE(Listens(port));
  EXPECT_EQ(StatusLine(old), "HTTP/1.1 201");
}

TEST_F(WorkerTest, EndsWithConnectionsOpen) {
  Start(Answering("l", 201));
  Wire client = Wire::ConnectTo(Port());
  EXPECT_EQ(StatusLine(client), "HTTP/1.1 201");
  worker_.reset();
  EXPECT_EQ(client.ReadAll(), "");
}

}  // namespace
}  // namespace narthex
