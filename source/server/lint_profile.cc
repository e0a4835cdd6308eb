#include "source/server/lint_profile.h"

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "source/manager/hcm_config.h"
#include "source/overload/overload_config.h"
#include "source/server/snapshot_parts.h"

namespace narthex {

namespace {

constexpr std::string_view kLessSafe = "less safe than the edge profile: ";
constexpr std::string_view kOfRuntime = " of the runtime";

void Warn(const Origin& origin, std::string message, Diagnostics& diagnostics) {
  diagnostics.Add(
      {.origin = origin, .severity = Severity::kWarning, .message = std::move(message), .suggestion = ""});
}

void LintChain(const FilterChainConfig& chain, Diagnostics& diagnostics) {
  if (chain.hcm == nullptr) return;
  std::string defaults;
  for (const Setting& setting : chain.hcm->settings) {
    if (!setting.below_edge) continue;
    const std::string text = setting.name + " is " + setting.value;
    if (setting.written) {
      Warn(setting.place, std::string(kLessSafe) + text, diagnostics);
    } else {
      defaults += (defaults.empty() ? "" : ", ") + text;
    }
  }
  if (!defaults.empty()) {
    Warn(chain.origin, std::string(kLessSafe) + "by Envoy's defaults " + defaults, diagnostics);
  }
}

// Of a listener or a cluster: how much one connection may keep in memory.
template <class M>
void LintBuffers(const Placed<M>& placed, Diagnostics& diagnostics) {
  if (!placed.message->has_per_connection_buffer_limit_bytes()) return;
  const uint32_t bytes = placed.message->per_connection_buffer_limit_bytes().value();
  if (bytes <= kEdgeBufferLimit) return;
  diagnostics.Warning(placed.path.Field("per_connection_buffer_limit_bytes"),
                      std::string(kLessSafe) + "per_connection_buffer_limit_bytes is " +
                          std::to_string(bytes) + ", above " + std::to_string(kEdgeBufferLimit));
}

// Of connections at one time: those of a listener, or of all.
void LintConnections(uint64_t limit, uint64_t edge, const std::string& name, const Origin& origin,
                     Diagnostics& diagnostics) {
  if (limit <= edge) return;
  Warn(origin,
       std::string(kLessSafe) + name + " is " + (limit == UINT64_MAX ? "unset" : std::to_string(limit)) +
           ", above " + std::to_string(edge),
       diagnostics);
}

void LintClientRate(const Snapshot& snapshot, Diagnostics& diagnostics) {
  if (!snapshot.min_client_rate_path || snapshot.min_client_rate >= kEdgeMinClientRate) return;
  diagnostics.Warning(*snapshot.min_client_rate_path, std::string(kLessSafe) +
                                                          "min_client_bytes_per_second is " +
                                                          std::to_string(snapshot.min_client_rate) +
                                                          ", below " + std::to_string(kEdgeMinClientRate));
}

}  // namespace

void LintProfile(const Snapshot& snapshot, Diagnostics& diagnostics) {
  LintClientRate(snapshot, diagnostics);
  for (const auto& placed : snapshot.files->listeners) LintBuffers(placed, diagnostics);
  for (const auto& placed : snapshot.files->clusters) LintBuffers(placed, diagnostics);
  const bool by_monitor = snapshot.overload != nullptr && snapshot.overload->max_connections.has_value();
  LintConnections(snapshot.max_connections, kEdgeConnections,
                  snapshot.max_connections_name + (by_monitor ? "" : std::string(kOfRuntime)),
                  snapshot.files->root.Field(by_monitor ? "overload_manager" : "layered_runtime").Origin(),
                  diagnostics);
  for (const auto& listener : snapshot.listeners) {
    LintConnections(listener->max_connections, kEdgeListenerConnections,
                    ListenerConnectionsKey(listener->name) + std::string(kOfRuntime), listener->origin,
                    diagnostics);
    for (const FilterChainConfig* chain : listener->AllChains()) LintChain(*chain, diagnostics);
  }
}

}  // namespace narthex
