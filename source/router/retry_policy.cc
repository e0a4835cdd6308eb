#include "source/router/retry_policy.h"

#include <algorithm>

namespace narthex {
namespace {

struct Name {
  std::string_view text;
  uint32_t bit;
  bool grpc;
};

// There is no HTTP/3 to upstreams, so that what it alone can meet never happens.
constexpr Name kNames[] = {{"http3-post-connect-failure", 0, false},
                           {"5xx", kRetry5xx, false},
                           {"gateway-error", kRetryGatewayError, false},
                           {"reset", kRetryReset, false},
                           {"reset-before-request", kRetryResetBeforeRequest, false},
                           {"connect-failure", kRetryConnectFailure, false},
                           {"refused-stream", kRetryRefusedStream, false},
                           {"retriable-4xx", kRetryRetriable4xx, false},
                           {"retriable-status-codes", kRetryStatusCodes, false},
                           {"retriable-headers", kRetryHeaders, false},
                           {"envoy-ratelimited", kRetryRateLimited, false},
                           {"cancelled", kRetryCancelled, true},
                           {"deadline-exceeded", kRetryDeadlineExceeded, true},
                           {"internal", kRetryInternal, true},
                           {"resource-exhausted", kRetryResourceExhausted, true},
                           {"unavailable", kRetryUnavailable, true}};

}  // namespace

uint32_t ParseRetryOn(std::string_view list, bool http, bool grpc, std::string_view* unknown) {
  uint32_t on = 0;
  while (!list.empty()) {
    std::string_view token = list.substr(0, list.find(','));
    list.remove_prefix(std::min(token.size() + 1, list.size()));
    while (token.starts_with(' ')) token.remove_prefix(1);
    while (token.ends_with(' ')) token.remove_suffix(1);
    const auto* name = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& each) {
      return each.text == token && (each.grpc ? grpc : http);
    });
    if (name != std::end(kNames)) {
      on |= name->bit;
    } else if (unknown != nullptr && unknown->data() == nullptr) {
      *unknown = token;
    }
  }
  return on;
}

}  // namespace narthex
