#pragma once

#include <atomic>
#include <cstdint>

namespace narthex {

// The latency of a host as one worker has seen it: an average that forgets exponentially, but jumps up at
// once to a sample above it, so that a host which has become slow is noticed with its first slow response (as
// Finagle's "peak EWMA"). Without samples it decays: a host that was shunned is tried again. Written by one
// worker; any thread reads it.
class PeakEwma {
 public:
  // `now_us` is the loop's clock; what is older than `decay_us` counts for 1/e.
  void Add(uint64_t sample_us, uint64_t now_us, uint64_t decay_us);
  // In microseconds; 0 when there was no sample yet, or it is long forgotten.
  double Read(uint64_t now_us, uint64_t decay_us) const;

 private:
  std::atomic<double> value_{0};
  std::atomic<uint64_t> when_us_{0};
};

}  // namespace narthex
