#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace narthex {

// Why an exchange did not go as planned; the short and long names are Envoy's, users' dashboards depend on
// them.
enum class ResponseFlag : uint8_t {
  kNone,
  kFailedLocalHealthCheck,            // LH
  kNoHealthyUpstream,                 // UH
  kUpstreamRequestTimeout,            // UT
  kLocalReset,                        // LR
  kUpstreamRemoteReset,               // UR
  kUpstreamConnectionFailure,         // UF
  kUpstreamConnectionTermination,     // UC
  kUpstreamOverflow,                  // UO
  kNoRouteFound,                      // NR
  kDelayInjected,                     // DI
  kFaultInjected,                     // FI
  kRateLimited,                       // RL
  kUnauthorizedExternalService,       // UAEX
  kRateLimitServiceError,             // RLSE
  kDownstreamConnectionTermination,   // DC
  kUpstreamRetryLimitExceeded,        // URX
  kStreamIdleTimeout,                 // SI
  kInvalidEnvoyRequestHeaders,        // IH
  kDownstreamProtocolError,           // DPE
  kUpstreamMaxStreamDurationReached,  // UMSDR
  kResponseFromCacheFilter,           // RFCF
  kNoFilterConfigFound,               // NFCF
  kDurationTimeout,                   // DT
  kUpstreamProtocolError,             // UPE
  kNoClusterFound,                    // NC
  kOverloadManager,                   // OM
  kDnsResolutionFailed,               // DF
  kDropOverload,                      // DO
  kDownstreamRemoteReset,             // DR
  kCount,
};

// "UF", "UpstreamConnectionFailure".
std::string_view ShortName(ResponseFlag flag);
std::string_view LongName(ResponseFlag flag);
// kNone when no flag has this short name.
ResponseFlag FindResponseFlag(std::string_view short_name);

// One failed exchange. Turned into a response by LocalReplyFor (source/http/message.h) and nowhere else.
struct ExchangeError {
  ResponseFlag flag = ResponseFlag::kNone;
  // Envoy's RESPONSE_CODE_DETAILS string, such as
  // "upstream_reset_before_response_started{connection_termination}".
  std::string detail = {};
  // Whether the upstream has certainly not acted on the request.
  bool retryable = false;
  // The cause in words for logs: errno text, limiter with limit, value and configuration path.
  std::string cause = {};
  // The status to answer where the flag alone does not decide it (NC, FI, SI, DPE); 0 = the flag's usual one.
  int status = 0;
};

}  // namespace narthex

// Out of line: nearly every message that is moved and destroyed has no error, and should not carry the code
// that destroys one.
template <>
struct std::default_delete<narthex::ExchangeError> {
  void operator()(narthex::ExchangeError* error) const;
};
