#pragma once

#include "source/filter/registry.h"

namespace narthex {

// envoy.filters.http.grpc_web: translates gRPC-Web calls, which browsers can make, to gRPC ones:
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md. What it does with them is in README.md. The
// filter is immutable and thread-safe.
FilterFactory GrpcWebFilter();

}  // namespace narthex
