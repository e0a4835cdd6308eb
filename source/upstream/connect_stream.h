#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/coro/task.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"
#include "source/net/stream.h"
#include "source/tls/session_cache.h"
#include "source/upstream/cluster_config.h"

namespace narthex {

struct ConnectionFacts;

// The PROXY protocol's header that a connection of these settings begins with: it speaks for the connection
// of `client`, or for nobody when that is null. Empty when there is none to write.
std::string ProxyHeaderFor(const ConnectionSettings& settings, const ConnectionFacts* client);

// Where a stream goes, and what comes before its first byte.
struct StreamTarget {
  const Address& address;
  const std::string& hostname;  // the endpoint's; may be empty
  const ConnectionSettings& settings;
  std::string_view proxy_header = {};              // written before anything else, TLS included; empty: none
  std::string_view server_name = {};               // that TLS asks for; empty: as the settings say
  std::string_view verify_name = {};               // that its certificate must be for; empty: as they say
  std::vector<std::string> alpn = {};              // that TLS offers where the settings name none
  std::shared_ptr<TlsSessionCache> sessions = {};  // the worker's, of this cluster; null without TLS
};

struct ConnectedStream {
  std::unique_ptr<Stream> stream;
  Address local;
  std::string alpn;            // that TLS chose; empty for none
  uint64_t connected_us = 0;   // when the socket was connected, by the loop's clock
  uint64_t handshaken_us = 0;  // when TLS was agreed on; 0 without
};
// An error's message is the cause in words: "Connection refused".
using StreamOutcome = absl::StatusOr<ConnectedStream>;

// Makes one connection over TCP or a Unix socket, with the cluster's TLS. All references outlive the task; no
// timeout of its own. Loop-confined.
Task<StreamOutcome> ConnectStream(EventLoop& loop, StreamTarget target);

// The seam between clusters and the network for connections that carry any bytes.
using StreamConnector = std::function<Task<StreamOutcome>(EventLoop& loop, StreamTarget target)>;

}  // namespace narthex
