// The service behind the proxies in the benchmarks: HTTP/1.1 GET with keep-alive and pipelining, one thread,
// a ready-made answer for each path, and no allocation a request.
//
//   upstream LISTEN_PORT        (port 0: the kernel chooses, and the first line says which)
//
// A path that begins with /1m gets 1 MiB, every other 1 KiB.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test/bench/socket.h"

namespace narthex {
namespace {

std::string MakeResponse(size_t size) {
  return "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: " + std::to_string(size) +
         "\r\n\r\n" + std::string(size, 'x');
}

struct Connection {
  int fd = -1;
  bool readable = false;
  bool ending = false;  // the peer has sent its end: it follows what is still to be read
  bool dead = false;
  size_t filled = 0;        // bytes of `request` that are waiting
  std::string_view unsent;  // the rest of the answer under way; empty between requests
  std::array<char, 8192> request;
};

class Upstream {
 public:
  explicit Upstream(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) Die("epoll_create1");
    Watch(epoll_, listener_, nullptr);
  }

  [[noreturn]] void Run() {
    ServeEvents(epoll_, [this](const epoll_event& event) { Dispatch(event); }, [this] { dead_.clear(); });
  }

 private:
  void Dispatch(const epoll_event& event) {
    if (event.data.ptr == nullptr) return Accept();
    Connection& connection = *static_cast<Connection*>(event.data.ptr);
    if (connection.dead) return;
    if ((event.events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) connection.readable = true;
    if ((event.events & (EPOLLRDHUP | EPOLLHUP)) != 0) connection.ending = true;
    Serve(connection);
  }

  void Accept() {
    for (int fd; (fd = AcceptFrom(listener_)) >= 0;) {
      auto* connection = new Connection;  // owned by the upstream until dead_ is cleared
      connection->fd = fd;
      Watch(epoll_, fd, connection);
    }
  }

  // Answers what has arrived, reads on, and stops when the socket gives or takes no more.
  void Serve(Connection& connection) {
    for (;;) {
      if (!connection.unsent.empty() && !Send(connection)) return;
      if (TakeRequest(connection)) continue;
      if (!connection.readable || !Receive(connection)) return;
    }
  }

  bool Send(Connection& connection) {
    ssize_t sent = send(connection.fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) Kill(connection);
      return false;
    }
    connection.unsent.remove_prefix(static_cast<size_t>(sent));
    return connection.unsent.empty();
  }

  // Whether a whole request was waiting; its answer is then under way.
  bool TakeRequest(Connection& connection) {
    std::string_view waiting(connection.request.data(), connection.filled);
    size_t end = waiting.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    connection.unsent = waiting.starts_with("GET /1m") ? large_ : small_;
    size_t used = end + 4;
    connection.filled -= used;
    if (connection.filled > 0)
      std::copy_n(waiting.data() + used, connection.filled, connection.request.data());
    return true;
  }

  bool Receive(Connection& connection) {
    size_t space = connection.request.size() - connection.filled;
    ssize_t size = space == 0 ? 0 : read(connection.fd, connection.request.data() + connection.filled, space);
    if (size < 0 && errno == EAGAIN) {
      connection.readable = false;
      return false;
    }
    if (size <= 0) {
      Kill(connection);
      return false;
    }
    connection.filled += static_cast<size_t>(size);
    if (static_cast<size_t>(size) < space && !connection.ending) connection.readable = false;
    return true;
  }

  void Kill(Connection& connection) {
    connection.dead = true;
    close(connection.fd);
    dead_.emplace_back(&connection);
  }

  const std::string small_ = MakeResponse(1024);
  const std::string large_ = MakeResponse(1024 * 1024);
  int listener_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> dead_;
};

}  // namespace
}  // namespace narthex

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: upstream LISTEN_PORT\n");
    return 2;
  }
  narthex::RaiseFileLimit();
  narthex::Listener listener = narthex::ListenOnLoopback(static_cast<uint16_t>(std::atoi(argv[1])));
  narthex::AnnouncePort(listener.port);
  narthex::Upstream(listener.fd).Run();
}
