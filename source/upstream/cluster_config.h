#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/net/address.h"
#include "source/net/dns.h"
#include "source/upstream/balancer_settings.h"
#include "source/upstream/cluster.h"
#include "source/upstream/health_settings.h"
#include "source/upstream/host_health.h"
#include "source/upstream/lb_metadata.h"

namespace envoy::config::core::v3 {
class TransportSocket;
}  // namespace envoy::config::core::v3
namespace envoy::config::cluster::v3 {
class Cluster;
}  // namespace envoy::config::cluster::v3

namespace narthex {

class TlsContext;

enum class DiscoveryType : uint8_t { kStatic, kStrictDns, kLogicalDns };
// By which version of HTTP a cluster's hosts are spoken to.
enum class UpstreamProtocol : uint8_t {
  kHttp1,
  kHttp2,       // with prior knowledge, or by ALPN over TLS
  kAlpn,        // what the host chooses of both
  kDownstream,  // the request's own
};
// What the configuration says of an endpoint's health; only the first two take load.
enum class ConfiguredHealth : uint8_t { kHealthy, kDegraded, kDraining, kUnhealthy };

struct Locality {
  std::string region, zone, sub_zone;
};

// One endpoint as it is configured.
struct EndpointConfig {
  Address address;       // empty when `dns_name` must be resolved first
  std::string dns_name;  // of a DNS cluster
  uint16_t port = 0;
  std::string hostname;  // for auto_host_rewrite; the DNS name unless set; an address has none
  uint32_t weight = 1;
  uint32_t priority = 0;
  ConfiguredHealth health = ConfiguredHealth::kHealthy;
  EndpointCheck check;
  uint32_t first_health = 0;  // flags of HostHealth that its host has until it is checked
  Locality locality;
  uint32_t locality_weight = 0;  // of its locality in its priority
  LbMetadata lb_metadata;
  std::string hash_key;  // what a hash balancer places it by; its address unless set
  Origin origin;
};

// A bound on what a cluster may take up, and where it was set.
struct Limit {
  uint32_t value = 0;
  std::string origin;  // "gateway.yaml:41:9: static_resources..."; of the closest ancestor for a default
};

// How many retries may be under way: a share, in percent, of the requests that are active or wait for a
// connection, and so many in any case.
struct RetryBudget {
  double percent = 20;
  uint32_t least = 3;
};

// The circuit breakers of one priority.
struct BreakerLimits {
  Limit connections{1024, {}};
  Limit pending_requests{1024, {}};
  Limit requests{1024, {}};
  Limit retries{3, {}};
  std::optional<RetryBudget> retry_budget;  // in place of `retries`
  bool track_remaining = false;
};

// How long to wait after a lookup that failed: up to `base`, then up to twice as long each time, at most
// `max`.
struct DnsBackoff {
  std::chrono::milliseconds base{0};
  std::chrono::milliseconds max{0};
};

struct DnsSettings {
  DnsFamily family = DnsFamily::kAuto;
  std::chrono::milliseconds refresh_rate{5000};
  std::chrono::milliseconds jitter{0};
  bool respect_ttl = false;
  std::optional<DnsBackoff> failure;  // unset: refresh_rate, whatever came
  DnsResolverOptions resolver;
};

// TCP keepalive; what is unset is the system's default.
struct TcpKeepalive {
  std::optional<uint32_t> probes, time_seconds, interval_seconds;
};

// How connections to a cluster's hosts are made and kept.
struct ConnectionSettings {
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds idle_timeout{3600 * 1000};  // 0: never
  std::chrono::milliseconds max_duration{0};            // 0: no limit
  uint32_t max_requests = 0;                            // a connection; 0: no limit
  UpstreamProtocol protocol = UpstreamProtocol::kHttp1;
  // Ask TLS for the certificate of the request's host, which stands in `sni_header`, or in :authority; and
  // take no other.
  bool auto_sni = false;
  bool auto_san_validation = false;
  std::string sni_header;
  ClientCodecOptions codec;
  std::optional<TcpKeepalive> keepalive;
  std::shared_ptr<TlsContext> tls;  // null: plain bytes
  int proxy_protocol = 0;           // the version of the header that each begins with; 0: none
};

// A cluster as it is configured, compiled. Immutable, thread-safe.
struct ClusterConfig {
  std::string name;
  std::string stat_name;  // alt_stat_name, or name; what statistics go by
  DiscoveryType type = DiscoveryType::kStatic;
  BalancerSettings balancer;
  std::vector<EndpointConfig> endpoints;
  std::array<BreakerLimits, 2> breakers;  // by Priority
  ConnectionSettings connection;
  DnsSettings dns;
  std::optional<HealthCheckSettings> health_check;
  std::optional<OutlierSettings> outliers;
  // Drain every connection when a host comes or goes.
  bool drain_on_host_change = false;
  Origin origin;
  // Of the message and the compile options: equal for a cluster that a reload left unchanged.
  uint64_t content_hash = 0;

  const BreakerLimits& limits(Priority priority) const { return breakers[static_cast<size_t>(priority)]; }
};

// What a cluster's transport socket compiles to; see ConnectionSettings.
struct UpstreamTransport {
  std::shared_ptr<TlsContext> tls;
  int proxy_protocol = 0;
};

// What clusters are compiled with.
struct ClusterDefaults {
  // What the profile decides where a cluster says nothing.
  uint32_t buffer_limit = 1024 * 1024;
  // Compiles a transport socket; without TLS after an error. Unset: all bytes are plain.
  std::function<UpstreamTransport(const envoy::config::core::v3::TransportSocket& socket,
                                  const ConfigPath& path, const std::string& stat_prefix)>
      transport = {};
  // The number that the runtime gives a key. Unset: there is no runtime.
  std::function<std::optional<double>(std::string_view key)> runtime = {};
  // What the transport depends on, beside the cluster: a change of it makes another cluster.
  std::string transport_inputs = {};
};

// Compiles `cluster`, at `path`. Everything wrong goes to `diagnostics`; null when that includes an error.
std::shared_ptr<const ClusterConfig> CompileCluster(const envoy::config::cluster::v3::Cluster& cluster,
                                                    const ConfigPath& path, Diagnostics& diagnostics,
                                                    const ClusterDefaults& defaults = {});

}  // namespace narthex
