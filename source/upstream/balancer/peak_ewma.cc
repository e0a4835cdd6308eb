#include "source/upstream/balancer/peak_ewma.h"

#include <cmath>

namespace narthex {

namespace {

// What is left after the time between the two.
double Left(uint64_t from_us, uint64_t to_us, uint64_t decay_us) {
  if (to_us <= from_us) return 1;
  return std::exp(-static_cast<double>(to_us - from_us) / static_cast<double>(decay_us));
}

}  // namespace

void PeakEwma::Add(uint64_t sample_us, uint64_t now_us, uint64_t decay_us) {
  const auto sample = static_cast<double>(sample_us);
  const double old = value_.load(std::memory_order_relaxed);
  const double left = Left(when_us_.load(std::memory_order_relaxed), now_us, decay_us);
  const double now = old * left;
  value_.store(sample > now ? sample : now + sample * (1 - left), std::memory_order_relaxed);
  when_us_.store(now_us, std::memory_order_relaxed);
}

double PeakEwma::Read(uint64_t now_us, uint64_t decay_us) const {
  const double value = value_.load(std::memory_order_relaxed);
  if (value == 0) return 0;
  const double left = value * Left(when_us_.load(std::memory_order_relaxed), now_us, decay_us);
  return left < 1 ? 0
                  : left;  // below a microsecond it is no more than the order in which hosts were forgotten
}

}  // namespace narthex
