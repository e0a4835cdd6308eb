#include "test/http/whole_message.h"

#include <algorithm>

#include "source/http/chunked_decoder.h"

namespace narthex {
namespace {

using State = WholeMessage::State;

// Reads the body behind a head of `message.head_size` bytes.
void ReadBody(std::string_view rest, bool ended, WholeMessage& message) {
  Buffer in(rest), out;
  ChunkedDecoder chunks;
  ChunkedDecoder::Result result;
  switch (message.framing.kind) {
    case Framing::Kind::kNone:
      message.state = State::kComplete;
      break;
    case Framing::Kind::kLength:
      message.state = rest.size() >= message.framing.length ? State::kComplete : State::kIncomplete;
      out = in.Take(std::min<uint64_t>(rest.size(), message.framing.length));
      break;
    case Framing::Kind::kChunked:
      result = chunks.Decode(in, out);
      if (result == ChunkedDecoder::Result::kError) message.state = State::kRefused;
      if (result != ChunkedDecoder::Result::kDone) break;
      message.state = State::kComplete;
      if (const auto trailers = chunks.TakeTrailers()) message.trailers = FieldsOf(*trailers);
      break;
    case Framing::Kind::kUntilClose:
      message.state = ended ? State::kComplete : State::kIncomplete;
      out = std::move(in);
      break;
  }
  message.body = out.ToString();
  if (message.complete()) message.size = message.head_size + rest.size() - in.size();
}

template <class Parser, class Head>
bool ReadHead(Parser parser, std::string& bytes, Head& head, WholeMessage& message) {
  const Http1ParseResult result = parser.Parse(std::span<char>(bytes), head);
  if (result == Http1ParseResult::kError) message.state = State::kRefused;
  if (result != Http1ParseResult::kDone) return false;
  message.head_size = head.size;
  message.fields = FieldsOf(head.headers);
  message.keep_alive = head.keep_alive;
  message.framing = head.framing;
  return true;
}

}  // namespace

bool WholeMessage::SameAs(const WholeMessage& other) const {
  return state == other.state && status == other.status && start == other.start && fields == other.fields &&
         body == other.body && trailers == other.trailers;
}

std::string FieldsOf(const HeaderMap& headers) {
  std::string text;
  for (const HeaderMap::Field& field : headers) {
    if (field.name[0] == ':' || field.known == Header::kContentLength) continue;
    text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return text;
}

WholeMessage ReadWholeRequest(std::string_view bytes, Http1Limits limits) {
  WholeMessage message;
  std::string copy(bytes);
  RequestHead head;
  if (!ReadHead(Http1RequestParser(limits), copy, head, message)) return message;
  message.http_10 = head.http_10;
  for (const Header part : {Header::kMethod, Header::kAuthority, Header::kPath}) {
    message.start.append(head.headers.Get(part)).append(" ");
  }
  ReadBody(bytes.substr(head.size), false, message);
  return message;
}

WholeMessage ReadWholeResponse(std::string_view bytes, bool to_head, bool ended, Http1Limits limits) {
  WholeMessage message;
  std::string copy(bytes);
  ResponseHead head;
  if (!ReadHead(Http1ResponseParser(limits, to_head), copy, head, message)) return message;
  message.status = head.status;
  ReadBody(bytes.substr(head.size), ended, message);
  return message;
}

}  // namespace narthex
