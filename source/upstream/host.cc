#include "source/upstream/host.h"

#include <map>
#include <utility>

namespace narthex {

Host::Host(const EndpointConfig& endpoint, Address address, std::shared_ptr<HealthEpoch> epoch)
    : address_(address),
      address_text_(address.ToString()),
      hostname_(endpoint.hostname),
      weight_(endpoint.weight),
      priority_(endpoint.priority),
      configured_health_(endpoint.health),
      health_(std::move(epoch)),
      locality_(endpoint.locality),
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
  return cells_.emplace_back();
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

size_t HostSet::available() const {
  size_t count = 0;
  for (const std::shared_ptr<Host>& host : hosts) count += host->available();
  return count;
}

std::vector<std::shared_ptr<Host>> HostSet::Eligible(double panic_threshold) const {
  std::map<uint32_t, std::vector<std::shared_ptr<Host>>> all, available;
  for (const std::shared_ptr<Host>& host : hosts) {
    all[host->priority()].push_back(host);
    if (host->available()) available[host->priority()].push_back(host);
  }
  // Without any available host the first priority panics.
  const uint32_t chosen = !available.empty() ? available.begin()->first
                          : all.empty()      ? 0
                                             : all.begin()->first;
  std::vector<std::shared_ptr<Host>>& fit = available[chosen];
  std::vector<std::shared_ptr<Host>>& every = all[chosen];
  const bool panic =
      static_cast<double>(fit.size()) * 100 < panic_threshold * static_cast<double>(every.size());
  return panic ? std::move(every) : std::move(fit);
}

}  // namespace narthex
