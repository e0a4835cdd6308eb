#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "source/base/block.h"

namespace narthex {

// How much of a body one read takes at most, in bytes, which is what a slow reader of the body makes a
// connection hold in each direction: `buffer_limit` (per_connection_buffer_limit_bytes; 0 is no limit) where
// that is less than our own bound. Memory comes in blocks, so that the least is one block.
inline size_t BodyReadSize(uint32_t buffer_limit) {
  constexpr size_t kMost = 4 * Block::kSize;
  return buffer_limit == 0 ? kMost : std::min<size_t>(kMost, buffer_limit);
}

}  // namespace narthex
