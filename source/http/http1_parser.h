#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "source/http/header_map.h"

namespace narthex {

// How a message says where its body ends (RFC 9112 section 6.3).
struct Framing {
  enum class Kind : uint8_t { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  uint64_t length = 0;  // for kLength
};

struct Http1Limits {
  size_t max_head_bytes = 60 * 1024;
  uint32_t max_headers = 100;
};

// A request head: its fields without the hop-by-hop ones, whose meaning stands beside them.
struct RequestHead {
  HeaderMap headers;  // views into the parsed bytes: pin their block
  Framing framing;
  size_t size = 0;  // bytes up to and including the empty line
  bool http_10 = false;
  bool keep_alive = true;
  bool expect_continue = false;
  bool absolute_form = false;
  // The client asks for a tunnel: by another protocol (RFC 9110 section 7.8), which headers has in `upgrade`,
  // or by CONNECT, which has an authority and no path.
  bool tunnel = false;
};

struct ResponseHead {
  HeaderMap headers;
  Framing framing;
  size_t size = 0;
  int status = 0;
  bool keep_alive = true;
  bool upgrade = false;  // with 101: the connection goes on by the protocol that headers has in `upgrade`
};

enum class Http1ParseResult : uint8_t { kNeedMore, kDone, kError };

// Why a head was refused: the status that fits, and a response code detail.
struct Http1ParseError {
  int status = 400;
  std::string detail;
};

// Parses one request head, strictly by RFC 9110 and 9112: what they let a recipient refuse is refused. Field
// names are put in lower case in place; nothing is copied. Call Parse with the same message's bytes from
// their beginning, each time with more of them; it goes on where it stopped. Loop-confined.
class Http1RequestParser {
 public:
  explicit Http1RequestParser(Http1Limits limits) : limits_(limits) {}
  Http1ParseResult Parse(std::span<char> bytes, RequestHead& head);
  const Http1ParseError& error() const { return error_; }

 private:
  Http1ParseResult Refuse(int status, const char* detail);
  Http1ParseResult RefuseSize(std::string_view message);

  Http1Limits limits_;
  size_t scanned_ = 0;
  Http1ParseError error_;
};

// The same for a response; `to_head` says that it answers a HEAD request and has no body.
class Http1ResponseParser {
 public:
  Http1ResponseParser(Http1Limits limits, bool to_head) : limits_(limits), to_head_(to_head) {}
  Http1ParseResult Parse(std::span<char> bytes, ResponseHead& head);
  const Http1ParseError& error() const { return error_; }

 private:
  Http1ParseResult Refuse(const char* detail);

  Http1Limits limits_;
  bool to_head_;
  size_t scanned_ = 0;
  Http1ParseError error_;
};

}  // namespace narthex
