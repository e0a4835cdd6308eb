#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "source/http/chunked_decoder.h"
#include "source/http/http1_parser.h"
#include "source/http/http1_writer.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

std::string Fields(const HeaderMap& headers) {
  std::string text;
  for (const HeaderMap::Field& field : headers) {
    text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return text;
}

template <class Head>
struct Read {
  Http1ParseResult result = Http1ParseResult::kNeedMore;
  std::string bytes;  // what the head's fields are views into
  Head head;
};

// Parses with ever more of the bytes, `step` at a time.
template <class Parser, class Head>
void ParseInSteps(Parser parser, std::string_view bytes, size_t step, Read<Head>& read) {
  read.bytes = bytes;
  size_t end = 0;
  do {
    end = std::min(end + step, read.bytes.size());
    read.result = parser.Parse({read.bytes.data(), end}, read.head);
  } while (read.result == Http1ParseResult::kNeedMore && end < read.bytes.size());
  if (read.result == Http1ParseResult::kError)
    Require(parser.error().status >= 400 && !parser.error().detail.empty());
  if (read.result == Http1ParseResult::kDone) Require(read.head.size <= end);
}

// What was accepted is accepted again as we write it, and means the same.
void RequireForwardedTheSame(const RequestHead& head) {
  RequestFraming framing;
  framing.connect = IsConnect(head.headers);
  framing.chunked = head.framing.kind == Framing::Kind::kChunked;
  if (head.framing.kind == Framing::Kind::kLength) framing.length = head.framing.length;
  if (!head.headers.Has(Header::kAuthority)) return;
  Buffer wire;
  Require(WriteRequestHead(head.headers, framing, wire));
  Read<RequestHead> again;
  ParseInSteps(Http1RequestParser(Http1Limits{}), wire.ToString(), 1 << 20, again);
  // Written with a field of framing more, a head may be one field or a few bytes above its limits.
  if (again.result == Http1ParseResult::kError && (head.headers.size() > 90 || wire.size() > 50'000)) return;
  Require(again.result == Http1ParseResult::kDone && again.head.size == wire.size());
  Require(again.head.framing.kind == head.framing.kind && again.head.framing.length == head.framing.length);
  for (const Header part : {Header::kMethod, Header::kAuthority, Header::kPath}) {
    Require(again.head.headers.Get(part) == head.headers.Get(part));
  }
}

void ParseRequest(std::string_view bytes) {
  Read<RequestHead> whole, pieces;
  ParseInSteps(Http1RequestParser(Http1Limits{}), bytes, 1 << 20, whole);
  ParseInSteps(Http1RequestParser(Http1Limits{}), bytes, 1, pieces);
  Require(whole.result == pieces.result);
  if (whole.result != Http1ParseResult::kDone) return;
  Require(Fields(whole.head.headers) == Fields(pieces.head.headers));
  Require(whole.head.size == pieces.head.size && whole.head.keep_alive == pieces.head.keep_alive);
  RequireForwardedTheSame(whole.head);
}

void ParseResponse(std::string_view bytes) {
  for (const bool to_head : {false, true}) {
    Read<ResponseHead> whole, pieces;
    ParseInSteps(Http1ResponseParser(Http1Limits{}, to_head), bytes, 1 << 20, whole);
    ParseInSteps(Http1ResponseParser(Http1Limits{}, to_head), bytes, 1, pieces);
    Require(whole.result == pieces.result);
    if (whole.result != Http1ParseResult::kDone) continue;
    Require(Fields(whole.head.headers) == Fields(pieces.head.headers));
    Require(whole.head.status >= 100 && whole.head.status < 600);
    Buffer wire;
    Require(WriteResponseHead(whole.head.headers, whole.head.status, {}, wire));
  }
}

struct Decoded {
  ChunkedDecoder::Result result = ChunkedDecoder::Result::kNeedMore;
  std::string body, trailers, rest;
};

Decoded Decode(std::string_view bytes, size_t step) {
  ChunkedDecoder decoder;
  Buffer in, out;
  Decoded decoded;
  size_t at = 0;
  while (decoded.result == ChunkedDecoder::Result::kNeedMore && at < bytes.size()) {
    in.Append(bytes.substr(at, step));
    at = std::min(at + step, bytes.size());
    decoded.result = decoder.Decode(in, out);
  }
  if (decoded.result == ChunkedDecoder::Result::kDone) {
    decoded.rest = in.ToString() + std::string(bytes.substr(at));
    if (const auto trailers = decoder.TakeTrailers()) decoded.trailers = Fields(*trailers);
  }
  decoded.body = out.ToString();
  return decoded;
}

void DecodeChunks(std::string_view bytes) {
  const Decoded whole = Decode(bytes, 1 << 20);
  const Decoded pieces = Decode(bytes, 1);
  Require(whole.result == pieces.result && whole.body == pieces.body);
  Require(whole.trailers == pieces.trailers && whole.rest == pieces.rest);
  if (whole.result != ChunkedDecoder::Result::kDone) return;
  Buffer again;
  if (!whole.body.empty()) AppendChunk(Buffer(whole.body), again);
  AppendLastChunk(nullptr, again);
  Require(Decode(again.ToString(), 1 << 20).body == whole.body);
}

}  // namespace
}  // namespace narthex

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Byte by byte the cost grows with the square of what a line may hold.
  if (size == 0 || size > 100'000) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The first byte chooses: a response begins with its version, a chunk with its size.
  if (bytes[0] == 'H') {
    narthex::ParseResponse(bytes);
  } else if ((bytes[0] >= '0' && bytes[0] <= '9') || (bytes[0] >= 'a' && bytes[0] <= 'f')) {
    narthex::DecodeChunks(bytes);
  } else {
    narthex::ParseRequest(bytes);
  }
  return 0;
}
