#include "source/admin/admin_server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/base/log.h"
#include "source/net/socket.h"

namespace narthex {

namespace {

// More at once than any monitoring needs; what a loop of a script can take from the gateway is bounded.
constexpr size_t kMaxConnections = 64;
constexpr std::chrono::milliseconds kIdleTimeout{60'000};
constexpr std::chrono::milliseconds kHeadTimeout{10'000};

}  // namespace

struct AdminServer::Connection {
  AdminServer& server;
  ConnectionFacts facts;
  std::unique_ptr<ServerConnection> codec;
};

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Make(EventLoop& loop, const Address& address,
                                                               AdminHandler& handler) {
  ListenOptions options;
  options.reuse_port = false;
  absl::StatusOr<std::unique_ptr<ListenSocket>> socket = ListenSocket::Bind(address, options);
  if (!socket.ok()) return socket.status();
  std::unique_ptr<AdminServer> server(new AdminServer(loop, handler));
  server->options_.idle_timeout = kIdleTimeout;
  server->options_.request_headers_timeout = kHeadTimeout;
  server->options_.stream_idle_timeout = kIdleTimeout;
  server->acceptor_ =
      Acceptor::Make(loop, *std::move(socket), options.max_accepts_per_event,
                     [raw = server.get()](int fd, const Address& peer) { raw->Open(fd, peer); });
  return server;
}

AdminServer::AdminServer(EventLoop& loop, AdminHandler& handler) : loop_(loop), handler_(handler) {}

AdminServer::~AdminServer() {
  acceptor_.reset();
  for (std::unique_ptr<Connection>& connection : connections_) connection->codec.reset();
}

void AdminServer::Open(int fd, const Address& peer) {
  if (connections_.size() >= kMaxConnections && !MakeRoom()) {
    NARTHEX_LOG(kWarning, "admin") << "all " << kMaxConnections
                                   << " connections are busy; one more is closed";
    close(fd);
    return;
  }
  auto connection = std::unique_ptr<Connection>(new Connection{*this, {}, nullptr});
  connection->facts.id = next_id_++;
  connection->facts.remote = peer;
  connection->facts.local = acceptor_->address();
  Connection& opened = *connection;
  connections_.push_back(std::move(connection));
  opened.codec = MakeHttp1ServerConnection(MakeSocketStream(loop_, fd),
                                           {.loop = loop_,
                                            .handler = handler_,
                                            .facts = opened.facts,
                                            .options = options_,
                                            .on_end =
                                                [](void* self) {
                                                  auto* ended = static_cast<Connection*>(self);
                                                  ended->server.Close(*ended);
                                                },
                                            .context = &opened});
}

// Who has asked nothing, or not all of it, gives way to who may: the oldest first.
bool AdminServer::MakeRoom() {
  const auto waiting = std::find_if(connections_.begin(), connections_.end(),
                                    [](const auto& entry) { return !entry->codec->busy(); });
  if (waiting == connections_.end()) return false;
  // Nothing of it is on the stack: this is the acceptor's call.
  (*waiting)->codec.reset();
  connections_.erase(waiting);
  return true;
}

void AdminServer::Close(Connection& connection) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& entry) { return entry.get() == &connection; });
  std::unique_ptr<Connection> closed = std::move(*found);
  connections_.erase(found);
  loop_.DeleteLater(std::move(closed));
}

}  // namespace narthex
