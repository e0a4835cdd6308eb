#include "source/upstream/upstream_errors.h"

#include <algorithm>

namespace narthex {

std::unique_ptr<ExchangeError> OverflowError(const ClusterConfig& config, const char* breaker,
                                             const WorkerBreakers::Breaker& limits) {
  auto error = std::make_unique<ExchangeError>();
  error->flag = ResponseFlag::kUpstreamOverflow;
  error->detail = "upstream_reset_before_response_started{overflow}";
  error->retryable = true;
  error->cause = "cluster " + config.name + ": circuit breaker " + breaker +
                 " is open: " + std::to_string(limits.sum->Read()) + " of " +
                 std::to_string(limits.limit->value);
  if (!limits.limit->origin.empty()) error->cause += ", set at " + limits.limit->origin;
  return error;
}

ExchangeError ConnectError(const ClusterConfig& config, const Host& host, const std::string* reason) {
  ExchangeError error;
  error.flag = ResponseFlag::kUpstreamConnectionFailure;
  error.retryable = true;
  if (reason == nullptr) {
    error.detail = "upstream_reset_before_response_started{connection_timeout}";
    error.cause = "connect to " + host.address_text() + " not done within connect_timeout, " +
                  std::to_string(config.connection.connect_timeout.count()) + " ms";
  } else {
    error.cause = "connect to " + host.address_text() + ": " + *reason;
    std::string words = *reason;
    std::replace(words.begin(), words.end(), ' ', '_');
    error.detail =
        "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_" + words +
        "}";
  }
  return error;
}

ExchangeError ClosedUnusedError(const Host& host) {
  return {ResponseFlag::kUpstreamConnectionTermination,
          "upstream_reset_before_response_started{connection_termination}", true,
          host.address_text() + " ends new connections before a request is made on them"};
}

ExchangeError NoNameToVerifyError(const ClusterConfig& config) {
  return {ResponseFlag::kUpstreamConnectionFailure,
          "upstream_reset_before_response_started{local_connection_failure}", false,
          "cluster " + config.name +
              ": auto_san_validation, and the request names no host to verify the certificate by"};
}

}  // namespace narthex
