#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "source/coro/task.h"
#include "source/http/client_codec.h"
#include "source/http/http2/http2_stats.h"
#include "source/tls/session_cache.h"
#include "source/upstream/cluster_config.h"

namespace narthex {

// Where a connection goes.
struct ConnectTarget {
  const Address& address;
  const std::string& hostname;  // the endpoint's; may be empty
  const ConnectionSettings& settings;
  UpstreamProtocol protocol = UpstreamProtocol::kHttp1;
  std::string_view proxy_header = {};              // see StreamTarget
  std::string_view server_name = {};               // see StreamTarget
  std::string_view verify_name = {};               // likewise
  std::shared_ptr<TlsSessionCache> sessions = {};  // the worker's, of this cluster; null without TLS
  const Http2Stats* http2 = nullptr;               // REQUIRES: not null where HTTP/2 may come of it
};

struct ConnectedClient {
  std::unique_ptr<ClientConnection> connection;
  Address local;
  uint64_t connected_us = 0;   // see ConnectedStream
  uint64_t handshaken_us = 0;  // likewise
};
// An error's message is the cause in words: "Connection refused".
using ConnectOutcome = absl::StatusOr<ConnectedClient>;

// Makes one connection: the seam between pools and the network, where tests put their own
// upstreams. All references outlive the task; no timeout of its own. An error's message is the cause in
// words.
using Connector =
    std::function<Task<ConnectOutcome>(EventLoop& loop, ConnectTarget target, ClientConnectionOwner& owner)>;

// HTTP over TCP or a Unix socket, with the cluster's TLS.
Connector MakeHttpConnector();

}  // namespace narthex
