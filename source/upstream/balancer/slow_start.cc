#include "source/upstream/balancer/slow_start.h"

#include <algorithm>
#include <cmath>

namespace narthex {

double SlowStartFactor(const SlowStart& slow_start, uint64_t since_us, uint64_t now_us) {
  const uint64_t age = now_us > since_us ? now_us - since_us : 0;
  if (since_us == 0 || age >= slow_start.window_us) return 1;
  const double passed =
      static_cast<double>(std::max<uint64_t>(age, 1000)) / static_cast<double>(slow_start.window_us);
  return std::max(std::min(1.0, std::pow(passed, 1 / slow_start.aggression)), slow_start.min_weight);
}

}  // namespace narthex
