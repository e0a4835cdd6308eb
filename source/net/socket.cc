#include "source/net/socket.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/net/system_calls.h"

namespace narthex {
namespace {

constexpr size_t kMaxVectors = 16;

// A plain TCP or Unix stream socket, registered edge-triggered for as long as it lives.
class SocketStream final : public Stream, private IoHandler {
 public:
  SocketStream(EventLoop& loop, int fd) : fd_(fd), registration_(loop.Register(fd, *this)) {}
  ~SocketStream() override {
    registration_.reset();
    close(fd_);
  }

  IoResult Read(Buffer& into, size_t max) override {
    iovec vectors[kMaxVectors];
    const size_t count = into.ReserveVectors(vectors, kMaxVectors, max);
    size_t room = 0;
    for (size_t i = 0; i < count; ++i) room += vectors[i].iov_len;
    ssize_t n;
    do {
      n = count == 1 ? system_calls::Receive(fd_, vectors[0].iov_base, vectors[0].iov_len, 0)
                     : readv(fd_, vectors, static_cast<int>(count));
    } while (n < 0 && errno == EINTR);
    const int error = errno;
    into.Commit(n > 0 ? static_cast<size_t>(n) : 0);
    if (n > 0) {
      CountReceived(static_cast<size_t>(n));
      short_read_ = static_cast<size_t>(n) < room && !closed();
      return {IoResult::Kind::kDone, static_cast<size_t>(n)};
    }
    if (n == 0) return {IoResult::Kind::kEnd};
    if (error == EAGAIN) {
      MarkDrained();
      return {IoResult::Kind::kWouldBlock};
    }
    return {IoResult::Kind::kError, 0, error};
  }

  IoResult Write(Buffer& from) override {
    size_t written = 0;
    while (!from.empty()) {
      const ssize_t n = Send(from);
      if (n < 0 && errno == EINTR) continue;
      if (n >= 0 || errno == EAGAIN) TrustShortRead();
      if (n < 0) {
        if (errno != EAGAIN) return {IoResult::Kind::kError, written, errno};
        MarkFull();
        return {IoResult::Kind::kWouldBlock, written};
      }
      from.Consume(static_cast<size_t>(n));
      written += static_cast<size_t>(n);
      CountSent(static_cast<size_t>(n));
    }
    return {IoResult::Kind::kDone, written};
  }

  void ShutdownWrite() override { shutdown(fd_, SHUT_WR); }
  void ShutdownBoth() override { shutdown(fd_, SHUT_RDWR); }
  void AbortOnClose() override {
    const linger now = {1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

  size_t Unreceived() override {
    int bytes = 0;
    return ioctl(fd_, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
  }
  bool Failed() override { return (PollFor(0) & (POLLERR | POLLHUP)) != 0; }

  bool Quiet() override {
    if (closed()) return false;
    if (!maybe_readable() || short_read_) return true;
    if (Peek() >= 0 || errno != EAGAIN) return false;
    MarkDrained();
    return true;
  }

 protected:
  bool EndIsNear() override { return PollFor(POLLRDHUP) != 0; }

 private:
  // The state of the connection, which stays: reading instead would take a reset's error off the socket, and
  // find it only behind the bytes that came before it.
  int PollFor(short events) const {
    pollfd poll_fd = {fd_, events, 0};
    return poll(&poll_fd, 1, 0) > 0 ? poll_fd.revents : 0;
  }
  ssize_t Peek() {
    char byte;
    return recv(fd_, &byte, 1, MSG_PEEK);
  }
  // The kernel takes one piece for less than a vector of one.
  ssize_t Send(const Buffer& from) {
    iovec vectors[kMaxVectors];
    const size_t count = from.Vectors(vectors, kMaxVectors);
    if (count == 1) return system_calls::Send(fd_, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL);
    msghdr message = {};
    message.msg_iov = vectors;
    message.msg_iovlen = count;
    return sendmsg(fd_, &message, MSG_NOSIGNAL);
  }
  void OnReady(IoReadiness ready) override {
    if (ready.readable || ready.closed) short_read_ = false;
    Announce(ready.readable, ready.writable, ready.closed);
  }
  void TrustShortRead() {
    if (std::exchange(short_read_, false)) MarkDrained();
  }

  int fd_;
  // A short read has drained the socket, and what comes later brings an edge of its own, a FIN too. But a
  // reset that came together with those bytes was in the same edge, which does not say so: who then waits for
  // more would wait for ever. So one more attempt comes before the wait, unless the socket took a write
  // meanwhile, which a connection that was reset does not.
  bool short_read_ = false;
  std::unique_ptr<IoRegistration> registration_;
};

void SetOptions(int fd, const Address& address, const SocketOptions& options) {
  const int one = 1;
  if (!address.is_ip()) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!options.keepalive) return;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  const auto set = [fd](int name, int value) {
    if (value > 0) setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value);
  };
  set(TCP_KEEPCNT, options.keepalive_probes);
  set(TCP_KEEPIDLE, options.keepalive_time_s);
  set(TCP_KEEPINTVL, options.keepalive_interval_s);
}

// Waits for the first edge of a connecting socket: writable when connected, readable or closed when refused.
class ConnectWait final : private IoHandler {
 public:
  ConnectWait(EventLoop& loop, int fd) : registration_(loop.Register(fd, *this)) {}
  auto Done() { return done_.Wait(); }

 private:
  void OnReady(IoReadiness) override { done_.Set(); }
  Event done_;
  std::unique_ptr<IoRegistration> registration_;
};

int PendingError(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

}  // namespace

std::unique_ptr<Stream> MakeSocketStream(EventLoop& loop, int fd) {
  return std::make_unique<SocketStream>(loop, fd);
}

Task<ConnectedSocket> ConnectSocket(EventLoop& loop, Address address, SocketOptions options) {
  OwnedFd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) co_return ConnectedSocket{{}, {}, errno};
  SetOptions(fd.get(), address, options);
  if (!options.bind.empty() &&
      bind(fd.get(), options.bind.sockaddr_ptr(), options.bind.sockaddr_length()) != 0) {
    co_return ConnectedSocket{{}, {}, errno};
  }
  if (connect(fd.get(), address.sockaddr_ptr(), address.sockaddr_length()) != 0) {
    if (errno != EINPROGRESS) co_return ConnectedSocket{{}, {}, errno};
    ConnectWait wait(loop, fd.get());
    co_await wait.Done();
    if (const int error = PendingError(fd.get()); error != 0) co_return ConnectedSocket{{}, {}, error};
  }
  Address local = Address::LocalOf(fd.get());
  co_return ConnectedSocket{std::move(fd), std::move(local), 0};
}

Task<ConnectResult> Connect(EventLoop& loop, Address address, SocketOptions options) {
  ConnectedSocket made = co_await ConnectSocket(loop, std::move(address), std::move(options));
  if (made.error != 0) co_return ConnectResult{nullptr, {}, made.error};
  co_return ConnectResult{MakeSocketStream(loop, made.fd.Release()), std::move(made.local), 0};
}

}  // namespace narthex
