#include "filters/router/timeouts.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace narthex {
namespace {

constexpr std::string_view kTimeout = "x-envoy-upstream-rq-timeout-ms";
constexpr std::string_view kExpectedTimeout = "x-envoy-expected-rq-timeout-ms";

void TakeHeader(HeaderMap& headers, std::string_view name, std::chrono::milliseconds& timeout) {
  std::string_view value = headers.Get(name);
  if (value.data() == nullptr) return;
  if (auto given = ParseMilliseconds(value)) timeout = *given;
  headers.Remove(name);
}

std::optional<std::chrono::milliseconds> GrpcDuration(const ForwardAction& forward,
                                                      const HeaderMap& headers) {
  if (!forward.grpc_timeout_max) return std::nullopt;
  auto given = ParseGrpcTimeout(headers.Get(Header::kGrpcTimeout));
  if (!given) return std::nullopt;
  std::chrono::milliseconds duration = *given;
  if (forward.grpc_timeout_max->count() > 0) duration = std::min(duration, *forward.grpc_timeout_max);
  // A deadline that has passed already is the shortest one: zero would be none.
  return std::max(duration - forward.grpc_timeout_offset, std::chrono::milliseconds(1));
}

// Tells a gRPC service how long it has by the route's rules.
void SetGrpcTimeout(std::chrono::milliseconds duration, HeaderMap& headers) {
  constexpr int64_t kMost = 99'999'999;  // eight digits
  int64_t number = duration.count();
  char unit = 'm';
  for (const auto& [next, factor] : {std::pair('S', 1000), std::pair('M', 60), std::pair('H', 60)}) {
    if (number <= kMost) break;
    number /= factor;
    unit = next;
  }
  headers.Set(Header::kGrpcTimeout, std::to_string(std::min(number, kMost)) + unit);
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseMilliseconds(std::string_view value) {
  uint32_t number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return std::chrono::milliseconds(number);
}

std::optional<std::chrono::milliseconds> ParseGrpcTimeout(std::string_view value) {
  // At most eight digits and a unit: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
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

ResponseDeadline::Limits LimitsFor(const ForwardAction& forward, Request& request, bool respect_expected) {
  ResponseDeadline::Limits limits;
  HeaderMap& headers = request.headers();
  if (!forward.stream_duration_rules) limits.timeout = forward.timeout;
  if (request.info().internal) TakeHeader(headers, kTimeout, limits.timeout);
  if (respect_expected) {
    if (auto expected = ParseMilliseconds(headers.Get(kExpectedTimeout))) limits.timeout = *expected;
  }
  if (!forward.stream_duration_rules) return limits;
  if (auto duration = GrpcDuration(forward, headers)) limits.duration = *duration;
  const auto whole =
      limits.duration.count() > 0 ? limits.duration : forward.max_stream_duration.value_or(limits.duration);
  if (whole.count() > 0 && IsGrpc(headers)) SetGrpcTimeout(whole, headers);
  return limits;
}

}  // namespace narthex
