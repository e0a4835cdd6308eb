#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "source/http/header_map.h"
#include "source/router/compiled_route.h"

namespace narthex {

// The grpc-timeout header: how long a client waits for the end of a call.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

// A value ("250m"), rounded up to milliseconds; nullopt when it is malformed.
std::optional<std::chrono::milliseconds> ParseGrpcTimeout(std::string_view value);
// The value for a duration that is not negative, in the smallest unit that eight digits can say.
std::string FormatGrpcTimeout(std::chrono::milliseconds duration);

// How long the call of these request headers may last by grpc_timeout_header_max and its offset: at least a
// millisecond. None when the route does not honour the header, or there is none.
std::optional<std::chrono::milliseconds> GrpcTimeoutOf(const ForwardAction& forward,
                                                       const HeaderMap& request);

}  // namespace narthex
