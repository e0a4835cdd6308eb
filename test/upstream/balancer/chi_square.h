#pragma once

#include <cstddef>
#include <vector>

namespace narthex::testing {

// How far `counts` are from `shares` (which add up to 1) of their sum, as a multiple of the distance that
// chance exceeds once in a million times (Pearson's chi-square, its quantile by Wilson and Hilferty): counts
// that follow the shares are below 1. Items with a share of 0 must have a count of 0, or the answer is
// infinite.
double ChiSquare(const std::vector<size_t>& counts, const std::vector<double>& shares);

}  // namespace narthex::testing
