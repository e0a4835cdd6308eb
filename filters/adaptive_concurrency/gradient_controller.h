#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "filters/adaptive_concurrency/latency_samples.h"
#include "source/stats/stats.h"

namespace narthex {

// How the limit is calculated: GradientControllerConfig with the runtime's values. Times in microseconds.
struct GradientSettings {
  double percentile = 50;  // of a window's latencies, which stands for them
  uint32_t min_limit = 3;
  uint32_t max_limit = 1000;
  uint64_t update_interval = 0;
  uint64_t min_rtt_interval = 0;  // 0: fixed_min_rtt in place of measuring
  uint64_t fixed_min_rtt = 0;
  uint64_t min_rtt_requests = 50;
  uint32_t min_rtt_limit = 3;    // while it is measured
  double min_rtt_jitter = 0.15;  // of the interval
  double min_rtt_buffer = 0.25;  // of the latency

  bool operator==(const GradientSettings&) const = default;
};

// A gauge with a value of its own, which it takes back when it goes. For one thread at a time.
class ShownValue {
 public:
  explicit ShownValue(Gauge gauge) : gauge_(gauge) {}
  ShownValue(const ShownValue&) = delete;
  ~ShownValue() { Show(0); }
  void Show(int64_t value) {
    gauge_.Add(value - shown_);
    shown_ = value;
  }

 private:
  const Gauge gauge_;
  int64_t shown_ = 0;
};

// Envoy's gradient controller: how many requests may be under way, by how much their latencies exceed the
// best one (minRTT), which is measured from time to time while few are let through. One limit for all
// workers.
//
// Envoy's timers are here the requests themselves: whoever comes first after a time has passed does what is
// due, and the others go on meanwhile. Without requests there is nothing to calculate from.
//
// Thread-safe, and nobody waits for anybody. Times are microseconds of a monotonic clock, which may differ
// between workers by the length of a turn.
class GradientController {
 public:
  // `prefix` of the statistics: "http.front.adaptive_concurrency.gradient_controller.".
  GradientController(const GradientSettings& settings, const std::string& prefix);
  GradientController(const GradientController&) = delete;

  const GradientSettings& settings() const { return settings_; }
  uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }
  uint32_t active() const { return active_.load(std::memory_order_relaxed); }
  bool measuring() const { return measuring_.load(std::memory_order_relaxed); }

  // Whether one more request may begin; then it is counted until Finish or Leave.
  bool Begin(uint64_t now);
  // It has been answered, and its latency is a sample.
  void Finish(uint64_t began, uint64_t now);
  // It has ended, and says nothing of latencies.
  void Leave() { active_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kNever = ~uint64_t{0};

  void DoWhatIsDue(uint64_t now);
  void BeginMeasuring(uint64_t now);
  void EndMeasuring(uint64_t now);
  void UpdateLimit();
  void SetDue() { due_.store(std::min(update_due_, measure_due_), std::memory_order_relaxed); }
  void SetLimit(uint32_t limit);
  void SetMinRtt(double microseconds);
  // Runs `work` unless another thread runs some.
  template <class Work>
  void Exclusively(Work work);

  const GradientSettings settings_;
  const Counter blocked_;

  std::atomic<uint32_t> limit_;
  std::atomic<uint32_t> active_{0};
  std::atomic<uint64_t> due_;       // when there is something to do; never while minRTT is measured
  std::atomic<uint64_t> epoch_{0};  // requests that began before it are no samples
  std::atomic<bool> measuring_;
  LatencySamples samples_;

  std::atomic<bool> busy_{false};
  // All below belong to the thread that has set it.
  uint64_t update_due_ = 0;
  uint64_t measure_due_ = kNever;
  uint32_t limit_before_ = 0;  // the measurement
  uint32_t minimal_windows_ = 0;
  double min_rtt_ = 0;
  ShownValue shown_limit_;
  ShownValue shown_gradient_;
  ShownValue shown_headroom_;
  ShownValue shown_min_rtt_;
  ShownValue shown_sample_rtt_;
  ShownValue shown_measuring_;
};

}  // namespace narthex
