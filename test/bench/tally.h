// What the clients of a load have seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace narthex {

// Loop-confined.
class Tally {
 public:
  using Clock = std::chrono::steady_clock;

  Tally() { latencies_.reserve(1 << 20); }

  // A correct response to what was sent at `sent_at` is complete.
  void Answered(Clock::time_point sent_at) {
    auto latency = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - sent_at).count();
    latencies_.push_back(static_cast<uint32_t>(latency));
  }

  // The first reason is kept: what comes after it often follows from it.
  void Failed(std::string_view why) {
    if (errors_++ == 0) first_error_ = why;
  }

  // A TLS handshake has ended well.
  void Agreed(const std::string& what) {
    if (agreed_.empty()) agreed_ = what;
  }

  // What was answered so far belongs to the warm-up. Errors stay.
  void BeginWindow() { latencies_.clear(); }

  std::vector<uint32_t>& latencies() { return latencies_; }  // microseconds, of the present phase
  uint64_t errors() const { return errors_; }
  const std::string& first_error() const { return first_error_; }
  const std::string& agreed() const { return agreed_; }

 private:
  std::vector<uint32_t> latencies_;
  uint64_t errors_ = 0;
  std::string first_error_;
  std::string agreed_;
};

}  // namespace narthex
