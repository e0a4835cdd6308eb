#pragma once

#include <atomic>
#include <cstdint>

namespace narthex {

// What a request meets while the process is overloaded. All of it is one word, which each request loads once:
// it is written by the main thread, and only when it changes. Thread-safe.
class OverloadState {
 public:
  // How many of kAll requests an action takes.
  static constexpr uint16_t kAll = UINT16_MAX;
  struct Odds {
    uint16_t refuse = 0;  // envoy.overload_actions.stop_accepting_requests
    uint16_t close = 0;   // envoy.overload_actions.disable_http_keepalive
    bool any() const { return (refuse | close) != 0; }
    // Whether a request with these random bits is one of those that `odds` take.
    static bool Take(uint16_t odds, uint64_t bits) { return bits % kAll < odds; }
  };

  static Odds Now() {
    const uint32_t word = word_.load(std::memory_order_relaxed);
    return {static_cast<uint16_t>(word >> 16), static_cast<uint16_t>(word)};
  }
  static void Set(Odds odds) {
    word_.store(uint32_t{odds.refuse} << 16 | odds.close, std::memory_order_relaxed);
  }

 private:
  static inline std::atomic<uint32_t> word_{0};
};

}  // namespace narthex
