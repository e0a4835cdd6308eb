#include "test/upstream/balancer/chi_square.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace narthex::testing {

double ChiSquare(const std::vector<size_t>& counts, const std::vector<double>& shares) {
  const auto sum = static_cast<double>(std::accumulate(counts.begin(), counts.end(), size_t{0}));
  double distance = 0;
  double freedom = -1;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (shares[i] == 0 && counts[i] > 0) return std::numeric_limits<double>::infinity();
    if (shares[i] == 0) continue;
    const double expected = sum * shares[i];
    const double off = static_cast<double>(counts[i]) - expected;
    distance += off * off / expected;
    ++freedom;
  }
  constexpr double kMillionth = 4.7534;  // the normal distribution's quantile
  const double spread = 2 / (9 * freedom);
  return distance / (freedom * std::pow(1 - spread + kMillionth * std::sqrt(spread), 3));
}

}  // namespace narthex::testing
