#include "filters/router/timeouts.h"

#include <charconv>

#include "source/router/grpc_timeout.h"
#include "source/router/matchers.h"

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

// The service has as long as the exchange, whatever its client said.
void SetGrpcTimeout(const Exchange& exchange, HeaderMap& headers) {
  if (!exchange.max_duration || !IsGrpc(headers)) return;
  headers.Remove(Header::kGrpcTimeout);
  if (exchange.max_duration->count() == 0) return;
  headers.Set(Header::kGrpcTimeout, FormatGrpcTimeout(*exchange.max_duration));
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseMilliseconds(std::string_view value) {
  uint32_t number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return std::chrono::milliseconds(number);
}

std::chrono::milliseconds TimeoutFor(const ForwardAction& forward, Request& request, bool respect_expected) {
  std::chrono::milliseconds timeout(0);
  HeaderMap& headers = request.headers();
  // A route with max_stream_duration has no timeout of its own.
  if (!forward.stream_duration_rules) timeout = forward.timeout;
  if (request.info().internal) TakeHeader(headers, kTimeout, timeout);
  if (respect_expected) {
    if (auto expected = ParseMilliseconds(headers.Get(kExpectedTimeout))) timeout = *expected;
  }
  if (forward.stream_duration_rules) SetGrpcTimeout(request.info(), headers);
  return timeout;
}

}  // namespace narthex
