#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "source/stats/stats.h"

namespace narthex {

// Envoy's default upper bounds of histogram buckets.
inline constexpr std::array<double, 19> kHistogramBounds = {
    0.5,  1,    5,     10,    25,    50,     100,    250,     500,    1000,
    2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000};
// The bounded buckets and one for the rest.
inline constexpr uint32_t kHistogramBuckets = kHistogramBounds.size() + 1;

// The bucket that holds `value`: the first whose bound is not less.
uint32_t HistogramBucket(uint64_t value);

// The quantiles that Envoy prints, in percent.
inline constexpr std::array<double, 10> kStatsQuantiles = {0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100};
// An estimate, linear within a bucket; values beyond the last bound count as that bound. REQUIRES: count > 0.
double EstimateQuantile(const HistogramSnapshot& histogram, double percent);

}  // namespace narthex
