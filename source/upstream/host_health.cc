#include "source/upstream/host_health.h"

namespace narthex {

// The flag comes before the epoch: who reads the new epoch sees the flag too.
void HostHealth::Set(Flag flag) {
  const uint32_t before = flags_.fetch_or(flag, std::memory_order_acq_rel);
  if ((before & flag) == 0 && epoch_ != nullptr) epoch_->Advance();
}

void HostHealth::Clear(Flag flag) {
  const uint32_t before = flags_.fetch_and(~uint32_t{flag}, std::memory_order_acq_rel);
  if ((before & flag) != 0 && epoch_ != nullptr) epoch_->Advance();
}

HostHealth::State HostHealth::state() const {
  const uint32_t flags = this->flags();
  if ((flags & (kFailedActiveHc | kFailedOutlier | kFailedEds)) != 0) return State::kUnhealthy;
  return (flags & (kDegradedActiveHc | kDegradedEds)) != 0 ? State::kDegraded : State::kHealthy;
}

}  // namespace narthex
