#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.adaptive_concurrency: limits how many requests are under way, by the latency that it
// measures. Its configuration is in README.md. The filter is thread-safe: what changes in it is the
// controller, one for all workers.
FilterFactory AdaptiveConcurrencyFilter();

}  // namespace narthex
