#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "source/http/message.h"
#include "source/router/compiled_route.h"

namespace narthex {

// The timeout of this request, 0 for none: the route's, and what its x-envoy- headers may change of it. Takes
// the headers that are for the router only off the request, and tells a gRPC service how long it has.
// `respect_expected`: believe x-envoy-expected-rq-timeout-ms.
std::chrono::milliseconds TimeoutFor(const ForwardAction& forward, Request& request, bool respect_expected);

// A decimal number of milliseconds; nullopt when it is none.
std::optional<std::chrono::milliseconds> ParseMilliseconds(std::string_view value);

}  // namespace narthex
