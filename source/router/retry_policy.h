#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/router/matchers.h"

namespace narthex {

// What a request is tried again on. A set of them is the sum of its bits.
enum RetryOn : uint32_t {
  kRetry5xx = 1 << 0,
  kRetryGatewayError = 1 << 1,
  kRetryReset = 1 << 2,
  kRetryResetBeforeRequest = 1 << 3,
  kRetryConnectFailure = 1 << 4,
  kRetryRefusedStream = 1 << 5,
  kRetryRetriable4xx = 1 << 6,
  kRetryStatusCodes = 1 << 7,
  kRetryHeaders = 1 << 8,
  kRetryRateLimited = 1 << 9,
  kRetryCancelled = 1 << 10,
  kRetryDeadlineExceeded = 1 << 11,
  kRetryInternal = 1 << 12,
  kRetryResourceExhausted = 1 << 13,
  kRetryUnavailable = 1 << 14,
};

// The conditions that a list with commas names, of HTTP, gRPC, or both; the first that is none goes to
// `unknown`, when that is not null.
uint32_t ParseRetryOn(std::string_view list, bool http, bool grpc, std::string_view* unknown = nullptr);

// A response header that says when to come again.
struct ResetHeader {
  std::string name;  // in lower case
  bool unix_time = false;
};

// When and how a route's requests are tried again, compiled. Immutable, shared.
struct RetryPolicy {
  uint32_t on = 0;
  uint32_t num_retries = 1;
  std::chrono::milliseconds per_try_timeout{0};       // 0: none
  std::chrono::milliseconds per_try_idle_timeout{0};  // 0: none
  std::chrono::milliseconds base_interval{25}, max_interval{250};
  std::vector<uint32_t> status_codes;
  std::vector<HeaderMatcher> response_headers;
  std::vector<HeaderMatcher> request_headers;  // empty: all requests
  std::vector<ResetHeader> reset_headers;
  std::chrono::milliseconds max_reset_interval{300'000};
  bool avoid_previous_hosts = false;
  uint32_t host_tries = 1;
  // previous_priorities: after how many tries their priorities are left out; 0: never.
  uint32_t priority_update_frequency = 0;
};

}  // namespace narthex
