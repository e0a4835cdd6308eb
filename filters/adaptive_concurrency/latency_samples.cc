#include "filters/adaptive_concurrency/latency_samples.h"

#include <algorithm>

namespace narthex {

std::optional<double> LatencySamples::Take(double percent) {
  std::array<uint32_t, kBuckets> taken = {};
  uint64_t total = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    // Most are empty: a load does not take the line from those who record.
    if (buckets_[i].load(std::memory_order_relaxed) == 0) continue;
    taken[i] = buckets_[i].exchange(0, std::memory_order_relaxed);
    total += taken[i];
  }
  count_.fetch_sub(total, std::memory_order_relaxed);
  if (total == 0) return std::nullopt;
  const double wanted = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(total);
  double below = 0;
  size_t last = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    if (taken[i] == 0) continue;
    last = i;
    if (below + taken[i] >= wanted) break;
    below += taken[i];
  }
  const auto lower = static_cast<double>(LowerBound(last));
  const auto upper = static_cast<double>(LowerBound(last + 1));
  return lower + (upper - lower) * std::min((wanted - below) / taken[last], 1.0);
}

}  // namespace narthex
