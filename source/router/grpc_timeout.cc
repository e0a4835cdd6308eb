#include "source/router/grpc_timeout.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace narthex {

std::optional<std::chrono::milliseconds> ParseGrpcTimeout(std::string_view value) {
  // At most eight digits and a unit.
  if (value.size() < 2 || value.size() > 9) return std::nullopt;
  int64_t number = 0;
  const char* unit = value.data() + value.size() - 1;
  auto [end, error] = std::from_chars(value.data(), unit, number);
  if (error != std::errc() || end != unit || number < 0) return std::nullopt;
  switch (*unit) {
    case 'H':
      return std::chrono::hours(number);
    case 'M':
      return std::chrono::minutes(number);
    case 'S':
      return std::chrono::seconds(number);
    case 'm':
      return std::chrono::milliseconds(number);
    case 'u':
      return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::microseconds(number));
    case 'n':
      return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(number));
    default:
      return std::nullopt;
  }
}

std::string FormatGrpcTimeout(std::chrono::milliseconds duration) {
  constexpr int64_t kMost = 99'999'999;  // eight digits
  int64_t number = duration.count();
  char unit = 'm';
  for (const auto& [next, factor] : {std::pair('S', 1000), std::pair('M', 60), std::pair('H', 60)}) {
    if (number <= kMost) break;
    number /= factor;
    unit = next;
  }
  return std::to_string(std::min(number, kMost)) + unit;
}

std::optional<std::chrono::milliseconds> GrpcTimeoutOf(const ForwardAction& forward,
                                                       const HeaderMap& request) {
  if (!forward.grpc_timeout_max) return std::nullopt;
  std::optional<std::chrono::milliseconds> duration = ParseGrpcTimeout(request.Get(Header::kGrpcTimeout));
  if (!duration) return std::nullopt;
  if (forward.grpc_timeout_max->count() > 0) duration = std::min(*duration, *forward.grpc_timeout_max);
  // A deadline that has passed already is the shortest one: zero would be none.
  return std::max(*duration - forward.grpc_timeout_offset, std::chrono::milliseconds(1));
}

}  // namespace narthex
