#include "source/upstream/host.h"

#include <algorithm>
#include <utility>

namespace narthex {

Host::Host(const EndpointConfig& endpoint, Address address, std::shared_ptr<HealthEpoch> epoch)
    : address_(address),
      address_text_(address.ToString()),
      hostname_(endpoint.hostname),
      hash_key_(endpoint.hash_key.empty() ? address_text_ : endpoint.hash_key),
      weight_(endpoint.weight),
      priority_(endpoint.priority),
      locality_weight_(endpoint.locality_weight),
      configured_health_(endpoint.health),
      health_(std::move(epoch)),
      locality_(endpoint.locality),
      lb_metadata_(endpoint.lb_metadata),
      origin_(endpoint.origin),
      check_(endpoint.check) {
  for (const HostHealth::Flag flag : {HostHealth::kFailedActiveHc, HostHealth::kPendingActiveHc}) {
    if ((endpoint.first_health & flag) != 0) health_.Set(flag);
  }
  if (configured_health_ == ConfiguredHealth::kDegraded) health_.Set(HostHealth::kDegradedEds);
  if (configured_health_ > ConfiguredHealth::kDegraded) health_.Set(HostHealth::kFailedEds);
}

HostCells& Host::AddCells() {
  std::lock_guard lock(mutex_);
  HostCells& cells = cells_.emplace_back();
  cells.next = first_cells_.load(std::memory_order_relaxed);
  first_cells_.store(&cells, std::memory_order_release);
  return cells;
}

uint64_t Host::Active() const {
  uint64_t active = 0;
  for (const HostCells* cells = first_cells_.load(std::memory_order_acquire); cells != nullptr;
       cells = cells->next) {
    active += cells->rq_active.load(std::memory_order_relaxed);
    active += cells->raw_active.load(std::memory_order_relaxed);
  }
  return active;
}

double Host::PeakLatency(uint64_t now_us, uint64_t decay_us) const {
  double latency = 0;
  for (const HostCells* cells = first_cells_.load(std::memory_order_acquire); cells != nullptr;
       cells = cells->next) {
    latency = std::max(latency, cells->latency.Read(now_us, decay_us));
  }
  return latency;
}

HostTotals Host::Totals() const {
  std::lock_guard lock(mutex_);
  HostTotals totals;
  for (const HostCells& cells : cells_) {
    totals.cx_total += cells.cx_total.load(std::memory_order_relaxed);
    totals.cx_active += cells.cx_active.load(std::memory_order_relaxed);
    totals.cx_connect_fail += cells.cx_connect_fail.load(std::memory_order_relaxed);
    totals.rq_total += cells.rq_total.load(std::memory_order_relaxed);
    totals.rq_active += cells.rq_active.load(std::memory_order_relaxed);
    totals.rq_success += cells.rq_success.load(std::memory_order_relaxed);
    totals.rq_error += cells.rq_error.load(std::memory_order_relaxed);
    totals.rq_timeout += cells.rq_timeout.load(std::memory_order_relaxed);
    totals.successes += cells.successes.load(std::memory_order_relaxed);
    totals.failures += cells.failures.load(std::memory_order_relaxed);
    totals.local_successes += cells.local_successes.load(std::memory_order_relaxed);
    totals.local_failures += cells.local_failures.load(std::memory_order_relaxed);
  }
  return totals;
}

void Host::NoteFailure(std::string cause, std::chrono::system_clock::time_point when) {
  std::lock_guard lock(mutex_);
  failure_ = {std::move(cause), when};
}

HostFailure Host::last_failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

void Host::SetHealthCause(HostHealth::Flag flag, std::string cause) {
  std::lock_guard lock(mutex_);
  if (cause.empty()) {
    health_causes_.erase(flag);
  } else {
    health_causes_.insert_or_assign(flag, std::move(cause));
  }
}

std::string Host::health_cause(HostHealth::Flag flag) const {
  std::lock_guard lock(mutex_);
  const auto found = health_causes_.find(flag);
  return found == health_causes_.end() ? std::string() : found->second;
}

}  // namespace narthex
