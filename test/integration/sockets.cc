#include "test/integration/sockets.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <utility>

#include "gtest/gtest.h"

namespace narthex {

namespace {

constexpr time_t kLimitSeconds = 20;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

size_t ContentLength(std::string_view head) {
  constexpr std::string_view kName = "content-length: ";
  const size_t at = head.find(kName);
  if (at == std::string_view::npos) return 0;
  size_t length = 0;
  std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), length);
  return length;
}

}  // namespace

Wire::Wire(int fd) : fd_(fd) {
  const timeval limit = {kLimitSeconds, 0};
  const int one = 1;
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

Wire Wire::ConnectTo(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return Wire(fd);
}

Wire::Wire(Wire&& other) noexcept : fd_(std::exchange(other.fd_, -1)), read_(std::move(other.read_)) {}

Wire::~Wire() {
  Close();
}

void Wire::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the peer closed: what the test reads tells
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void Wire::SendByteByByte(std::string_view bytes) {
  for (const char& byte : bytes) Send({&byte, 1});
}

bool Wire::Fill() {
  char bytes[16384];
  const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) ADD_FAILURE() << "nothing to read in time";
  if (got <= 0) return false;
  read_.append(bytes, static_cast<size_t>(got));
  return true;
}

std::string Wire::ReadUntil(std::string_view end) {
  size_t at = std::string::npos;
  while ((at = read_.find(end)) == std::string::npos) {
    if (!Fill()) return std::exchange(read_, {});
  }
  return ReadBytes(at + end.size());
}

std::string Wire::ReadBytes(size_t count) {
  while (read_.size() < count && Fill()) {
  }
  std::string bytes = read_.substr(0, count);
  read_.erase(0, bytes.size());
  return bytes;
}

std::string Wire::ReadMessage() {
  std::string message = ReadUntil("\r\n\r\n");
  return message + ReadBytes(ContentLength(message));
}

std::string Wire::ReadAll() {
  while (Fill()) {
  }
  return std::exchange(read_, {});
}

size_t Wire::SendWithoutWaiting(std::string_view bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t now = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (now <= 0) break;
    sent += static_cast<size_t>(now);
  }
  return sent;
}

bool Wire::WaitForInput(int milliseconds) {
  pollfd readable = {fd_, POLLIN, 0};
  return !read_.empty() || poll(&readable, 1, milliseconds) > 0;
}

void Wire::ShutdownWrite() {
  shutdown(fd_, SHUT_WR);
}

void Wire::Reset() {
  const linger abort = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  Close();
}

void Wire::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

ScriptedUpstream::ScriptedUpstream(std::function<void(Wire& wire)> script)
    : script_(std::move(script)), fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(fd_, 128), 0);
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedUpstream::~ScriptedUpstream() {
  shutdown(fd_, SHUT_RDWR);
  acceptor_.join();
  close(fd_);
}

void ScriptedUpstream::Accept() {
  std::vector<std::thread> scripts;
  for (int fd; (fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    scripts.emplace_back([this, fd] {
      Wire wire(fd);
      script_(wire);
    });
  }
  for (std::thread& script : scripts) script.join();
}

std::function<void(Wire& wire)> AnswerAlways(std::string body) {
  return [body = std::move(body)](Wire& wire) {
    while (!wire.ReadMessage().empty()) {
      wire.Send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
  };
}

}  // namespace narthex
