#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.header_mutation: adds, overwrites and removes headers, trailers and query parameters.
// Its configuration is in README.md. The filter is immutable and thread-safe.
FilterFactory HeaderMutationFilter();

}  // namespace narthex
