#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/overload/reduced_timeouts.h"
#include "source/overload/trigger.h"

namespace envoy::config::overload::v3 {
class OverloadManager;
}

namespace narthex {

// What can be done, with Envoy's names behind "envoy.overload_actions.".
enum class OverloadAction : uint8_t {
  kStopAcceptingConnections,
  kStopAcceptingRequests,
  kDisableHttpKeepalive,
  kShrinkHeap,
  kResetHighMemoryStream,
  kReduceTimeouts,
  kCount,
};
inline constexpr size_t kOverloadActions = static_cast<size_t>(OverloadAction::kCount);
// "envoy.overload_actions.shrink_heap".
std::string_view NameOf(OverloadAction action);

// A resource monitor as configured.
struct FixedHeapConfig {
  uint64_t most_bytes = 0;
  bool operator==(const FixedHeapConfig&) const = default;
};
struct DownstreamConnectionsConfig {
  uint64_t most = 0;
  bool operator==(const DownstreamConnectionsConfig&) const = default;
};
struct CpuUtilizationConfig {
  bool of_container = false;
  bool operator==(const CpuUtilizationConfig&) const = default;
};
struct InjectedResourceConfig {
  std::string file;
  bool operator==(const InjectedResourceConfig&) const = default;
};
struct ResourceMonitorConfig {
  std::string name;  // that triggers and statistics call it
  std::variant<FixedHeapConfig, DownstreamConnectionsConfig, CpuUtilizationConfig, InjectedResourceConfig>
      kind;
};

struct OverloadActionConfig {
  OverloadAction action = OverloadAction::kCount;
  struct ByMonitor {
    size_t monitor = 0;  // in OverloadConfig::monitors
    OverloadTrigger trigger;
  };
  std::vector<ByMonitor> triggers;
};

// The overload manager of a bootstrap, compiled. Immutable, thread-safe.
struct OverloadConfig {
  std::chrono::milliseconds refresh{1000};
  std::vector<ResourceMonitorConfig> monitors;
  std::vector<OverloadActionConfig> actions;
  LeastTimeouts least_timeouts;                       // reduce_timeouts
  std::chrono::milliseconds shrink_interval{10'000};  // shrink_heap
  uint64_t max_unfreed = 100 * 1024 * 1024;
  uint32_t smallest_account = 0;  // reset_high_memory_stream: the power of two, 0 without that action
  // The limit on connections that a monitor sets, and where that is written.
  std::optional<uint64_t> max_connections;
  std::string max_connections_place;
  // What it was compiled from: two with the same text do the same.
  std::string text;
};

// Null after errors were added to the diagnostics.
std::shared_ptr<const OverloadConfig> CompileOverload(
    const envoy::config::overload::v3::OverloadManager& manager, const ConfigPath& path,
    Diagnostics& diagnostics);

}  // namespace narthex
