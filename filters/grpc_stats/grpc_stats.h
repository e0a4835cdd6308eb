#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.grpc_stats: counts gRPC calls and their messages by cluster and method. Its
// configuration is in README.md. The filter is immutable and thread-safe.
FilterFactory GrpcStatsFilter();

}  // namespace narthex
