#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.fault: delays a share of the requests, and answers a share of them in place of the
// upstream. Its configuration is in README.md. The filter is thread-safe: what changes in it is one counter.
FilterFactory FaultFilter();

}  // namespace narthex
