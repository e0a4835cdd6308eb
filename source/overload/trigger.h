#pragma once

#include <algorithm>

namespace narthex {

// How the pressure of a resource, 0 to 1 and above, drives an action. A threshold is a trigger without
// degrees: both of its values are the same.
struct OverloadTrigger {
  double scaling = 1;     // up to here not at all
  double saturation = 1;  // from here on as a whole

  // From 0, not at all, to 1.
  double ScaleAt(double pressure) const {
    if (pressure >= saturation) return 1;
    if (pressure <= scaling) return 0;
    return std::clamp((pressure - scaling) / (saturation - scaling), 0.0, 1.0);
  }
};

}  // namespace narthex
