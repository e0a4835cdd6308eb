#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "source/coro/task.h"
#include "source/http/client_codec.h"
#include "source/upstream/cluster_config.h"

namespace narthex {

struct ConnectedClient {
  std::unique_ptr<ClientConnection> connection;
  Address local;
};
// An error's message is the cause in words: "Connection refused".
using ConnectOutcome = absl::StatusOr<ConnectedClient>;

// Makes one connection to an address: the seam between pools and the network, where tests put their own
// upstreams. All references outlive the task; no timeout of its own. An error's message is the cause in
// words.
using Connector =
    std::function<Task<ConnectOutcome>(EventLoop& loop, const Address& address,
                                       const ConnectionSettings& settings, ClientConnectionOwner& owner)>;

// HTTP/1.1 over plain TCP or a Unix socket.
Connector MakeHttp1Connector();

}  // namespace narthex
