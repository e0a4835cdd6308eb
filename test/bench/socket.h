// Sockets for the benchmark programs. They stand apart from source/ on purpose: the yardstick must not change
// with what it measures. IPv4 loopback only. A failure ends the program with a message: there is nothing to
// serve then.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace narthex {

struct Listener {
  int fd = -1;
  uint16_t port = 0;
};

// A non-blocking listening socket on 127.0.0.1; port 0 lets the kernel choose, and `port` says which it was.
Listener ListenOnLoopback(uint16_t port);

// A connection to 127.0.0.1:port with TCP_NODELAY, non-blocking from the start when `blocking` is false.
int ConnectToLoopback(uint16_t port, bool blocking);

// The next waiting connection, non-blocking with TCP_NODELAY, or -1 when there is none.
int AcceptFrom(int listener);

// Registers a socket once, edge-triggered, for reading and writing; `tag` comes back in epoll_event.data.ptr.
void Watch(int epoll, int fd, void* tag);

// Lets this process open as many files as the system allows it.
void RaiseFileLimit();

// Tells whoever started the program where it listens: one line `listening PORT` on standard output.
void AnnouncePort(uint16_t port);

// Prints what failed with errno's text, and exits with status 1.
[[noreturn]] void Die(const char* what);

// Hands every event of `epoll` to `dispatch`, for ever; `end_round` runs behind those that came together.
template <class Dispatch, class EndRound>
[[noreturn]] void ServeEvents(int epoll, Dispatch dispatch, EndRound end_round) {
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    if (count < 0 && errno != EINTR) Die("epoll_wait");
    for (int i = 0; i < count; ++i) dispatch(events[i]);
    end_round();
  }
}

}  // namespace narthex
