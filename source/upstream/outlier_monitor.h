#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace narthex {

// What outlier detection knows of one host. Owned by the Host.
struct OutlierMonitor {
  // Failures in a row, over all workers: any thread. Read at each answer, written after failures only.
  std::atomic<uint32_t> consecutive_5xx{0}, consecutive_gateway_failure{0},
      consecutive_local_origin_failure{0};

  // What follows is the detector's, under its lock. Times are of its clock.
  uint32_t ejections = 0;  // lately: one more each time, one less for each interval without
  std::chrono::milliseconds ejected_at{0}, unejected_at{0}, jitter{0};
  // Of the host's totals when the last interval ended.
  uint64_t successes = 0, failures = 0, local_successes = 0, local_failures = 0;
};

}  // namespace narthex
