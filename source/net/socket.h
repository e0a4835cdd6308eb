#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "source/coro/task.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"
#include "source/net/owned_fd.h"
#include "source/net/stream.h"

namespace narthex {

// Settings of a connection's socket; zero means the kernel's default.
struct SocketOptions {
  bool keepalive = false;
  int keepalive_probes = 0;
  int keepalive_time_s = 0;
  int keepalive_interval_s = 0;
  // Address to send from; empty: the kernel's choice.
  Address bind;
};

// Takes over a connected, non-blocking descriptor. Registers it once with `loop`.
std::unique_ptr<Stream> MakeSocketStream(EventLoop& loop, int fd);

// A connected socket that is no stream yet (TLS makes its own), or the errno of why not.
struct ConnectedSocket {
  OwnedFd fd;
  Address local;
  int error = 0;
};
// Connects to an IP or Unix address. Has no timeout of its own: wrap it in WithTimeout.
Task<ConnectedSocket> ConnectSocket(EventLoop& loop, Address address, SocketOptions options);

// A connection that was made, or the errno of why not.
struct ConnectResult {
  std::unique_ptr<Stream> stream;
  Address local;
  int error = 0;
};
// The same, as a plain stream.
Task<ConnectResult> Connect(EventLoop& loop, Address address, SocketOptions options);

}  // namespace narthex
