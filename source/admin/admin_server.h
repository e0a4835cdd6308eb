#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "source/admin/admin.h"
#include "source/net/listener.h"

namespace narthex {

// Serves the admin pages on an address, with the same codec as every listener. Loop-confined to the main
// loop.
class AdminServer {
 public:
  // Binds `address` and serves `handler`, which outlives the server.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Make(EventLoop& loop, const Address& address,
                                                           AdminHandler& handler);
  ~AdminServer();

  // As bound.
  const Address& address() const { return acceptor_->address(); }

 private:
  struct Connection;
  AdminServer(EventLoop& loop, AdminHandler& handler);
  void Open(int fd, const Address& peer);
  bool MakeRoom();
  void Close(Connection& connection);

  EventLoop& loop_;
  AdminHandler& handler_;
  ServerCodecOptions options_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::unique_ptr<Connection>> connections_;
  uint64_t next_id_ = 1;
};

}  // namespace narthex
