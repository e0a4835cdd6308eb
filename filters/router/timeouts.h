#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "filters/router/response_deadline.h"
#include "source/router/compiled_route.h"

namespace narthex {

// The limits of this request: the route's, and what its x-envoy- and grpc-timeout headers may change of them.
// Takes the headers that are for the router only off the request. `respect_expected`: believe
// x-envoy-expected-rq-timeout-ms.
ResponseDeadline::Limits LimitsFor(const ForwardAction& forward, Request& request, bool respect_expected);

// A grpc-timeout value ("250m"), rounded up to milliseconds; nullopt when it is malformed.
std::optional<std::chrono::milliseconds> ParseGrpcTimeout(std::string_view value);
// A decimal number of milliseconds; nullopt when it is none.
std::optional<std::chrono::milliseconds> ParseMilliseconds(std::string_view value);

}  // namespace narthex
