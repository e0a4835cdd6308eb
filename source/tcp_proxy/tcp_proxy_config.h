#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/filter/runtime.h"
#include "source/manager/access_log.h"
#include "source/stats/stats.h"
#include "source/tcp_proxy/relay.h"

namespace envoy::extensions::filters::network::tcp_proxy::v3 {
class TcpProxy;
}

namespace narthex {

// "tcp.<stat_prefix>.", by Envoy's names.
struct TcpProxyStats {
  explicit TcpProxyStats(const std::string& prefix);

  Counter cx_total, cx_no_route, idle_timeout, max_downstream_connection_duration;
  RelayStats relay;
};

// A cluster and the part of the connections that it gets.
struct ClusterShare {
  std::string cluster;
  uint64_t up_to = 0;  // the sum of its weight and of those before it
};

// A TCP proxy, compiled. Immutable, thread-safe.
struct TcpProxyConfig {
  explicit TcpProxyConfig(std::string prefix)
      : stat_prefix(std::move(prefix)), stats("tcp." + stat_prefix + ".") {}
  // By weight. `random` has 64 random bits.
  const std::string& ChooseCluster(uint64_t random) const;

  const std::string stat_prefix;
  const TcpProxyStats stats;
  std::vector<ClusterShare> clusters;  // at least one
  uint32_t max_connect_attempts = 1;
  std::chrono::milliseconds idle_timeout{3600 * 1000};  // 0: never
  std::chrono::milliseconds max_duration{0};            // 0: no limit
  size_t read_size = 0;                                 // see Relay
  std::vector<std::shared_ptr<const AccessLog>> access_logs;
  bool log_on_start = false;
  bool log_on_connected = false;
  std::chrono::milliseconds log_interval{0};  // 0: none
};

// What a TCP proxy is compiled with. Lives only during CompileTcpProxy.
struct TcpProxyCompileContext {
  Diagnostics& diagnostics;
  std::function<bool(std::string_view)> has_cluster;
  uint32_t buffer_limit = 1024 * 1024;  // the listener's per_connection_buffer_limit_bytes
  RuntimeLookup runtime = {};
};

// Null after errors were added to the diagnostics. Load-time.
std::shared_ptr<const TcpProxyConfig> CompileTcpProxy(
    const envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy& config, const ConfigPath& path,
    const TcpProxyCompileContext& context);

}  // namespace narthex
