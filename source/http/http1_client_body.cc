#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "source/http/body_read_size.h"
#include "source/http/http1_client_connection.h"

namespace narthex {

Task<BodyPiece> Http1ClientConnection::ResponseBody::Read() {
  const size_t most = BodyReadSize(connection_.options_.buffer_limit);
  while (true) {
    BodyPiece piece;
    if (!Decode(piece)) co_return Broken("bad chunk");
    if (!piece.data.empty()) connection_.BodyBegan();
    if (piece.end) connection_.ResponseDone(lease_);
    if (piece.end || !piece.data.empty()) co_return piece;
    co_await connection_.stream_->Readable();
    const IoResult result = connection_.stream_->Read(connection_.input_, most);
    if (result.ok() || result.kind == IoResult::Kind::kWouldBlock) continue;
    // An end that came because the request broke off is not the response's.
    if (result.kind == IoResult::Kind::kEnd && framing_.kind == Framing::Kind::kUntilClose &&
        !connection_.pump_error_) {
      piece.end = true;
      // In a tunnel the other direction may go on: the connection ends with this body.
      if (!connection_.tunnel_) connection_.ResponseDone(lease_);
      co_return piece;
    }
    co_return Broken(result.kind == IoResult::Kind::kEnd ? "the body ended too early"
                                                         : std::strerror(result.error));
  }
}

bool Http1ClientConnection::ResponseBody::Decode(BodyPiece& piece) {
  Buffer& input = connection_.input_;
  switch (framing_.kind) {
    case Framing::Kind::kLength: {
      const size_t n = std::min<uint64_t>(left_, input.size());
      piece.data = input.Take(n);
      left_ -= n;
      piece.end = left_ == 0;
      return true;
    }
    case Framing::Kind::kChunked: {
      const ChunkedDecoder::Result result = chunks_.Decode(input, piece.data);
      piece.end = result == ChunkedDecoder::Result::kDone;
      if (piece.end) piece.trailers = chunks_.TakeTrailers();
      return result != ChunkedDecoder::Result::kError;
    }
    case Framing::Kind::kUntilClose:
      piece.data = std::move(input);
      return true;
    case Framing::Kind::kNone:
      piece.end = true;
      return true;
  }
  return false;
}

BodyPiece Http1ClientConnection::ResponseBody::Broken(std::string_view cause) {
  BodyPiece piece;
  piece.error = std::make_unique<ExchangeError>(
      ExchangeError{ResponseFlag::kUpstreamProtocolError,
                    "upstream_reset_after_response_started{protocol_error}", false, std::string(cause)});
  return piece;
}

// The body behind `head`; one that is here whole gives the connection back at once.
Body Http1ClientConnection::MakeBody(const ResponseHead& head, Lease lease) {
  const Framing framing = head.framing;
  const bool has_length = framing.kind == Framing::Kind::kLength;
  if (framing.kind == Framing::Kind::kNone) {
    ResponseDone(lease);
    return Body();
  }
  if (has_length && input_.size() >= framing.length) {
    Buffer data = input_.Take(framing.length);
    if (!data.empty()) BodyBegan();
    ResponseDone(lease);
    return Body(std::move(data));
  }
  std::optional<uint64_t> length;
  if (has_length) length = framing.length;
  return Body(Buffer(), std::make_unique<ResponseBody>(*this, framing, std::move(lease)), length);
}

}  // namespace narthex
