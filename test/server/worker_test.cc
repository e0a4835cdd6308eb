#include "source/server/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include "test/server/worker_rig.h"

namespace narthex {
namespace {

// Whether something listens there.
bool Listens(uint16_t port) {
  const Address address = *Address::Ip("127.0.0.1", port);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const bool connected = connect(fd, address.sockaddr_ptr(), address.sockaddr_length()) == 0;
  close(fd);
  return connected;
}

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
