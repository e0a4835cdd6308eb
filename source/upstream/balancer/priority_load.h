#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace narthex {

// What one priority has, all that its share of the load depends on. Hosts that are excluded count as if they
// were not there, except in panic.
struct PriorityHosts {
  size_t total = 0;  // with the excluded ones
  size_t excluded = 0;
  size_t healthy = 0;
  size_t degraded = 0;
  // The sums of weights in place of the numbers above, when health goes by weight.
  uint64_t total_weight = 0, excluded_weight = 0, healthy_weight = 0, degraded_weight = 0;
};

struct PriorityOptions {
  uint32_t overprovisioning_factor = 140;  // percent: what healthy hosts can take beyond their share
  double panic_threshold = 50;             // percent of available hosts
  bool health_by_weight = false;
};

// How the load is divided among priorities and, within one, between healthy and degraded hosts; percent, all
// of them together 100. Immutable.
class PriorityLoad {
 public:
  struct Choice {
    size_t priority = 0;
    bool degraded = false;
  };
  struct Shares {
    uint32_t healthy = 0, degraded = 0;
    bool panic = false;  // takes all hosts of the priority, healthy or not
  };

  PriorityLoad() = default;
  // `priorities` in their order, the first the most preferred.
  PriorityLoad(const std::vector<PriorityHosts>& priorities, const PriorityOptions& options);

  bool empty() const { return shares_.empty(); }
  const std::vector<Shares>& shares() const { return shares_; }
  // `random` is evenly distributed, or a hash: the same one goes the same way. REQUIRES: !empty().
  Choice Choose(uint64_t random) const;
  // The same when only those priorities take load for which `may` is true, in proportion to what they could
  // take; none when they can take none.
  template <class May>
  std::optional<Choice> ChooseFrom(uint64_t random, May may) const;

 private:
  // How much of the load a priority's hosts could take, in percent.
  struct Capacity {
    uint32_t healthy = 0, degraded = 0;
  };
  template <class May, class Visit>
  bool ForEachShare(May may, Visit visit) const;

  void Divide(const std::vector<uint32_t>& healthy, const std::vector<uint32_t>& degraded,
              uint32_t available);
  void DivideInPanic(const std::vector<PriorityHosts>& priorities);

  std::vector<Shares> shares_;
  std::vector<Capacity> capacities_;
};

// Visits the shares that the priorities have among themselves, healthy hosts first, but for what rounding
// leaves; until `visit` returns false. False when they can take no load.
template <class May, class Visit>
bool PriorityLoad::ForEachShare(May may, Visit visit) const {
  uint32_t sum = 0;
  for (size_t i = 0; i < capacities_.size(); ++i) {
    if (may(i)) sum += capacities_[i].healthy + capacities_[i].degraded;
  }
  if (sum == 0) return false;
  const uint32_t available = sum < 100 ? sum : 100;
  uint32_t left = 100;
  for (const bool degraded : {false, true}) {
    for (size_t i = 0; i < capacities_.size(); ++i) {
      const uint32_t capacity = degraded ? capacities_[i].degraded : capacities_[i].healthy;
      if (!may(i) || capacity == 0) continue;
      const uint32_t fit = capacity * 100 / available;
      const uint32_t share = fit < left ? fit : left;
      left -= share;
      if (!visit(Choice{i, degraded}, share)) return true;
    }
  }
  return true;
}

template <class May>
std::optional<PriorityLoad::Choice> PriorityLoad::ChooseFrom(uint64_t random, May may) const {
  const auto at = static_cast<uint32_t>(random % 100);
  uint32_t upto = 0;
  std::optional<Choice> first, found;
  ForEachShare(may, [&](Choice choice, uint32_t share) {
    if (!first) first = choice;
    if (at < (upto += share)) found = choice;
    return !found;
  });
  // What rounding left is the first one's.
  return found ? found : first;
}

}  // namespace narthex
