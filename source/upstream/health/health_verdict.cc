#include "source/upstream/health/health_verdict.h"

#include <algorithm>
#include <utility>

namespace narthex {

using std::chrono::milliseconds;

HealthVerdict::Change HealthVerdict::Note(const ProbeResult& result, HostHealth& health) {
  last_ok_ = result.ok();
  pending_ = false;
  Change change = last_ok_ ? NoteSuccess(result.kind == ProbeResult::Kind::kDegraded, health)
                           : NoteFailure(result, health);
  change.first = std::exchange(first_, false);
  health.Clear(HostHealth::kPendingActiveHc);
  return change;
}

HealthVerdict::Change HealthVerdict::NoteSuccess(bool degraded, HostHealth& health) {
  Change change;
  failures_ = 0;
  const bool was_degraded = health.Has(HostHealth::kDegradedActiveHc);
  change.degraded = degraded && !was_degraded;
  change.no_longer_degraded = !degraded && was_degraded;
  // Before it takes load again, so that it does not take too much of it.
  if (change.degraded) health.Set(HostHealth::kDegradedActiveHc);
  if (change.no_longer_degraded) health.Clear(HostHealth::kDegradedActiveHc);
  if (!health.Has(HostHealth::kFailedActiveHc)) return change;
  if (!first_ && ++successes_ < settings_.healthy_threshold) {
    pending_ = true;
    return change;
  }
  successes_ = 0;
  change.healthy = true;
  health.Clear(HostHealth::kExcludedImmediate);
  health.Clear(HostHealth::kFailedActiveHc);
  return change;
}

HealthVerdict::Change HealthVerdict::NoteFailure(const ProbeResult& result, HostHealth& health) {
  Change change;
  successes_ = 0;
  if (result.excluded) health.Set(HostHealth::kExcludedImmediate);
  if (health.Has(HostHealth::kFailedActiveHc)) return change;
  const bool at_once = result.kind == ProbeResult::Kind::kUnhealthy;
  if (!at_once && ++failures_ < settings_.unhealthy_threshold) {
    pending_ = true;
    return change;
  }
  failures_ = 0;
  change.unhealthy = true;
  health.Set(HostHealth::kFailedActiveHc);
  return change;
}

milliseconds HealthVerdict::NextInterval(bool traffic, uint64_t random) const {
  milliseconds base;
  if (!traffic) {
    base = last_ok_ ? settings_.no_traffic_healthy_interval : settings_.no_traffic_interval;
  } else if (last_ok_) {
    base = pending_ ? settings_.healthy_edge_interval : settings_.interval;
  } else {
    base = pending_ ? settings_.unhealthy_edge_interval : settings_.unhealthy_interval;
  }
  uint64_t jitter = static_cast<uint64_t>(base.count()) * settings_.interval_jitter_percent / 100;
  jitter = jitter > 0 ? random % jitter : 0;
  const auto further = static_cast<uint64_t>(settings_.interval_jitter.count());
  if (further > 0) jitter += (random >> 32) % further;
  return std::max(base + milliseconds(static_cast<int64_t>(jitter)), milliseconds(1));
}

}  // namespace narthex
