#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/http/exchange_error.h"
#include "source/upstream/host.h"
#include "source/upstream/pool_context.h"

namespace narthex {

// Why a connection is not made when DescriptorBudget has no room for it.
inline constexpr std::string_view kNoDescriptor = "no file descriptor is left for connections to upstreams";

// Why there is no connection to a host, for pooled connections and for raw ones alike. Loop-confined.

// The circuit breaker called `breaker` is open; says its limit, its value and where that was set.
std::unique_ptr<ExchangeError> OverflowError(const ClusterConfig& config, const char* breaker,
                                             const WorkerBreakers::Breaker& limits);
// Connecting failed; `reason` is the cause in words, or null when it took longer than connect_timeout.
ExchangeError ConnectError(const ClusterConfig& config, const Host& host, const std::string* reason);
// The upstream has ended new connections before a request could be made on them.
ExchangeError ClosedUnusedError(const Host& host);
// auto_san_validation, and the request names no host that the certificate could be for.
ExchangeError NoNameToVerifyError(const ClusterConfig& config);

}  // namespace narthex
