#include "test/bench/transport.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace narthex {
namespace {

class PlainTransport : public Transport {
 public:
  using Transport::Transport;

  Progress Handshake() override { return Progress::kDone; }

  ssize_t Receive(std::span<char> buffer) override {
    ssize_t size = recv(fd(), buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    return size > 0 ? size : -1;
  }

  bool Send(std::string_view bytes) override {
    return send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
};

}  // namespace

Transport::~Transport() {
  close(fd_);
}

std::unique_ptr<Transport> MakePlainTransport(int fd) {
  return std::make_unique<PlainTransport>(fd);
}

}  // namespace narthex
