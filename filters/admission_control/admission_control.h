#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.admission_control: refuses a share of the requests while too many of the last ones
// failed. Its configuration is in README.md. The filter is thread-safe: what changes in it is the window, one
// for all workers.
FilterFactory AdmissionControlFilter();

}  // namespace narthex
