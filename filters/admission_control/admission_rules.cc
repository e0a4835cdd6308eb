#include "filters/admission_control/admission_rules.h"

#include <algorithm>
#include <cmath>

namespace narthex {
namespace {

// What fewer requests would not avert: OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS,
// PERMISSION_DENIED, FAILED_PRECONDITION, OUT_OF_RANGE, UNIMPLEMENTED, UNAUTHENTICATED.
constexpr std::array<uint64_t, 11> kGrpcSuccesses = {0, 1, 2, 3, 5, 6, 7, 9, 11, 12, 16};

}  // namespace

void SuccessCriteria::AddDefaultGrpc() {
  for (const uint64_t status : kGrpcSuccesses) AddGrpc(status);
}

bool SuccessCriteria::IsHttpSuccess(int status) const {
  return std::any_of(http_.begin(), http_.end(),
                     [&](const auto& range) { return status >= range.first && status < range.second; });
}

// Client-side throttling as in "Handling Overload" of the book Site Reliability Engineering, with Envoy's
// threshold and aggression: ((n - successes / threshold) / (n + 1)) ^ (1 / aggression).
double RejectionRules::ShareFor(const SuccessWindow::Counts& counts) const {
  if (counts.per_second < least_per_second) return 0;
  const auto total = static_cast<double>(counts.total);
  const double share = (total - static_cast<double>(counts.successes) / threshold) / (total + 1);
  if (share <= 0) return 0;
  return std::min(aggression == 1 ? share : std::pow(share, 1 / aggression), most);
}

}  // namespace narthex
