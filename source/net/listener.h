#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"

namespace narthex {

struct ListenOptions {
  // How far a socket has come when it can be configured.
  enum class Stage { kPrebind, kBound, kListening };
  // Sets options of the caller's choice at each stage; an error ends it. May be empty.
  std::function<absl::Status(int fd, Stage stage)> configure = {};
  bool reuse_port = true;
  int backlog = 4096;
  bool ipv4_compat = false;             // an IPv6 socket that takes IPv4 connections as well
  uint32_t unix_mode = 0;               // 0: the umask decides
  uint32_t max_accepts_per_event = 64;  // so that a flood can't keep the loop from its connections
};

// A bound and listening socket, not yet accepting. The descriptor's owner. Any thread.
class ListenSocket {
 public:
  static absl::StatusOr<std::unique_ptr<ListenSocket>> Bind(const Address& address,
                                                            const ListenOptions& options);
  // The same socket for another owner, with all that waits in its queue. Both may outlive the other.
  static absl::StatusOr<std::unique_ptr<ListenSocket>> Duplicate(const ListenSocket& other);
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;

  // Gives it another backlog and, a Unix socket, another mode where that is not 0. It goes on listening.
  absl::Status Change(int backlog, uint32_t unix_mode);

  int fd() const { return fd_; }
  // The address as bound: the port chosen by the kernel where 0 was asked for.
  const Address& address() const { return address_; }

 private:
  ListenSocket(int fd, Address address) : fd_(fd), address_(std::move(address)) {}
  int fd_;
  Address address_;
};

// Accepts on a listening socket of this loop and hands each connection (non-blocking, TCP_NODELAY) to
// `on_accept`, which owns the descriptor. When the process has no descriptor left, or accepting fails for
// another reason that lasts, it goes on a little later: one spare descriptor is kept so that the queue is
// shortened instead of spinning. Loop-confined.
class Acceptor {
 public:
  using OnAccept = std::function<void(int fd, const Address& peer)>;
  static std::unique_ptr<Acceptor> Make(EventLoop& loop, std::shared_ptr<ListenSocket> socket,
                                        uint32_t max_accepts, OnAccept on_accept);
  virtual ~Acceptor() = default;
  virtual const Address& address() const = 0;
  // Whether it accepts; connections that come meanwhile wait in the socket's queue, as far as it is long.
  virtual void SetAccepting(bool accepting) = 0;
};

}  // namespace narthex
