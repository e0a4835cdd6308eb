#include "source/stats/buckets.h"

#include <algorithm>

namespace narthex {

uint32_t HistogramBucket(uint64_t value) {
  // Latencies and sizes are mostly small: a scan from the start beats a binary search.
  const auto real = static_cast<double>(value);
  uint32_t bucket = 0;
  while (bucket < kHistogramBounds.size() && real > kHistogramBounds[bucket]) ++bucket;
  return bucket;
}

double EstimateQuantile(const HistogramSnapshot& histogram, double percent) {
  const double rank = percent / 100 * static_cast<double>(histogram.count);
  double before = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const auto in_bucket = static_cast<double>(histogram.counts[i]);
    if (in_bucket > 0 && before + in_bucket >= rank) {
      const double low = i == 0 ? 0 : histogram.bounds[i - 1];
      if (i == histogram.bounds.size()) return low;
      return low + (histogram.bounds[i] - low) * std::max(0.0, (rank - before) / in_bucket);
    }
    before += in_bucket;
  }
  return histogram.bounds.back();
}

}  // namespace narthex
