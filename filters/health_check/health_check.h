#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.health_check: answers the health checks of a balancer in front of the gateway. Its
// configuration is in README.md. The filter is thread-safe: what changes in it is one cached answer.
FilterFactory HealthCheckFilter();

}  // namespace narthex
