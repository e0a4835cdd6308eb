#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace narthex {

// Draws items at random, each as often as its weight says, at constant cost (Walker's alias method).
// Immutable, thread-safe.
class WeightedRandom {
 public:
  WeightedRandom() = default;
  // Items are 0, 1, ... in the order of `weights`; one with a weight of 0 is never drawn.
  explicit WeightedRandom(const std::vector<double>& weights);

  bool empty() const { return columns_.empty(); }
  // `random` has 64 random bits. REQUIRES: !empty().
  size_t Draw(uint64_t random) const;

 private:
  // Each column stands for the same probability; it is split between its own item and another.
  struct Column {
    uint32_t own_part = 0;  // of 2^32; the rest is the other's
    uint32_t other = 0;
  };
  std::vector<Column> columns_;
};

}  // namespace narthex
