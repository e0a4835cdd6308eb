#include "filters/adaptive_concurrency/gradient_controller.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "source/base/random.h"

namespace narthex {
namespace {

// After so many windows with the least limit the minRTT may be too small: it is measured anew.
constexpr uint32_t kMinimalWindows = 5;
// One window changes the limit by no more than that.
constexpr double kLeastGradient = 0.5;
constexpr double kLargestGradient = 2.0;

// The interval and a part of the jitter, so that gateways do not measure at the same time.
uint64_t UntilMeasuring(const GradientSettings& settings) {
  const auto jitter = static_cast<uint64_t>(static_cast<double>(settings.min_rtt_interval) *
                                            std::clamp(settings.min_rtt_jitter, 0.0, 1.0));
  return settings.min_rtt_interval + Random64() % (jitter + 1);
}

}  // namespace

GradientController::GradientController(const GradientSettings& settings, const std::string& prefix)
    : settings_(settings),
      blocked_(StatsStore::Process().MakeCounter(prefix + "rq_blocked")),
      limit_(settings.min_rtt_limit),
      due_(settings.min_rtt_interval > 0 ? kNever : 0),
      measuring_(settings.min_rtt_interval > 0),
      limit_before_(settings.min_rtt_limit),
      shown_limit_(StatsStore::Process().MakeGauge(prefix + "concurrency_limit")),
      shown_gradient_(StatsStore::Process().MakeGauge(prefix + "gradient")),
      shown_headroom_(StatsStore::Process().MakeGauge(prefix + "burst_queue_size")),
      shown_min_rtt_(StatsStore::Process().MakeGauge(prefix + "min_rtt_msecs")),
      shown_sample_rtt_(StatsStore::Process().MakeGauge(prefix + "sample_rtt_msecs")),
      shown_measuring_(StatsStore::Process().MakeGauge(prefix + "min_rtt_calculation_active")) {
  shown_limit_.Show(settings.min_rtt_limit);
  shown_measuring_.Show(settings.min_rtt_interval > 0 ? 1 : 0);
  SetMinRtt(static_cast<double>(settings.fixed_min_rtt));
}

bool GradientController::Begin(uint64_t now) {
  DoWhatIsDue(now);
  uint32_t active = active_.load(std::memory_order_relaxed);
  do {
    if (active >= limit()) {
      blocked_.Add();
      return false;
    }
  } while (!active_.compare_exchange_weak(active, active + 1, std::memory_order_relaxed));
  return true;
}

void GradientController::Finish(uint64_t began, uint64_t now) {
  Leave();
  DoWhatIsDue(now);
  // What began before the measurement saw more concurrency than it allows. One that another worker takes in
  // the instant in which it begins may slip in: one of many.
  if (began < epoch_.load(std::memory_order_relaxed)) return;
  samples_.Record(now > began ? now - began : 0);
  if (measuring() && samples_.count() >= settings_.min_rtt_requests) {
    Exclusively([&] {
      if (measuring()) EndMeasuring(now);
    });
  }
}

template <class Work>
void GradientController::Exclusively(Work work) {
  if (busy_.exchange(true, std::memory_order_acquire)) return;
  work();
  busy_.store(false, std::memory_order_release);
}

void GradientController::DoWhatIsDue(uint64_t now) {
  if (now < due_.load(std::memory_order_relaxed)) [[likely]] {
    return;
  }
  Exclusively([&] {
    // Unless it was done before this thread had its turn.
    if (now < due_.load(std::memory_order_relaxed)) return;
    if (now >= measure_due_) return BeginMeasuring(now);
    UpdateLimit();
    if (minimal_windows_ >= kMinimalWindows && settings_.min_rtt_interval > 0) return BeginMeasuring(now);
    update_due_ = now + settings_.update_interval;
    SetDue();
  });
}

void GradientController::BeginMeasuring(uint64_t now) {
  due_.store(kNever, std::memory_order_relaxed);
  minimal_windows_ = 0;
  limit_before_ = limit();
  epoch_.store(now, std::memory_order_relaxed);
  samples_.Take(settings_.percentile);
  measuring_.store(true, std::memory_order_relaxed);
  shown_measuring_.Show(1);
  SetLimit(settings_.min_rtt_limit);
}

void GradientController::EndMeasuring(uint64_t now) {
  SetMinRtt(samples_.Take(settings_.percentile).value_or(min_rtt_));
  measuring_.store(false, std::memory_order_relaxed);
  shown_measuring_.Show(0);
  SetLimit(limit_before_);
  update_due_ = now + settings_.update_interval;
  measure_due_ = now + UntilMeasuring(settings_);
  SetDue();
}

// gradient = (minRTT + B) / sampleRTT; limit = gradient * limit + headroom. The headroom, the square root of
// what the gradient makes of the limit (as the statistics of Envoy 1.40 show), lets the limit grow as long as
// latencies stay near the best one.
void GradientController::UpdateLimit() {
  const std::optional<double> sample_rtt = samples_.Take(settings_.percentile);
  if (!sample_rtt) return;
  const double wanted = min_rtt_ * (1 + settings_.min_rtt_buffer) / std::max(*sample_rtt, 1.0);
  const double gradient = std::clamp(wanted, kLeastGradient, kLargestGradient);
  const double scaled = limit() * gradient;
  const double headroom = std::sqrt(scaled);
  shown_sample_rtt_.Show(static_cast<int64_t>(*sample_rtt / 1000));
  shown_gradient_.Show(static_cast<int64_t>(gradient * 1000));
  shown_headroom_.Show(static_cast<int64_t>(headroom));
  // Where the least is above the largest, the least counts, as in Envoy.
  const double limit = std::max(std::min(scaled + headroom, static_cast<double>(settings_.max_limit)),
                                static_cast<double>(settings_.min_limit));
  SetLimit(static_cast<uint32_t>(limit));
  minimal_windows_ = this->limit() == settings_.min_limit ? minimal_windows_ + 1 : 0;
}

void GradientController::SetLimit(uint32_t limit) {
  limit_.store(limit, std::memory_order_relaxed);
  shown_limit_.Show(limit);
}

void GradientController::SetMinRtt(double microseconds) {
  min_rtt_ = microseconds;
  shown_min_rtt_.Show(static_cast<int64_t>(microseconds / 1000));
}

}  // namespace narthex
