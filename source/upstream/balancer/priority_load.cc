#include "source/upstream/balancer/priority_load.h"

#include <algorithm>
#include <numeric>

namespace narthex {

namespace {

// How much of the load the hosts of a kind could take, in percent.
uint32_t CapacityOf(uint64_t of_kind, uint64_t all, uint32_t factor) {
  return all == 0 ? 0 : static_cast<uint32_t>(std::min<uint64_t>(100, factor * of_kind / all));
}

bool InPanic(const PriorityHosts& hosts, double threshold) {
  const size_t counted = hosts.total - hosts.excluded;
  const double available = static_cast<double>(hosts.healthy + hosts.degraded);
  return (counted == 0 ? 0 : 100 * available / static_cast<double>(counted)) < threshold;
}

// Gives `left` out in the order of the priorities, each as much as it can take; returns the first that can
// take any, or the number of priorities.
template <class Set>
size_t GiveOut(const std::vector<uint32_t>& capacities, uint32_t available, uint32_t& left, Set set) {
  size_t first = capacities.size();
  for (size_t i = 0; i < capacities.size(); ++i) {
    if (first == capacities.size() && capacities[i] > 0) first = i;
    const uint32_t share = std::min(left, capacities[i] * 100 / available);
    set(i, share);
    left -= share;
  }
  return first;
}

}  // namespace

PriorityLoad::PriorityLoad(const std::vector<PriorityHosts>& priorities, const PriorityOptions& options)
    : shares_(priorities.size()) {
  if (priorities.empty()) return;
  std::vector<uint32_t> healthy, degraded;
  for (const PriorityHosts& hosts : priorities) {
    const uint64_t all =
        options.health_by_weight ? hosts.total_weight - hosts.excluded_weight : hosts.total - hosts.excluded;
    const uint64_t well = options.health_by_weight ? hosts.healthy_weight : hosts.healthy;
    const uint64_t worse = options.health_by_weight ? hosts.degraded_weight : hosts.degraded;
    healthy.push_back(CapacityOf(well, all, options.overprovisioning_factor));
    degraded.push_back(CapacityOf(worse, all, options.overprovisioning_factor));
    capacities_.push_back({healthy.back(), degraded.back()});
  }
  const uint32_t sum = std::accumulate(healthy.begin(), healthy.end(), 0u) +
                       std::accumulate(degraded.begin(), degraded.end(), 0u);
  const uint32_t available = std::min(100u, sum);
  if (available > 0) Divide(healthy, degraded, available);
  if (available == 0 && options.panic_threshold == 0) {
    shares_[0].healthy = 100;  // all goes where there is nobody
    return;
  }
  // While the hosts that are available can take all of the load there is no reason to panic.
  bool all_panic = available < 100;
  for (size_t i = 0; i < priorities.size() && available < 100; ++i) {
    shares_[i].panic = InPanic(priorities[i], options.panic_threshold);
    all_panic &= shares_[i].panic;
  }
  if (all_panic) DivideInPanic(priorities);
}

void PriorityLoad::Divide(const std::vector<uint32_t>& healthy, const std::vector<uint32_t>& degraded,
                          uint32_t available) {
  uint32_t left = 100;
  const size_t first =
      GiveOut(healthy, available, left, [this](size_t i, uint32_t share) { shares_[i].healthy = share; });
  const size_t first_degraded =
      GiveOut(degraded, available, left, [this](size_t i, uint32_t share) { shares_[i].degraded = share; });
  // What rounding left.
  if (first < shares_.size()) {
    shares_[first].healthy += left;
  } else {
    shares_[first_degraded].degraded += left;
  }
}

// By the number of hosts, as if all were well.
void PriorityLoad::DivideInPanic(const std::vector<PriorityHosts>& priorities) {
  size_t total = 0;
  for (const PriorityHosts& hosts : priorities) total += hosts.total;
  uint32_t left = 100;
  size_t first = priorities.size();
  for (size_t i = 0; i < priorities.size(); ++i) {
    if (first == priorities.size() && priorities[i].total > 0) first = i;
    shares_[i].healthy = total == 0 ? 0 : static_cast<uint32_t>(100 * priorities[i].total / total);
    shares_[i].degraded = 0;
    left -= shares_[i].healthy;
  }
  shares_[first == priorities.size() ? 0 : first].healthy += left;
}

PriorityLoad::Choice PriorityLoad::Choose(uint64_t random) const {
  const auto at = static_cast<uint32_t>(random % 100);
  uint32_t upto = 0;
  for (size_t i = 0; i < shares_.size(); ++i) {
    if (at < (upto += shares_[i].healthy)) return {i, false};
  }
  for (size_t i = 0; i < shares_.size(); ++i) {
    if (at < (upto += shares_[i].degraded)) return {i, true};
  }
  return {};
}

}  // namespace narthex
