#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/net/address.h"
#include "source/net/listener.h"
#include "source/server/listener_filters.h"

namespace envoy::config::listener::v3 {
class FilterChainMatch;
class Listener;
}  // namespace envoy::config::listener::v3
namespace envoy::config::core::v3 {
class Address;
}

namespace narthex {

class AccessLog;
class TlsContext;
struct HcmConfig;
struct TcpProxyConfig;

// An option set on a listening socket by its number.
struct SocketOptionConfig {
  int level = 0;
  int name = 0;
  std::string value;  // the bytes that setsockopt takes
  ListenOptions::Stage stage = ListenOptions::Stage::kPrebind;
  bool operator==(const SocketOptionConfig&) const = default;
};

struct KeepaliveConfig {
  std::optional<uint32_t> probes, time_seconds, interval_seconds;
  bool operator==(const KeepaliveConfig&) const = default;
};

// All that makes a listening socket what it is: as long as two are equal, the socket is kept over a reload.
struct SocketConfig {
  Address address;
  bool ipv4_compat = false;
  uint32_t mode = 0;  // of a Unix socket's file
  int backlog = 4096;
  bool reuse_port = true;
  std::optional<KeepaliveConfig> keepalive;
  std::vector<SocketOptionConfig> options;
  bool operator==(const SocketConfig&) const = default;
};

// What a filter chain asks of a connection. An empty list asks nothing.
struct FilterChainMatch {
  std::optional<uint16_t> destination_port;
  std::vector<std::pair<Cidr, uint32_t>> destinations;  // with the prefix' length
  std::vector<std::string> server_names;
  std::string transport_protocol;
  std::vector<std::string> application_protocols;
  std::vector<std::pair<Cidr, uint32_t>> sources;
  std::vector<uint16_t> source_ports;
};

struct FilterChainConfig {
  std::string name;      // for people: several chains may have the same
  std::string identity;  // see ChainIdentity; no two chains of a listener have the same
  FilterChainMatch match;
  // The terminal filter: one of the two, the other is null.
  std::shared_ptr<const HcmConfig> hcm;
  std::shared_ptr<const TcpProxyConfig> tcp;
  std::shared_ptr<TlsContext> tls;               // null: plain bytes
  std::chrono::milliseconds connect_timeout{0};  // of the TLS handshake; 0: none
  Origin origin;
};

// What is known of a connection when its chain is chosen.
struct ConnectionTraits {
  Address local;
  Address remote;
  std::string_view server_name = {};
  std::string_view transport_protocol = "raw_buffer";
  std::vector<std::string> application_protocols = {};  // that the client offers
};

// A listener, compiled. Immutable, thread-safe.
struct ListenerConfig {
  std::string name;
  std::string stat_prefix;  // of "listener.<this>."; empty: each socket's address
  std::vector<SocketConfig> sockets;
  ListenerFilters listener_filters;
  std::vector<FilterChainConfig> chains;
  std::optional<FilterChainConfig> default_chain;
  uint32_t buffer_limit = 1024 * 1024;
  uint32_t max_accepts_per_event = 0;                         // 0: no limit
  uint64_t max_connections = UINT64_MAX;                      // of all workers together
  std::string total_limit_name;                               // what limits the connections of all listeners
  std::vector<std::shared_ptr<const AccessLog>> access_logs;  // a line for each connection
  bool drains_when_failing = true;                            // when the process says that it is not well
  Origin origin;

  // The chain with the most specific match, or null. As Envoy: criterion after criterion, never back.
  const FilterChainConfig* FindChain(const ConnectionTraits& traits) const;
  // The chain of this identity, or null.
  const FilterChainConfig* FindIdentity(std::string_view identity) const;
  // The default one too.
  std::vector<const FilterChainConfig*> AllChains() const;
};

// "listener.0.0.0.0_443.": of the statistics of one of its addresses, as configured.
std::string StatPrefixOf(const ListenerConfig& config, const Address& address);

// The parts of a listener but its chains' filters: sockets, matches, limits.
void CompileListenerSockets(const envoy::config::listener::v3::Listener& listener, const ConfigPath& path,
                            ListenerConfig& into, Diagnostics& diagnostics);
FilterChainMatch CompileChainMatch(const envoy::config::listener::v3::FilterChainMatch& match,
                                   const ConfigPath& path, Diagnostics& diagnostics);
// An IP or Unix address to bind; an empty one after an error.
Address CompileBindAddress(const envoy::config::core::v3::Address& address, const ConfigPath& path,
                           Diagnostics& diagnostics);

}  // namespace narthex
