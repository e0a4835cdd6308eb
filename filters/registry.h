#pragma once

#include <span>

#include "source/filter/registry.h"

namespace narthex {

// The filters that this binary has: one table, in filters/registry.cc. Thread-safe; the span lives as long as
// the process.
std::span<const FilterFactory> BuiltInFilters();

}  // namespace narthex
