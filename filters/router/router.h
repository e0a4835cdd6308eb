#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.router: the last filter, which answers by the route's action. See README.md.
FilterFactory RouterFilter();

}  // namespace narthex
