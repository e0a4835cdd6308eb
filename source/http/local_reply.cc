// LocalReplyFor: the one place that turns a failed exchange into a status and a body.

#include <algorithm>
#include <string>

#include "source/http/message.h"
#include "source/http/reason_phrase.h"

namespace narthex {
namespace {

using enum ResponseFlag;

// What a client sees of a flag, and the response code detail when the failure brought none; Envoy's words.
struct Answer {
  int status;
  std::string_view body;  // empty: the reason phrase, unless `bare`
  std::string_view detail;
  bool bare = false;  // no body at all
};

Answer AnswerFor(ResponseFlag flag) {
  switch (flag) {
    case kNoHealthyUpstream:
      return {503, "no healthy upstream", "no_healthy_upstream"};
    case kUpstreamRequestTimeout:
      return {504, "upstream request timeout", "response_timeout"};
    case kUpstreamMaxStreamDurationReached:
      return {504, "upstream max stream duration reached", "upstream_max_stream_duration_reached"};
    case kStreamIdleTimeout:
      return {504, "stream timeout", "stream_idle_timeout"};
    case kDurationTimeout:
      return {504, "downstream duration timeout", "max_duration_timeout"};
    case kNoRouteFound:
      return {404, "", "route_not_found", true};
    case kNoClusterFound:
      return {503, "", "cluster_not_found", true};
    case kFailedLocalHealthCheck:
      return {503, "", "health_check_failed", true};
    case kFaultInjected:
      return {503, "fault filter abort", "fault_filter_abort"};
    case kRateLimited:
      return {429, "", "request_rate_limited", true};
    case kUnauthorizedExternalService:
      return {403, "", "ext_authz_denied", true};
    case kInvalidEnvoyRequestHeaders:
      return {400, "", "request_headers_failed_strict_check", true};
    case kDownstreamProtocolError:
      return {400, "", "http1.codec_error"};
    case kOverloadManager:
      return {503, "envoy overloaded", "overload"};
    case kDropOverload:
      return {503, "unconditional drop_overload", "drop_overload"};
    case kDnsResolutionFailed:
      return {503, "DNS resolution failure", "dns_resolution_failure"};
    case kRateLimitServiceError:
      return {500, "", "rate_limiter_error", true};
    default:
      return {500, "", "internal_error"};
  }
}

// Envoy's word for how the upstream stream ended; null for flags of another kind.
const char* ResetReason(ResponseFlag flag) {
  switch (flag) {
    case kUpstreamConnectionFailure:
      return "remote_connection_failure";
    case kUpstreamConnectionTermination:
      return "connection_termination";
    case kUpstreamOverflow:
      return "overflow";
    case kLocalReset:
      return "local_reset";
    case kUpstreamRemoteReset:
      return "remote_reset";
    case kUpstreamProtocolError:
      return "protocol_error";
    default:
      return nullptr;
  }
}

std::string Words(std::string_view joined) {
  std::string words(joined);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

// "...{reason|transport_failure}" in the detail says more exactly what happened than the flag does. How the
// transport failed is for the log; a client need not learn about the network behind the gateway.
std::string ResetBody(std::string_view detail, bool retried) {
  const size_t open = detail.find('{');
  const size_t close = detail.rfind('}');
  std::string_view inner = detail.substr(open + 1, close - open - 1);
  const size_t bar = inner.find('|');
  std::string body = "upstream connect error or disconnect/reset before headers. ";
  body += retried ? "retried and the latest reset reason: " : "reset reason: ";
  body += Words(inner.substr(0, bar));
  return body;
}

Response ReplyToReset(ExchangeError error, const char* reason, bool retried) {
  const size_t open = error.detail.find('{');
  if (open == std::string::npos || error.detail.find('}', open) == std::string::npos) {
    error.detail = std::string("upstream_reset_before_response_started{") + reason + "}";
  }
  int status = error.flag == kUpstreamProtocolError ? 502 : 503;
  if (error.status != 0) status = error.status;
  Response response = LocalReply(status, error.detail, ResetBody(error.detail, retried), error.flag);
  if (error.flag == kUpstreamOverflow) response.headers().Add("x-envoy-overloaded", "true");
  response.set_local(std::make_unique<ExchangeError>(std::move(error)));
  return response;
}

}  // namespace

Response LocalReplyFor(ExchangeError error, bool retried) {
  if (const char* reason = ResetReason(error.flag)) return ReplyToReset(std::move(error), reason, retried);
  const Answer answer = AnswerFor(error.flag);
  const int status = error.status != 0 ? error.status : answer.status;
  if (error.detail.empty()) error.detail = answer.detail;
  const std::string_view phrase = answer.body.empty() ? ReasonPhrase(status) : answer.body;
  Response response = LocalReply(status, error.detail, answer.bare ? "" : phrase, error.flag);
  response.set_local(std::make_unique<ExchangeError>(std::move(error)));
  return response;
}

}  // namespace narthex
