#pragma once

#include <atomic>

namespace narthex {

// What the process says of its own health: switched by the admin's /healthcheck/fail and /healthcheck/ok and
// by a drain, read by the health_check filter and by /ready. Thread-safe.
class HealthFlag {
 public:
  static bool failing() { return failing_.load(std::memory_order_relaxed); }
  static void SetFailing(bool failing) { failing_.store(failing, std::memory_order_relaxed); }

 private:
  static inline std::atomic<bool> failing_{false};
};

}  // namespace narthex
