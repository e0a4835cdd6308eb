#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "source/substitution/formatter.h"

namespace narthex {

// The gRPC status of an exchange: from the trailers, wherever a filter has put them, else the response's
// fields, else by the gRPC specification's mapping of the HTTP status. None without a response, or when the
// field is no number.
std::optional<uint64_t> GrpcStatusOf(const FormatContext& context);

// The value of a grpc-status field; none when it is no number.
std::optional<uint64_t> ParseGrpcStatus(std::string_view text);

// What a response without a gRPC status of its own counts as, by the gRPC specification.
uint64_t GrpcStatusOfHttp(int status);

// A text as grpc-message carries it, percent-encoded: any bytes become fit for a header.
std::string EncodeGrpcMessage(std::string_view text);

// Whether the request's content-type is application/grpc or application/grpc+something.
bool IsGrpcRequest(const FormatContext& context);

// "InvalidArgument" and "INVALID_ARGUMENT"; empty for a number without a name.
std::string_view GrpcStatusName(uint64_t status);
std::string_view GrpcStatusSnakeName(uint64_t status);

}  // namespace narthex
