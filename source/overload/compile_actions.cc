#include "source/overload/compile_actions.h"

#include <algorithm>
#include <utility>

#include "envoy/config/overload/v3/overload.pb.h"
#include "source/config/duration.h"
#include "source/config/unpack.h"

namespace narthex {
namespace {

namespace v3 = envoy::config::overload::v3;
using ScaleTimers = v3::ScaleTimersOverloadActionConfig;

constexpr std::array<std::string_view, kOverloadActions> kNames = {
    "envoy.overload_actions.stop_accepting_connections", "envoy.overload_actions.stop_accepting_requests",
    "envoy.overload_actions.disable_http_keepalive",     "envoy.overload_actions.shrink_heap",
    "envoy.overload_actions.reset_high_memory_stream",   "envoy.overload_actions.reduce_timeouts",
};

void CompileTrigger(const v3::Trigger& trigger, const ConfigPath& path, const OverloadConfig& config,
                    const std::string& action, OverloadActionConfig& into, Diagnostics& diagnostics) {
  const auto& monitors = config.monitors;
  const auto named =
      std::find_if(monitors.begin(), monitors.end(),
                   [&](const ResourceMonitorConfig& monitor) { return monitor.name == trigger.name(); });
  if (named == monitors.end()) {
    return diagnostics.Error(path.Field("name"), "Unknown trigger resource " + trigger.name() +
                                                     " for overload action " + action +
                                                     "; name one of resource_monitors");
  }
  const auto monitor = static_cast<size_t>(named - monitors.begin());
  const auto same = [&](const auto& other) { return other.monitor == monitor; };
  if (std::any_of(into.triggers.begin(), into.triggers.end(), same)) {
    return diagnostics.Error(path.Field("name"), "Duplicate trigger resource for overload action " + action);
  }
  if (trigger.has_threshold()) {
    const double value = trigger.threshold().value();
    into.triggers.push_back({monitor, {.scaling = value, .saturation = value}});
    return;
  }
  const v3::ScaledTrigger& scaled = trigger.scaled();
  if (scaled.scaling_threshold() >= scaled.saturation_threshold()) {
    return diagnostics.Error(path.Field("scaled"),
                             "scaling_threshold must be less than saturation_threshold");
  }
  into.triggers.push_back(
      {monitor, {.scaling = scaled.scaling_threshold(), .saturation = scaled.saturation_threshold()}});
}

void CompileScaleTimer(const ScaleTimers::ScaleTimer& timer, const ConfigPath& path, OverloadConfig& into,
                       Diagnostics& diagnostics) {
  size_t which = 0;
  switch (timer.timer()) {
    case ScaleTimers::HTTP_DOWNSTREAM_CONNECTION_IDLE:
      which = static_cast<size_t>(ScaledTimeout::kConnectionIdle);
      break;
    case ScaleTimers::HTTP_DOWNSTREAM_STREAM_IDLE:
      which = static_cast<size_t>(ScaledTimeout::kStreamIdle);
      break;
    case ScaleTimers::TRANSPORT_SOCKET_CONNECT:
      which = static_cast<size_t>(ScaledTimeout::kTransportConnect);
      break;
    default:
      return diagnostics.Error(path.Field("timer"),
                               "only HTTP_DOWNSTREAM_CONNECTION_IDLE, HTTP_DOWNSTREAM_STREAM_IDLE and "
                               "TRANSPORT_SOCKET_CONNECT are supported");
  }
  std::optional<LeastTimeout>& least = into.least_timeouts[which];
  if (least) {
    return diagnostics.Error(path.Field("timer"), "Found duplicate entry for timer type " +
                                                      ScaleTimers::TimerType_Name(timer.timer()));
  }
  least.emplace();
  if (timer.has_min_timeout()) {
    least->at_least = ToMilliseconds(timer.min_timeout());
  } else {
    least->share = timer.min_scale().value() / 100;
  }
}

void CompileReduceTimeouts(const v3::OverloadAction& action, const ConfigPath& path, OverloadConfig& into,
                           Diagnostics& diagnostics) {
  if (!action.has_typed_config()) {
    return diagnostics.Error(path, "Overload action \"" + action.name() +
                                       "\" requires a typed_config of type "
                                       "envoy.config.overload.v3.ScaleTimersOverloadActionConfig");
  }
  const ConfigPath at = path.Field("typed_config");
  const absl::StatusOr<ScaleTimers> timers = Unpack<ScaleTimers>(action.typed_config(), at);
  diagnostics.AddStatus(timers.status());
  if (!timers.ok()) return;
  for (int i = 0; i < timers->timer_scale_factors_size(); ++i) {
    CompileScaleTimer(timers->timer_scale_factors(i),
                      at.Field("timer_scale_factors").Index(static_cast<size_t>(i)), into, diagnostics);
  }
}

void CompileShrinkHeap(const v3::OverloadAction& action, const ConfigPath& path, OverloadConfig& into,
                       Diagnostics& diagnostics) {
  if (!action.has_typed_config()) return;
  const absl::StatusOr<v3::ShrinkHeapConfig> shrink =
      Unpack<v3::ShrinkHeapConfig>(action.typed_config(), path.Field("typed_config"));
  diagnostics.AddStatus(shrink.status());
  if (!shrink.ok()) return;
  if (shrink->has_timer_interval()) into.shrink_interval = ToMilliseconds(shrink->timer_interval());
  if (shrink->has_max_unfreed_memory_bytes()) into.max_unfreed = shrink->max_unfreed_memory_bytes().value();
}

void CompileResetStreams(const v3::OverloadManager& manager, const ConfigPath& path, const ConfigPath& action,
                         OverloadConfig& into, Diagnostics& diagnostics) {
  into.smallest_account = manager.buffer_factory_config().minimum_account_to_track_power_of_two();
  if (into.smallest_account > 0 || manager.has_buffer_factory_config()) return;
  diagnostics.Error(action, "needs " + path.ToString() +
                                ".buffer_factory_config.minimum_account_to_track_power_of_two: the streams "
                                "that hold less than 2 to its power of bytes are left alone");
}

void CompileAction(const v3::OverloadManager& manager, const ConfigPath& path, int index,
                   OverloadConfig& into, Diagnostics& diagnostics) {
  const v3::OverloadAction& action = manager.actions(index);
  const ConfigPath at = path.Field("actions").Index(static_cast<size_t>(index));
  const auto* const name = std::find(kNames.begin(), kNames.end(), action.name());
  if (name == kNames.end()) {
    std::string known;
    for (const std::string_view each : kNames) known.append(known.empty() ? "" : ", ").append(each);
    return diagnostics.Error(at.Field("name"),
                             "Unknown Overload Manager Action " + action.name() + "; there are " + known);
  }
  OverloadActionConfig compiled;
  compiled.action = static_cast<OverloadAction>(name - kNames.begin());
  const auto same = [&](const auto& other) { return other.action == compiled.action; };
  if (std::any_of(into.actions.begin(), into.actions.end(), same)) {
    return diagnostics.Error(at.Field("name"), "Duplicate overload action " + action.name());
  }
  for (int i = 0; i < action.triggers_size(); ++i) {
    CompileTrigger(action.triggers(i), at.Field("triggers").Index(static_cast<size_t>(i)), into,
                   action.name(), compiled, diagnostics);
  }
  if (compiled.action == OverloadAction::kReduceTimeouts) {
    CompileReduceTimeouts(action, at, into, diagnostics);
  } else if (compiled.action == OverloadAction::kShrinkHeap) {
    CompileShrinkHeap(action, at, into, diagnostics);
  } else if (action.has_typed_config()) {
    diagnostics.Error(at.Field("typed_config"),
                      "Overload action " + action.name() + " takes no configuration; remove it");
  }
  if (compiled.action == OverloadAction::kResetHighMemoryStream) {
    CompileResetStreams(manager, path, at, into, diagnostics);
  }
  into.actions.push_back(std::move(compiled));
}

}  // namespace

std::string_view NameOf(OverloadAction action) {
  return kNames[static_cast<size_t>(action)];
}

void CompileOverloadActions(const v3::OverloadManager& manager, const ConfigPath& path, OverloadConfig& into,
                            Diagnostics& diagnostics) {
  for (int i = 0; i < manager.actions_size(); ++i) CompileAction(manager, path, i, into, diagnostics);
}

}  // namespace narthex
