#pragma once

#include <optional>

#include "source/http/http1_parser.h"
#include "source/http/server_codec.h"

// What a server's options say of an HTTP/1 request head, beside the grammar, which the parser knows.
namespace narthex {

Http1Limits HeadLimits(const ServerCodecOptions& options);

// Why these options do not serve the parsed head; nothing when they do. A head of HTTP/1.0 without a host
// gets the one that they name.
std::optional<Http1ParseError> RefuseHead(const ServerCodecOptions& options, RequestHead& head);

}  // namespace narthex
