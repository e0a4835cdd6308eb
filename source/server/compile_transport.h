#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "source/server/snapshot_parts.h"
#include "source/tls/context.h"

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

// The TLS of a filter chain's, or of a cluster's, transport socket at `path`; null for plain bytes, or after
// an error. `stat_prefix` is that of its owner ("listener.0.0.0.0_443."). Blocks for files: configuration
// thread.
std::shared_ptr<TlsContext> CompileDownstreamTransport(const envoy::config::core::v3::TransportSocket& socket,
                                                       const ConfigPath& path, const std::string& stat_prefix,
                                                       const TransportContext& context);
std::shared_ptr<TlsContext> CompileUpstreamTransport(const envoy::config::core::v3::TransportSocket& socket,
                                                     const ConfigPath& path, const std::string& stat_prefix,
                                                     const TransportContext& context);

}  // namespace narthex
