// The gRPC service behind the proxies in the benchmarks: unary calls over HTTP/2 in clear text, as many at a
// time on a connection as the proxy likes; one thread. Each call is answered with its own message and
// grpc-status 0 in the trailers; what is no unary call, with another grpc-status.
//
//   grpc_upstream LISTEN_PORT        (port 0: the kernel chooses, and the first line says which)
#include <sys/epoll.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "test/bench/grpc_connection.h"
#include "test/bench/socket.h"

namespace narthex {
namespace {

class GrpcUpstream {
 public:
  explicit GrpcUpstream(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) Die("epoll_create1");
    Watch(epoll_, listener_, nullptr);
  }

  [[noreturn]] void Run() {
    ServeEvents(epoll_, [this](const epoll_event& event) { Dispatch(event); }, [this] { dead_.clear(); });
  }

 private:
  void Dispatch(const epoll_event& event) {
    if (event.data.ptr == nullptr) return Accept();
    auto* connection = static_cast<GrpcConnection*>(event.data.ptr);
    if (connection->ended() || connection->Serve()) return;
    dead_.emplace_back(connection);
  }

  void Accept() {
    for (int fd; (fd = AcceptFrom(listener_)) >= 0;) {
      Watch(epoll_, fd, new GrpcConnection(fd));  // owned by the upstream until dead_ is cleared
    }
  }

  int listener_;
  int epoll_;
  std::vector<std::unique_ptr<GrpcConnection>> dead_;  // later events of the round may still point to them
};

}  // namespace
}  // namespace narthex

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: grpc_upstream LISTEN_PORT\n");
    return 2;
  }
  narthex::RaiseFileLimit();
  narthex::Listener listener = narthex::ListenOnLoopback(static_cast<uint16_t>(std::atoi(argv[1])));
  narthex::AnnouncePort(listener.port);
  narthex::GrpcUpstream(listener.fd).Run();
}
