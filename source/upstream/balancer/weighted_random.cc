#include "source/upstream/balancer/weighted_random.h"

#include <algorithm>
#include <numeric>

namespace narthex {

namespace {

constexpr double kWhole = 4294967296.0;  // 2^32
constexpr uint32_t kAll = ~uint32_t{0};

}  // namespace

WeightedRandom::WeightedRandom(const std::vector<double>& weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(sum > 0)) return;
  columns_.resize(weights.size());
  const auto heaviest =
      static_cast<uint32_t>(std::max_element(weights.begin(), weights.end()) - weights.begin());
  // Of an item that fills less than a column, the rest goes to one that has more than fits.
  std::vector<double> filling;
  std::vector<uint32_t> small, large;
  for (uint32_t i = 0; i < weights.size(); ++i) {
    filling.push_back(weights[i] * static_cast<double>(weights.size()) / sum);
    (filling[i] < 1 ? small : large).push_back(i);
    // Stands where rounding leaves an item over.
    columns_[i] = weights[i] > 0 ? Column{kAll, i} : Column{0, heaviest};
  }
  while (!small.empty() && !large.empty()) {
    const uint32_t less = small.back(), more = large.back();
    small.pop_back();
    columns_[less] = {static_cast<uint32_t>(filling[less] * kWhole), more};
    filling[more] -= 1 - filling[less];
    if (filling[more] >= 1) continue;
    large.pop_back();
    small.push_back(more);
  }
}

size_t WeightedRandom::Draw(uint64_t random) const {
  // The high half chooses the column, the low half its part.
  const size_t column = static_cast<size_t>(((random >> 32) * columns_.size()) >> 32);
  const auto part = static_cast<uint32_t>(random);
  return part < columns_[column].own_part ? column : columns_[column].other;
}

}  // namespace narthex
