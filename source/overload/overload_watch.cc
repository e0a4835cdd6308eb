#include "source/overload/overload_watch.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "source/base/log.h"
#include "source/overload/overload_state.h"

namespace narthex {
namespace {

int64_t Percent(double share) {
  constexpr double kMost = 1e6;  // a gauge is no place for a pressure beyond all measure
  return std::lround(std::min(share, kMost) * 100);
}

uint16_t OddsOf(double scale) {
  return static_cast<uint16_t>(std::lround(scale * OverloadState::kAll));
}

}  // namespace

OverloadWatch::OverloadWatch(std::shared_ptr<const OverloadConfig> config,
                             std::vector<std::unique_ptr<ResourceMonitor>> monitors)
    : config_(std::move(config)) {
  StatsStore& store = StatsStore::Process();
  for (size_t i = 0; i < monitors.size(); ++i) {
    const std::string prefix = "overload." + config_->monitors[i].name + ".";
    resources_.push_back({.monitor = std::move(monitors[i]),
                          .pressure = {},
                          .level = Level(prefix + "pressure"),
                          .failed = store.MakeCounter(prefix + "failed_updates"),
                          .skipped = store.MakeCounter(prefix + "skipped_updates")});
  }
  for (const OverloadActionConfig& action : config_->actions) {
    const std::string prefix = "overload." + std::string(NameOf(action.action)) + ".";
    Action& made = actions_[static_cast<size_t>(action.action)];
    made.active = Level(prefix + "active");
    made.scale_percent = Level(prefix + "scale_percent");
    // Shown from the start.
    made.active.Set(0);
    made.scale_percent.Set(0);
  }
}

OverloadWatch::~OverloadWatch() {
  OverloadState::Set({});
  for (Resource& resource : resources_) resource.level.Set(0);
  for (Action& action : actions_) {
    action.active.Set(0);
    action.scale_percent.Set(0);
  }
}

OverloadOrders OverloadWatch::Refresh(uint64_t now_ms) {
  const auto interval = static_cast<uint64_t>(config_->refresh.count());
  if (refreshed_ms_) {
    // Rounds that there was no time for.
    const uint64_t rounds = (now_ms - *refreshed_ms_) / interval;
    for (Resource& resource : resources_) resource.skipped.Add(rounds > 1 ? rounds - 1 : 0);
  }
  refreshed_ms_ = now_ms;
  for (size_t i = 0; i < resources_.size(); ++i) Read(i);
  for (const OverloadActionConfig& action : config_->actions) Decide(action);
  // Before anybody can see from a gauge that it is so.
  OverloadState::Set({.refuse = OddsOf(ScaleOf(OverloadAction::kStopAcceptingRequests)),
                      .close = OddsOf(ScaleOf(OverloadAction::kDisableHttpKeepalive))});
  for (Action& action : actions_) {
    action.active.Set(action.scale >= 1 ? 1 : 0);
    action.scale_percent.Set(Percent(action.scale));
  }
  OverloadOrders orders;
  orders.accept = ScaleOf(OverloadAction::kStopAcceptingConnections) < 1;
  const double timeouts = ScaleOf(OverloadAction::kReduceTimeouts);
  if (timeouts > 0) orders.reduced = ReducedTimeouts{config_->least_timeouts, timeouts};
  orders.reset = ScaleOf(OverloadAction::kResetHighMemoryStream);
  orders.shrink = ShrinkNow(now_ms);
  return orders;
}

void OverloadWatch::Read(size_t monitor) {
  Resource& resource = resources_[monitor];
  const absl::StatusOr<double> pressure = resource.monitor->Read();
  if (pressure.ok()) {
    resource.failing = false;
    resource.pressure = *pressure;
    resource.level.Set(Percent(*pressure));
    return;
  }
  resource.failed.Add();
  // Once, until it can be read again.
  if (!std::exchange(resource.failing, true)) {
    NARTHEX_LOG(kWarning, "overload") << "failed to update resource " << config_->monitors[monitor].name
                                      << ", whose pressure stays as it was: " << pressure.status();
  }
}

void OverloadWatch::Decide(const OverloadActionConfig& action) {
  double scale = 0;
  size_t by = 0;
  for (const OverloadActionConfig::ByMonitor& trigger : action.triggers) {
    const std::optional<double>& pressure = resources_[trigger.monitor].pressure;
    const double fired = pressure ? trigger.trigger.ScaleAt(*pressure) : 0;
    if (fired <= scale) continue;
    scale = fired;
    by = trigger.monitor;
  }
  Action& state = actions_[static_cast<size_t>(action.action)];
  const double before = std::exchange(state.scale, scale);
  if ((before > 0) == (scale > 0)) return;
  if (scale > 0) {
    NARTHEX_LOG(kWarning, "overload")
        << "overload action " << NameOf(action.action) << " became active: " << config_->monitors[by].name
        << " is at " << resources_[by].level.value() << "%";
  } else {
    NARTHEX_LOG(kInfo, "overload") << "overload action " << NameOf(action.action) << " became inactive";
  }
}

bool OverloadWatch::ShrinkNow(uint64_t now_ms) {
  if (ScaleOf(OverloadAction::kShrinkHeap) < 1) return false;
  const auto interval = static_cast<uint64_t>(config_->shrink_interval.count());
  if (shrunk_ms_ && now_ms - *shrunk_ms_ < interval) return false;
  shrunk_ms_ = now_ms;
  return true;
}

}  // namespace narthex
