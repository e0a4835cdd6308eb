#include "filters/router/edit_messages.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "filters/router/timeouts.h"
#include "source/http/http1_fields.h"

namespace narthex {
namespace {

constexpr std::string_view kOriginalPath = "x-envoy-original-path";
constexpr std::string_view kOriginalHost = "x-envoy-original-host";
constexpr std::string_view kAttemptCount = "x-envoy-attempt-count";
// How a caller of ours wants its request to be tried, timed and counted: for this gateway, not for the next.
constexpr std::string_view kSteeringHeaders[] = {
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-max-retries",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-stream-duration-ms",
};

std::optional<Response> RewriteHost(const ForwardAction& forward, HeaderMap& headers, bool envoy_headers) {
  if (forward.host_rewrite.kind == HostRewrite::Kind::kNone) return std::nullopt;
  std::string host = forward.host_rewrite.Rewrite(headers);
  if (host.empty()) return std::nullopt;
  if (!IsValidHost(host)) {
    return LocalReply(400, "rewritten_host_invalid", "the request asks for an invalid host");
  }
  std::string_view old = headers.Get(Header::kAuthority);
  if (forward.append_x_forwarded_host && !old.empty()) headers.AppendToList(Header::kXForwardedHost, old);
  if (envoy_headers) headers.Set(kOriginalHost, old);
  headers.Set(Header::kAuthority, host);
  return std::nullopt;
}

std::optional<Response> RewritePath(const CompiledRoute& route, HeaderMap& headers, bool envoy_headers) {
  const PathRewrite& rewrite = route.forward->path_rewrite;
  if (rewrite.kind == PathRewrite::Kind::kNone) return std::nullopt;
  std::string_view old = headers.Get(Header::kPath);
  if (old.empty()) return std::nullopt;  // CONNECT has none
  std::string path = rewrite.Rewrite(old, route);
  if (path.empty()) return std::nullopt;
  if (!IsForwardablePath(path)) {
    return LocalReply(500, "rewritten_path_invalid", "the route makes an invalid path of this one");
  }
  if (envoy_headers) headers.Set(kOriginalPath, old);
  headers.Set(Header::kPath, path);
  return std::nullopt;
}

// Views of what outlives the exchange, so that nothing is copied on the usual path.
void SetExpectedTimeout(const ForwardAction& forward, HeaderMap& headers, std::chrono::milliseconds timeout) {
  headers.Remove(Header::kXEnvoyExpectedRqTimeoutMs);
  if (timeout.count() <= 0) return;
  if (timeout == forward.timeout && !forward.timeout_text.empty()) {
    headers.AddView(Header::kXEnvoyExpectedRqTimeoutMs, HeaderName(Header::kXEnvoyExpectedRqTimeoutMs),
                    forward.timeout_text);
  } else {
    headers.Add(Header::kXEnvoyExpectedRqTimeoutMs, std::to_string(timeout.count()));
  }
}

// The decimal texts of 0 to 999, the service times that occur.
struct SmallNumbers {
  std::array<std::array<char, 3>, 1000> digits{};
  std::array<uint8_t, 1000> sizes{};

  constexpr SmallNumbers() {
    for (size_t i = 0; i < digits.size(); ++i) {
      size_t size = i < 10 ? 1 : i < 100 ? 2 : 3;
      for (size_t rest = i, at = size; at > 0; rest /= 10) {
        digits[i][--at] = static_cast<char>('0' + rest % 10);
      }
      sizes[i] = static_cast<uint8_t>(size);
    }
  }
  std::string_view Text(size_t number) const { return {digits[number].data(), sizes[number]}; }
};
constexpr SmallNumbers kSmallNumbers;

void SetServiceTime(const Exchange& exchange, HeaderMap& headers) {
  const ExchangeTimes& times = exchange.times;
  uint64_t from = std::max(times.upstream_start, times.request_end);
  uint64_t milliseconds = times.response_head > from ? (times.response_head - from) / 1000 : 0;
  if (milliseconds >= 1000) {
    headers.Set(Header::kXEnvoyUpstreamServiceTime, std::to_string(milliseconds));
    return;
  }
  headers.Remove(Header::kXEnvoyUpstreamServiceTime);
  headers.AddView(Header::kXEnvoyUpstreamServiceTime, HeaderName(Header::kXEnvoyUpstreamServiceTime),
                  kSmallNumbers.Text(milliseconds));
}

bool IsRetryOn(std::string_view value, bool grpc) {
  std::string_view unknown;
  ParseRetryOn(value, !grpc, grpc, &unknown);
  return unknown.data() == nullptr;
}

}  // namespace

std::optional<Response> EditRequest(const CompiledRoute& route, Request& request,
                                    std::chrono::milliseconds timeout, bool envoy_headers) {
  HeaderMap& headers = request.headers();
  if (envoy_headers) SetExpectedTimeout(*route.forward, headers, timeout);
  if (request.info().internal) {  // other clients' were removed on entry
    for (std::string_view name : kSteeringHeaders) headers.Remove(name);
  }
  if (route.scope->include_request_attempt_count) headers.Set(kAttemptCount, "1");
  if (route.request_mutations != nullptr) {
    route.request_mutations->Apply(headers, FormatContext{&request.info(), &headers, nullptr, nullptr, {}});
  }
  std::optional<Response> refused = RewriteHost(*route.forward, headers, envoy_headers);
  return refused ? std::move(refused) : RewritePath(route, headers, envoy_headers);
}

void MutateResponse(const CompiledRoute& route, Exchange& exchange, Response& response) {
  exchange.response_mutated = true;
  if (route.response_mutations == nullptr) return;
  FormatContext context{&exchange, &exchange.request_headers, &response.headers(), nullptr, {}};
  if (const ExchangeError* local = response.local()) {
    // What the mutations may ask for.
    exchange.response_details = local->detail;
    return ApplyToLocalReply(*route.response_mutations, response.headers(), context);
  }
  route.response_mutations->Apply(response.headers(), context);
}

void EditResponse(const CompiledRoute& route, Exchange& exchange, Response& response, bool envoy_headers) {
  if (envoy_headers && response.local() == nullptr) SetServiceTime(exchange, response.headers());
  MutateResponse(route, exchange, response);
  if (route.scope->include_attempt_count_in_response) {
    response.headers().Set(kAttemptCount, std::to_string(std::max(exchange.upstream.attempts, 1U)));
  }
}

std::string_view FindInvalidHeader(const HeaderMap& headers, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::string_view value = headers.Get(name);
    if (value.data() == nullptr) continue;
    bool fine = name == "x-envoy-retry-on"        ? IsRetryOn(value, false)
                : name == "x-envoy-retry-grpc-on" ? IsRetryOn(value, true)
                                                  : ParseMilliseconds(value).has_value();
    if (!fine) return name;
  }
  return {};
}

}  // namespace narthex
