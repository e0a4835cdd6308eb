#pragma once

#include <cstddef>
#include <cstdint>
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

 private:
  void Divide(const std::vector<uint32_t>& healthy, const std::vector<uint32_t>& degraded,
              uint32_t available);
  void DivideInPanic(const std::vector<PriorityHosts>& priorities);

  std::vector<Shares> shares_;
};

}  // namespace narthex
