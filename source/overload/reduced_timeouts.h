#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace narthex {

// The timeouts that envoy.overload_actions.reduce_timeouts may shorten.
enum class ScaledTimeout : uint8_t { kConnectionIdle, kStreamIdle, kTransportConnect, kCount };

// How far one of them goes down.
struct LeastTimeout {
  std::optional<std::chrono::milliseconds> at_least;  // else a share of what is configured
  double share = 1;

  std::chrono::milliseconds Of(std::chrono::milliseconds full) const {
    if (at_least) return std::min(*at_least, full);
    return std::chrono::milliseconds(static_cast<int64_t>(static_cast<double>(full.count()) * share));
  }
};
using LeastTimeouts = std::array<std::optional<LeastTimeout>, static_cast<size_t>(ScaledTimeout::kCount)>;

// What is left of the timeouts at a degree of overload.
struct ReducedTimeouts {
  LeastTimeouts least;  // none: it stays as it is
  double scale = 0;     // from 0, as configured, to 1: the least

  // 0 is no timeout, and stays none.
  std::chrono::milliseconds Of(ScaledTimeout which, std::chrono::milliseconds full) const {
    const std::optional<LeastTimeout>& limit = least[static_cast<size_t>(which)];
    if (!limit || full.count() <= 0) return full;
    const auto range = static_cast<double>((full - limit->Of(full)).count());
    return full - std::chrono::milliseconds(std::llround(range * scale));
  }
  // Whether what has waited for so long has waited long enough.
  bool Over(ScaledTimeout which, std::chrono::milliseconds full, std::chrono::milliseconds waited) const {
    return full.count() > 0 && waited >= Of(which, full);
  }
};

}  // namespace narthex
