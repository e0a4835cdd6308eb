#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace narthex {

// Latencies gathered for one window, in buckets that are each a sixty-fourth of a power of two wide, so that
// a percentile is off by less than one part in 64. Thread-safe, without locks.
class LatencySamples {
 public:
  // Longer ones count as kMaxUs, which is more than four hours.
  static constexpr uint64_t kMaxUs = (uint64_t{1} << 34) - 1;

  void Record(uint64_t us) {
    buckets_[BucketOf(us)].fetch_add(1, std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  // How many were recorded since the last Take.
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  // Takes all out: the latency that `percent` of them are at or below, in microseconds, linear within a
  // bucket; nullopt when there are none. For one thread at a time; a sample that is recorded meanwhile counts
  // now or at the next call.
  std::optional<double> Take(double percent);

 private:
  static constexpr int kBits = 6;
  static constexpr size_t kWithin = size_t{1} << kBits;
  static constexpr int kPowers = 34 - kBits;
  static constexpr size_t kBuckets = (kPowers + 1) * kWithin;

  // Below kWithin, a bucket for each; from there on, kWithin for each power of two.
  static size_t BucketOf(uint64_t us) {
    if (us > kMaxUs) us = kMaxUs;
    if (us < kWithin) return us;
    const int power = std::bit_width(us) - 1 - kBits;
    return static_cast<size_t>(power) * kWithin + (us >> power);
  }
  static uint64_t LowerBound(size_t bucket) {
    if (bucket < kWithin) return bucket;
    const size_t power = bucket / kWithin - 1;
    return (bucket - power * kWithin) << power;
  }

  std::array<std::atomic<uint32_t>, kBuckets> buckets_ = {};
  std::atomic<uint64_t> count_{0};
};

}  // namespace narthex
