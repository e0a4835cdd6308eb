// The yardstick of the benchmarks: a TCP relay that parses nothing. What it costs is what the kernel costs; a
// proxy's ratio to it is what the proxy adds. One thread, sockets registered once and edge-triggered, one 64
// KiB buffer.
//
//   relay LISTEN_PORT UPSTREAM_PORT        (port 0: the kernel chooses, and the first line says which)
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "test/bench/socket.h"

namespace narthex {
namespace {

struct Pair;

// One socket of a pair, and what still waits to be written to it.
struct Side {
  int fd = -1;
  Pair* pair = nullptr;
  bool readable = false;
  bool ending = false;  // the peer has sent its end: it follows what is still to be read
  bool ended = false;   // that end was read and passed on
  std::string unsent = {};
};

// A client's connection and the one upstream connection that belongs to it.
struct Pair {
  Side client;
  Side upstream;
  bool dead = false;

  Side& Other(Side& side) { return &side == &client ? upstream : client; }
};

class Relay {
 public:
  Relay(int listener, uint16_t upstream_port)
      : listener_(listener), upstream_port_(upstream_port), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) Die("epoll_create1");
    Watch(epoll_, listener_, nullptr);
  }

  [[noreturn]] void Run() {
    ServeEvents(epoll_, [this](const epoll_event& event) { Dispatch(event); }, [this] { dead_.clear(); });
  }

 private:
  void Dispatch(const epoll_event& event) {
    if (event.data.ptr == nullptr) return Accept();
    Side& side = *static_cast<Side*>(event.data.ptr);
    if (side.pair->dead) return;
    if ((event.events & EPOLLOUT) != 0 && !side.unsent.empty()) Flush(side);
    if ((event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
      side.readable = !side.ended;
      side.ending |= (event.events & (EPOLLRDHUP | EPOLLHUP)) != 0;
      Pump(side);
    }
  }

  void Accept() {
    for (int fd; (fd = AcceptFrom(listener_)) >= 0;) {
      auto* pair = new Pair;  // owned by the relay until dead_ is cleared
      pair->client = {.fd = fd, .pair = pair};
      pair->upstream = {.fd = ConnectToLoopback(upstream_port_, /*blocking=*/false), .pair = pair};
      Watch(epoll_, pair->client.fd, &pair->client);
      Watch(epoll_, pair->upstream.fd, &pair->upstream);
    }
  }

  // Copies from `from` to the other side until nothing is left to read or the other side takes no more.
  void Pump(Side& from) {
    Side& to = from.pair->Other(from);
    while (from.readable && to.unsent.empty() && !from.pair->dead) {
      ssize_t size = read(from.fd, buffer_.data(), buffer_.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) {
        from.readable = false;
        if (errno != EAGAIN) Kill(*from.pair);
        return;
      }
      if (size == 0) return End(from, to);
      // A short read has emptied the socket; the next bytes come with an event of their own, but an end that
      // was announced already does not.
      if (static_cast<size_t>(size) < buffer_.size() && !from.ending) from.readable = false;
      Write(to, static_cast<size_t>(size));
    }
  }

  void Write(Side& to, size_t size) {
    ssize_t written = send(to.fd, buffer_.data(), size, MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN) return Kill(*to.pair);
    size_t done = written < 0 ? 0 : static_cast<size_t>(written);
    if (done < size) to.unsent.assign(buffer_.data() + done, size - done);
  }

  void Flush(Side& side) {
    ssize_t written = send(side.fd, side.unsent.data(), side.unsent.size(), MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN) return Kill(*side.pair);
    if (written > 0) side.unsent.erase(0, static_cast<size_t>(written));
    if (side.unsent.empty()) Pump(side.pair->Other(side));
  }

  void End(Side& from, Side& to) {
    from.readable = false;
    from.ended = true;
    shutdown(to.fd, SHUT_WR);
    if (to.ended) Kill(*from.pair);
  }

  // Later events of this round may still point to the pair: it is freed when the round is over.
  void Kill(Pair& pair) {
    if (pair.dead) return;
    pair.dead = true;
    close(pair.client.fd);
    close(pair.upstream.fd);
    dead_.emplace_back(&pair);
  }

  int listener_;
  uint16_t upstream_port_;
  int epoll_;
  std::array<char, 64 * 1024> buffer_;
  std::vector<std::unique_ptr<Pair>> dead_;
};

}  // namespace
}  // namespace narthex

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: relay LISTEN_PORT UPSTREAM_PORT\n");
    return 2;
  }
  narthex::RaiseFileLimit();
  narthex::Listener listener = narthex::ListenOnLoopback(static_cast<uint16_t>(std::atoi(argv[1])));
  narthex::AnnouncePort(listener.port);
  auto relay = std::make_unique<narthex::Relay>(listener.fd, static_cast<uint16_t>(std::atoi(argv[2])));
  relay->Run();
}
