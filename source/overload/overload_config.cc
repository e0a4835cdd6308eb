#include "source/overload/overload_config.h"

#include <algorithm>
#include <utility>

#include "envoy/config/overload/v3/overload.pb.h"
#include "envoy/extensions/resource_monitors/cpu_utilization/v3/cpu_utilization.pb.h"
#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.pb.h"
#include "envoy/extensions/resource_monitors/injected_resource/v3/injected_resource.pb.h"
#include "source/config/duration.h"
#include "source/config/unpack.h"
#include "source/overload/compile_actions.h"

namespace narthex {
namespace {

namespace v3 = envoy::config::overload::v3;
namespace monitors_v3 = envoy::extensions::resource_monitors;

using CpuMessage = monitors_v3::cpu_utilization::v3::CpuUtilizationConfig;
using ConnectionsMessage = monitors_v3::downstream_connections::v3::DownstreamConnectionsConfig;
using HeapMessage = monitors_v3::fixed_heap::v3::FixedHeapConfig;
using InjectedMessage = monitors_v3::injected_resource::v3::InjectedResourceConfig;

// Takes the monitor's message when it is an M; false when it is another.
template <class M, class Take>
bool TakeIf(const v3::ResourceMonitor& monitor, const ConfigPath& path, Diagnostics& diagnostics, Take take) {
  if (!monitor.typed_config().Is<M>()) return false;
  const absl::StatusOr<M> message = Unpack<M>(monitor.typed_config(), path);
  diagnostics.AddStatus(message.status());
  if (message.ok()) take(*message);
  return true;
}

void CompileMonitor(const v3::ResourceMonitor& monitor, const ConfigPath& at, OverloadConfig& into,
                    Diagnostics& diagnostics) {
  ResourceMonitorConfig& made = into.monitors.emplace_back(ResourceMonitorConfig{monitor.name(), {}});
  const ConfigPath path = at.Field("typed_config");
  const bool known =
      TakeIf<HeapMessage>(monitor, path, diagnostics,
                          [&](const HeapMessage& heap) {
                            made.kind = FixedHeapConfig{heap.max_heap_size_bytes()};
                            if (heap.max_heap_size_bytes() > 0) return;
                            diagnostics.Error(
                                path.Field("max_heap_size_bytes"),
                                "must be set: the pressure is what is allocated, divided by it");
                          }) ||
      TakeIf<ConnectionsMessage>(
          monitor, path, diagnostics,
          [&](const ConnectionsMessage& connections) {
            const auto most = static_cast<uint64_t>(connections.max_active_downstream_connections());
            made.kind = DownstreamConnectionsConfig{most};
            if (into.max_connections) {
              return diagnostics.Error(path, "limits the connections of clients, as \"" +
                                                 into.max_connections_place + "\" does; keep one of the two");
            }
            into.max_connections = most;
            into.max_connections_place = monitor.name();
          }) ||
      TakeIf<CpuMessage>(monitor, path, diagnostics,
                         [&](const CpuMessage& cpu) {
                           made.kind = CpuUtilizationConfig{cpu.mode() == CpuMessage::CONTAINER};
                         }) ||
      TakeIf<InjectedMessage>(monitor, path, diagnostics, [&](const InjectedMessage& injected) {
        made.kind = InjectedResourceConfig{injected.filename()};
      });
  if (known) return;
  diagnostics.Error(
      monitor.has_typed_config() ? path : at,
      "a resource monitor's typed_config is a FixedHeapConfig, a DownstreamConnectionsConfig, a "
      "CpuUtilizationConfig or an InjectedResourceConfig of envoy.extensions.resource_monitors");
}

}  // namespace

std::shared_ptr<const OverloadConfig> CompileOverload(const v3::OverloadManager& manager,
                                                      const ConfigPath& path, Diagnostics& diagnostics) {
  const size_t before = diagnostics.error_count();
  auto config = std::make_shared<OverloadConfig>();
  config->text = manager.SerializeAsString();
  if (manager.has_refresh_interval()) {
    config->refresh = ToMilliseconds(manager.refresh_interval());
    if (config->refresh.count() <= 0) {
      diagnostics.Error(path.Field("refresh_interval"), "must be more than nothing");
    }
  }
  for (int i = 0; i < manager.resource_monitors_size(); ++i) {
    const ConfigPath at = path.Field("resource_monitors").Index(static_cast<size_t>(i));
    const std::string& name = manager.resource_monitors(i).name();
    const auto same = [&](const ResourceMonitorConfig& other) { return other.name == name; };
    if (std::any_of(config->monitors.begin(), config->monitors.end(), same)) {
      diagnostics.Error(at.Field("name"), "Duplicate resource monitor " + name);
    }
    CompileMonitor(manager.resource_monitors(i), at, *config, diagnostics);
  }
  CompileOverloadActions(manager, path, *config, diagnostics);
  return diagnostics.error_count() == before ? config : nullptr;
}

}  // namespace narthex
