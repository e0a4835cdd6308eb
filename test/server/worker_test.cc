#include "source/server/worker.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "gtest/gtest.h"
#include "source/server/listen_sockets.h"
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

// A blocking client; closes when it goes.
class Client {
 public:
  explicit Client(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit = {5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~Client() { close(fd_); }

  bool connected() const { return connected_; }
  void Ask() const {
    constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
    send(fd_, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
  }
  // The next bytes; empty at the connection's end.
  std::string Receive() const {
    char buffer[4096];
    const ssize_t size = recv(fd_, buffer, sizeof buffer, 0);
    return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : "";
  }
  std::string AskAndReceive() const {
    Ask();
    return Receive().substr(0, 12);
  }

 private:
  int fd_;
  bool connected_ = false;
};

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

 private:
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
};

TEST_F(WorkerTest, ServesFromItsStart) {
  Start(Answering("l", 201));
  EXPECT_EQ(Client(Port()).AskAndReceive(), "HTTP/1.1 201");
}

TEST_F(WorkerTest, AnUpdateServesOnTheSameSocketAndConnection) {
  Start(Answering("l", 201));
  const uint16_t port = Port();
  const Client client(port);
  EXPECT_EQ(client.AskAndReceive(), "HTTP/1.1 201");
  Update(Answering("l", 202));
  EXPECT_EQ(Port(), port);
  EXPECT_EQ(client.AskAndReceive(), "HTTP/1.1 202");
  EXPECT_EQ(Client(port).AskAndReceive(), "HTTP/1.1 202");
}

TEST_F(WorkerTest, AListenerThatLeavesClosesItsSocketAndItsIdleConnections) {
  Start(Answering("a", 201) + Answering("b", 202));
  const uint16_t left = Port(0), stays = Port(1);
  const Client idle(left);
  EXPECT_EQ(idle.AskAndReceive(), "HTTP/1.1 201");
  Update(Answering("b", 202));
  EXPECT_EQ(Port(), stays);
  EXPECT_EQ(idle.Receive(), "");
  EXPECT_FALSE(Client(left).connected());
  EXPECT_EQ(Client(stays).AskAndReceive(), "HTTP/1.1 202");
}

TEST_F(WorkerTest, ADrainSaysGoodbyeInTheNextAnswer) {
  Start(Answering("l", 201));
  const Client client(Port());
  client.Ask();
  EXPECT_EQ(client.Receive().find("connection: close"), std::string::npos);
  worker_->Drain();
  // Comes behind the drain.
  Update(Answering("l", 201));
  client.Ask();
  EXPECT_NE(client.Receive().find("connection: close"), std::string::npos);
  EXPECT_EQ(client.Receive(), "");
}

TEST_F(WorkerTest, StopsListeningAndServesTheConnectionsItHas) {
  Start(Answering("l", 201));
  const uint16_t port = Port();
  const Client old(port);
  EXPECT_EQ(old.AskAndReceive(), "HTTP/1.1 201");
  StopListening();
  EXPECT_FALSE(Client(port).connected());
  EXPECT_EQ(old.AskAndReceive(), "HTTP/1.1 201");
}

TEST_F(WorkerTest, EndsWithConnectionsOpen) {
  Start(Answering("l", 201));
  const Client client(Port());
  EXPECT_EQ(client.AskAndReceive(), "HTTP/1.1 201");
  worker_.reset();
  EXPECT_EQ(client.Receive(), "");
}

}  // namespace
}  // namespace narthex
