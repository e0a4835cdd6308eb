#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "source/server/snapshot_parts.h"
#include "source/tls/context.h"
#include "source/upstream/cluster_config.h"

namespace envoy::config::core::v3 {
class TransportSocket;
}

namespace narthex {

// What the transport sockets of a configuration are compiled with.
struct TransportContext {
  std::shared_ptr<const ConfigFiles> files;  // kept by every context: secrets are looked up in the bootstrap
  std::shared_ptr<TicketKeys> ticket_keys;   // of the process
  Diagnostics& diagnostics;
};

// A filter chain's, or a cluster's, transport socket at `path`: TLS, null for plain bytes or after an error;
// for a cluster also which PROXY header comes before it. `stat_prefix` is that of its owner
// ("listener.0.0.0.0_443."). Blocks for files: configuration thread.
std::shared_ptr<TlsContext> CompileDownstreamTransport(const envoy::config::core::v3::TransportSocket& socket,
                                                       const ConfigPath& path, const std::string& stat_prefix,
                                                       const TransportContext& context);
UpstreamTransport CompileUpstreamTransport(const envoy::config::core::v3::TransportSocket& socket,
                                           const ConfigPath& path, const std::string& stat_prefix,
                                           const TransportContext& context);

}  // namespace narthex
