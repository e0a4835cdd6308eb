#pragma once

#include <cstdint>
#include <optional>

#include "source/base/buffer.h"
#include "source/http/header_map.h"

namespace narthex {

// How the body behind a head is framed. The head says this and nothing that the fields may hold beside it.
struct RequestFraming {
  std::optional<uint64_t> length;
  bool chunked = false;
  bool upgrade = false;  // asks for the protocol that the fields have in `upgrade`
  bool connect = false;  // CONNECT: neither path nor body
};
struct ResponseFraming {
  bool http_10 = false;  // the client speaks HTTP/1.0
  bool no_body = false;  // HEAD, 204, 304: a content-length field is passed on as it is, but for 204
  std::optional<uint64_t> length;
  bool close = false;
  bool upgrade = false;  // 101: what follows is not HTTP; `upgrade` says what it is
  bool connect = false;  // agrees to a CONNECT: what follows is not HTTP either, and nothing says so
};

// Append a head, built from its parts, to `out`. False, with nothing appended, when a field holds CR, LF or
// NUL, a name is no token, the method, path or authority would break the request line, or the authority of a
// CONNECT is no host and port: a filter has put together what must not be sent.
bool WriteRequestHead(const HeaderMap& headers, const RequestFraming& framing, Buffer& out);
bool WriteResponseHead(const HeaderMap& headers, int status, const ResponseFraming& framing, Buffer& out);
// A 1xx response.
bool WriteInterimHead(const HeaderMap& headers, int status, Buffer& out);

// One chunk (RFC 9112 section 7.1) with its payload, which is moved. REQUIRES: not empty.
void AppendChunk(Buffer payload, Buffer& out);
// The last chunk and the trailer section; `trailers` may be null. Trailers that can't be sent are left out.
void AppendLastChunk(const HeaderMap* trailers, Buffer& out);

}  // namespace narthex
