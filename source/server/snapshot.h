#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/diagnostics.h"
#include "source/filter/registry.h"
#include "source/manager/access_log.h"
#include "source/net/address.h"
#include "source/server/command_line.h"
#include "source/server/config_files.h"
#include "source/server/listener_config.h"
#include "source/upstream/cluster_set.h"

namespace narthex {

class AdminRuntime;
struct OverloadConfig;
class TicketKeys;
class TlsContext;

// The administration pages as configured.
struct AdminConfig {
  Address address;
  // Which paths exist; null: all.
  std::function<bool(std::string_view path)> allowed;
  std::vector<std::shared_ptr<const AccessLog>> access_logs;
  Origin origin;
};

// The configuration compiled into what the workers run. Immutable, thread-safe, shared; a reload makes a new
// one aside.
struct Snapshot {
  std::shared_ptr<const ConfigFiles> files;  // keeps every ConfigPath valid
  std::chrono::system_clock::time_point made = std::chrono::system_clock::now();
  bool edge_profile = true;
  uint64_t max_connections = UINT64_MAX;           // of clients, on all listeners together
  std::string max_connections_name;                // the runtime key or the resource monitor that sets it
  uint32_t min_client_rate = 0;                    // bytes a second; see ServerCodecOptions
  std::optional<ConfigPath> min_client_rate_path;  // where it is written
  std::vector<std::shared_ptr<const ListenerConfig>> listeners;
  std::shared_ptr<const ClusterSet> clusters;
  // Seal the session tickets of all listeners without keys of their own, over reloads too.
  std::shared_ptr<TicketKeys> ticket_keys;
  std::optional<AdminConfig> admin;
  std::shared_ptr<const OverloadConfig> overload;  // null: nothing is done
  // Runtime values of all layers, later ones winning, as JSON values by key.
  std::map<std::string, std::string> runtime;
  std::vector<std::string> runtime_layers;
  bool has_admin_layer = false;
  // Of the admin layer, whether or not there is one; handed on from snapshot to snapshot.
  std::shared_ptr<AdminRuntime> admin_runtime;
  // Which statistics are shown; null: all.
  std::function<bool(std::string_view name)> shown_stats;

  // Of all filter chains and clusters that speak TLS.
  std::vector<std::shared_ptr<TlsContext>> TlsContexts() const;
  // The number that the runtime gives this key, also as a fraction {numerator, denominator}, then in percent.
  std::optional<double> RuntimeNumber(const std::string& key) const;
};

// Compiles what the command line names. Everything wrong goes to `diagnostics`; null when that includes an
// error. Clusters that are the same in `previous` (may be null) keep their identity. Blocking: for the
// configuration thread, or before the workers start.
std::shared_ptr<const Snapshot> BuildSnapshot(const CommandLine& line, const FilterRegistry& registry,
                                              Diagnostics& diagnostics, const Snapshot* previous);

}  // namespace narthex
