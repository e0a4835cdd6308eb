#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>

#include "source/stats/stats.h"

namespace narthex {

// <prefix>completed, <prefix>2xx, <prefix>200 and so on: responses by code. Thread-safe; lives as long as the
// process.
class ResponseCodes {
 public:
  explicit ResponseCodes(std::string prefix);
  // Counts a response. A code that never came before makes its counter.
  void Count(int status) const;

 private:
  static constexpr int kFirstCode = 100;
  static constexpr int kCodes = 500;
  const Counter& Code(int status) const;

  std::string prefix_;
  Counter completed_;
  std::array<Counter, 5> classes_;
  mutable std::mutex mutex_;
  mutable std::array<std::atomic<const Counter*>, kCodes> codes_ = {};
};

}  // namespace narthex
