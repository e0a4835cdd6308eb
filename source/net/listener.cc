#include "source/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"

namespace narthex {
namespace {

absl::Status Failure(const char* call, const Address& address, int error) {
  return absl::UnavailableError(
      absl::StrCat("cannot ", call, " ", address.ToString(), ": ", std::strerror(error)));
}

// Of a connection that died in the queue, which is out of it now (accept(2)).
bool IsOfOneConnection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENONET:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

class SocketAcceptor final : public Acceptor, private IoHandler {
 public:
  SocketAcceptor(EventLoop& loop, std::shared_ptr<ListenSocket> socket, uint32_t max_accepts,
                 OnAccept on_accept)
      : loop_(loop),
        socket_(std::move(socket)),
        max_accepts_(max_accepts == 0 ? UINT32_MAX : max_accepts),
        on_accept_(std::move(on_accept)),
        retry_(
            loop.wheel(), [](void* self) { static_cast<SocketAcceptor*>(self)->AcceptSome(); }, this),
        self_(std::make_shared<SocketAcceptor*>(this)),
        spare_fd_(open("/dev/null", O_RDONLY | O_CLOEXEC)),
        registration_(loop.Register(socket_->fd(), *this)) {}

  ~SocketAcceptor() override {
    registration_.reset();
    if (spare_fd_ >= 0) close(spare_fd_);
  }

  const Address& address() const override { return socket_->address(); }

  void SetAccepting(bool accepting) override {
    if (std::exchange(accepting_, accepting) == accepting || !accepting) return;
    // Who has come meanwhile is not told again: the registration is edge-triggered.
    if (!next_turn_) GoOnNextTurn();
  }

 private:
  void OnReady(IoReadiness) override {
    if (!next_turn_) AcceptSome();
  }

  // The registration is edge-triggered, so whatever ends the loop early comes back by itself.
  void AcceptSome() {
    for (uint32_t i = 0; accepting_; ++i) {
      if (i == max_accepts_) return GoOnNextTurn();
      sockaddr_storage peer;
      socklen_t length = sizeof peer;
      const int fd =
          accept4(socket_->fd(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        HandOver(fd, peer, length);
      } else if (errno == EAGAIN) {
        return;
      } else if (!IsOfOneConnection(errno)) {
        return RetryLater(errno);
      }
    }
  }

  // What lasts (no descriptors, no memory, a firewall or a sandbox that forbids it) must not keep the loop.
  void RetryLater(int error) {
    if (error == EMFILE || error == ENFILE) DropOne();
    if (error != said_) {
      NARTHEX_LOG(kWarning, "listener") << "cannot accept on " << address().ToString() << ": "
                                        << std::strerror(error) << "; it is tried again and again";
    }
    said_ = error;
    retry_.Arm(std::chrono::milliseconds(10));
  }

  // Behind what else is ready. A timer would come as often as it is late, in one turn: the more a flood
  // delays the loop, the more of it would be let in at once.
  void GoOnNextTurn() {
    next_turn_ = true;
    loop_.Post([acceptor = std::weak_ptr<SocketAcceptor*>(self_)] {
      const auto self = acceptor.lock();
      if (self == nullptr) return;
      (*self)->next_turn_ = false;
      (*self)->AcceptSome();
    });
  }

  void HandOver(int fd, const sockaddr_storage& peer, socklen_t length) {
    const int one = 1;
    if (peer.ss_family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    on_accept_(fd, Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&peer), length));
  }

  // Out of descriptors: gives up the spare one to take and close one connection, so that its client knows at
  // once.
  void DropOne() {
    if (spare_fd_ < 0) return;
    close(spare_fd_);
    const int fd = accept4(socket_->fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    spare_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  EventLoop& loop_;
  std::shared_ptr<ListenSocket> socket_;
  uint32_t max_accepts_;
  OnAccept on_accept_;
  Timer retry_;
  const std::shared_ptr<SocketAcceptor*> self_;  // expires with it
  bool next_turn_ = false;                       // it goes on by itself
  bool accepting_ = true;
  int said_ = 0;  // the error that the log has had last
  int spare_fd_;
  std::unique_ptr<IoRegistration> registration_;
};

// A socket file left behind by a process that is gone would make bind fail; one that is listened on is left
// alone.
void RemoveStaleSocketFile(const Address& address) {
  const std::string path = address.ToString();
  struct stat info;
  if (path.empty() || path[0] == '@' || stat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  const int connected = connect(probe, address.sockaddr_ptr(), address.sockaddr_length());
  const bool refused = connected != 0 && errno == ECONNREFUSED;
  close(probe);
  if (refused) unlink(path.c_str());
}

absl::Status Prepare(int fd, const Address& address, const ListenOptions& options) {
  const int one = 1, v6_only = options.ipv4_compat ? 0 : 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (options.reuse_port && address.is_ip() &&
      setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) {
    return Failure("share the port of", address, errno);
  }
  if (address.family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  const auto configure = [&](ListenOptions::Stage stage) {
    return options.configure ? options.configure(fd, stage) : absl::OkStatus();
  };
  if (absl::Status status = configure(ListenOptions::Stage::kPrebind); !status.ok()) return status;
  if (address.family() == AF_UNIX) RemoveStaleSocketFile(address);
  if (bind(fd, address.sockaddr_ptr(), address.sockaddr_length()) != 0)
    return Failure("bind", address, errno);
  if (address.family() == AF_UNIX && options.unix_mode != 0)
    chmod(address.ToString().c_str(), options.unix_mode);
  if (absl::Status status = configure(ListenOptions::Stage::kBound); !status.ok()) return status;
  if (listen(fd, options.backlog) != 0) return Failure("listen on", address, errno);
  return configure(ListenOptions::Stage::kListening);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ListenSocket>> ListenSocket::Bind(const Address& address,
                                                                 const ListenOptions& options) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failure("open a socket for", address, errno);
  // From here on the socket object owns the descriptor, also on failure.
  std::unique_ptr<ListenSocket> listening(new ListenSocket(fd, address));
  if (absl::Status status = Prepare(fd, address, options); !status.ok()) return status;
  if (Address bound = Address::LocalOf(fd); !bound.empty()) listening->address_ = std::move(bound);
  return listening;
}

absl::StatusOr<std::unique_ptr<ListenSocket>> ListenSocket::Duplicate(const ListenSocket& other) {
  const int fd = fcntl(other.fd_, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return Failure("take over", other.address_, errno);
  return std::unique_ptr<ListenSocket>(new ListenSocket(fd, other.address_));
}

absl::Status ListenSocket::Change(int backlog, uint32_t unix_mode) {
  if (address_.family() == AF_UNIX && unix_mode != 0) chmod(address_.ToString().c_str(), unix_mode);
  if (listen(fd_, backlog) != 0) return Failure("listen on", address_, errno);
  return absl::OkStatus();
}

ListenSocket::~ListenSocket() {
  close(fd_);
}

std::unique_ptr<Acceptor> Acceptor::Make(EventLoop& loop, std::shared_ptr<ListenSocket> socket,
                                         uint32_t max_accepts, OnAccept on_accept) {
  return std::make_unique<SocketAcceptor>(loop, std::move(socket), max_accepts, std::move(on_accept));
}

}  // namespace narthex
