#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "source/http/header_map.h"

namespace narthex {

// Fields for nghttp2: views into a header map, which must last until they are submitted.
using Http2Fields = std::vector<nghttp2_nv>;

// Put the fields of a message into `out`, in place of what it held. False when a field must not be sent: a
// filter has put together CR, LF or NUL, a name that is no token, or a path with a space.

// `length`: the content-length field, instead of what the map says of it.
bool WriteHttp2Request(const HeaderMap& headers, std::optional<uint64_t> length, Http2Fields& out);
// `no_body`: HEAD, 204, 304: a content-length field is passed on as it is, but for 204.
struct Http2ResponseFraming {
  bool no_body = false;
  std::optional<uint64_t> length;
};
bool WriteHttp2Response(const HeaderMap& headers, int status, Http2ResponseFraming framing, Http2Fields& out);
bool WriteHttp2Interim(const HeaderMap& headers, Http2Fields& out);
bool WriteHttp2Trailers(const HeaderMap& trailers, Http2Fields& out);

}  // namespace narthex
