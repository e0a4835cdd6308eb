#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.buffer: hands a request on only when its whole body is here, refuses a longer one with
// 413. Its configuration is in README.md. The filter is immutable and thread-safe.
FilterFactory BufferFilter();

}  // namespace narthex
