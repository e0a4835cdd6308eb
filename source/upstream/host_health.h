#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace narthex {

// Counts the changes of health among the hosts of one cluster. Balancers remember the count that their tables
// were made at and make new ones when it has moved on. Thread-safe; never goes back.
class HealthEpoch {
 public:
  uint64_t value() const { return value_.load(std::memory_order_acquire); }
  void Advance() { value_.fetch_add(1, std::memory_order_release); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Why one host should have less load than its weight says, by source: each source sets and clears its own
// flags. Owned by the Host. Thread-safe, without locks.
class HostHealth {
 public:
  enum Flag : uint32_t {
    kFailedActiveHc = 1 << 0,     // active checks fail
    kFailedOutlier = 1 << 1,      // ejected by outlier detection
    kFailedEds = 1 << 2,          // its configured health_status
    kDegradedActiveHc = 1 << 3,   // its check said x-envoy-degraded
    kDegradedEds = 1 << 4,        // its configured health_status
    kExcludedImmediate = 1 << 5,  // its check said x-envoy-immediate-health-check-fail
    kPendingActiveHc = 1 << 6,    // no check has ended yet
  };
  enum class State : uint8_t { kHealthy, kDegraded, kUnhealthy };

  // `epoch` (may be null) advances with every flag that changes.
  explicit HostHealth(std::shared_ptr<HealthEpoch> epoch) : epoch_(std::move(epoch)) {}
  HostHealth(const HostHealth&) = delete;

  void Set(Flag flag);
  void Clear(Flag flag);
  bool Has(Flag flag) const { return (flags() & flag) != 0; }
  uint32_t flags() const { return flags_.load(std::memory_order_acquire); }

  State state() const;
  // Left out of the hosts that the share of healthy ones is taken of, as if it was not there: nobody knows
  // yet whether it fails, or it has said itself that it is leaving.
  bool excluded() const { return (flags() & (kExcludedImmediate | kPendingActiveHc)) != 0; }

 private:
  const std::shared_ptr<HealthEpoch> epoch_;
  std::atomic<uint32_t> flags_{0};
};

}  // namespace narthex
