#pragma once

#include <chrono>
#include <cstdint>

#include "source/upstream/health/probe.h"
#include "source/upstream/host_health.h"

namespace narthex {

// Makes of one host's checks what it is, by Envoy's rules: the first check decides at once; after it, a row
// of as many successes as healthy_threshold says makes it healthy, an answer that says so makes it unhealthy
// at once, and a row of other failures as unhealthy_threshold says. Loop-confined.
class HealthVerdict {
 public:
  explicit HealthVerdict(const HealthCheckSettings& settings) : settings_(settings) {}

  // What one check changed.
  struct Change {
    bool first = false;  // it was the first
    bool healthy = false, unhealthy = false, degraded = false, no_longer_degraded = false;
  };
  // Takes a check's result and sets the flags of `health` by it.
  Change Note(const ProbeResult& result, HostHealth& health);
  // How long after it the next one comes. `traffic`: the cluster has had some.
  std::chrono::milliseconds NextInterval(bool traffic, uint64_t random) const;

 private:
  Change NoteSuccess(bool degraded, HostHealth& health);
  Change NoteFailure(const ProbeResult& result, HostHealth& health);

  const HealthCheckSettings& settings_;
  bool first_ = true;
  bool last_ok_ = false;
  bool pending_ = false;  // the last check goes against what the host is, and more are needed
  uint32_t successes_ = 0, failures_ = 0;  // in a row
};

}  // namespace narthex
