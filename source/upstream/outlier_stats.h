#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "source/stats/stats.h"

namespace narthex {

// Why a host is ejected.
enum class Ejection : uint8_t {
  kConsecutive5xx,
  kConsecutiveGatewayFailure,
  kConsecutiveLocalOriginFailure,
  kSuccessRate,
  kLocalOriginSuccessRate,
  kFailurePercentage,
  kLocalOriginFailurePercentage,
  kCount,
};

// "cluster.NAME.outlier_detection.", by Envoy's names. Handles only: values, thread-safe.
struct OutlierStats {
  explicit OutlierStats(const std::string& stat_name);

  struct Kind {
    Counter detected, enforced;
  };
  const Kind& of(Ejection ejection) const { return kinds[static_cast<size_t>(ejection)]; }

  Counter enforced_total, overflow;
  std::array<Kind, static_cast<size_t>(Ejection::kCount)> kinds;
};

}  // namespace narthex
