#include "source/http/exchange_error.h"

#include <iterator>

namespace narthex {
namespace {

struct FlagNames {
  std::string_view brief;
  std::string_view full;
};

// In the order of ResponseFlag.
constexpr FlagNames kFlagNames[] = {
    {"", ""},
    {"LH", "FailedLocalHealthCheck"},
    {"UH", "NoHealthyUpstream"},
    {"UT", "UpstreamRequestTimeout"},
    {"LR", "LocalReset"},
    {"UR", "UpstreamRemoteReset"},
    {"UF", "UpstreamConnectionFailure"},
    {"UC", "UpstreamConnectionTermination"},
    {"UO", "UpstreamOverflow"},
    {"NR", "NoRouteFound"},
    {"DI", "DelayInjected"},
    {"FI", "FaultInjected"},
    {"RL", "RateLimited"},
    {"UAEX", "UnauthorizedExternalService"},
    {"RLSE", "RateLimitServiceError"},
    {"DC", "DownstreamConnectionTermination"},
    {"URX", "UpstreamRetryLimitExceeded"},
    {"SI", "StreamIdleTimeout"},
    {"IH", "InvalidEnvoyRequestHeaders"},
    {"DPE", "DownstreamProtocolError"},
    {"UMSDR", "UpstreamMaxStreamDurationReached"},
    {"RFCF", "ResponseFromCacheFilter"},
    {"NFCF", "NoFilterConfigFound"},
    {"DT", "DurationTimeout"},
    {"UPE", "UpstreamProtocolError"},
    {"NC", "NoClusterFound"},
    {"OM", "OverloadManagerTerminated"},
    {"DF", "DnsResolutionFailed"},
    {"DO", "DropOverLoad"},
    {"DR", "DownstreamRemoteReset"},
};
static_assert(std::size(kFlagNames) == static_cast<size_t>(ResponseFlag::kCount));

}  // namespace

std::string_view ShortName(ResponseFlag flag) {
  return kFlagNames[static_cast<size_t>(flag)].brief;
}

std::string_view LongName(ResponseFlag flag) {
  return kFlagNames[static_cast<size_t>(flag)].full;
}

ResponseFlag FindResponseFlag(std::string_view short_name) {
  for (size_t i = 1; i < std::size(kFlagNames); ++i) {
    if (kFlagNames[i].brief == short_name) return static_cast<ResponseFlag>(i);
  }
  return ResponseFlag::kNone;
}

}  // namespace narthex

void std::default_delete<narthex::ExchangeError>::operator()(narthex::ExchangeError* error) const {
  delete error;
}
