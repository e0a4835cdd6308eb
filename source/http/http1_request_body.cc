#include <algorithm>
#include <utility>

#include "source/http/body_read_size.h"
#include "source/http/http1_serving.h"

namespace narthex {

bool Http1ServerConnection::RequestBody::Decode(BodyPiece& piece) {
  Http1ServerConnection& connection = serving_.connection;
  if (serving_.head.framing.kind == Framing::Kind::kLength) {
    const size_t n = std::min<uint64_t>(serving_.body_left, connection.input_.size());
    piece.data = connection.input_.Take(n);
    serving_.body_left -= n;
    piece.end = serving_.body_left == 0;
  } else {
    const ChunkedDecoder::Result result = serving_.chunks.Decode(connection.input_, piece.data);
    if (result == ChunkedDecoder::Result::kError) return false;
    piece.end = result == ChunkedDecoder::Result::kDone;
    if (piece.end) piece.trailers = serving_.chunks.TakeTrailers();
  }
  serving_.exchange.request_body_bytes += piece.data.size();
  if (piece.end) {
    serving_.body_done = true;
    serving_.deadline.Cancel();
    serving_.exchange.times.request_end = connection.context_.loop.NowUs();
  }
  return true;
}

BodyPiece Http1ServerConnection::RequestBody::Broken(ResponseFlag flag, std::string detail) {
  serving_.connection.broken_ = true;
  if (flag == ResponseFlag::kDownstreamConnectionTermination) serving_.connection.client_gone_ = true;
  BodyPiece piece;
  piece.error = std::make_unique<ExchangeError>(ExchangeError{flag, std::move(detail), false, {}});
  return piece;
}

Task<BodyPiece> Http1ServerConnection::RequestBody::Read() {
  Http1ServerConnection& connection = serving_.connection;
  if (serving_.continue_pending) {
    serving_.continue_pending = false;
    if (!serving_.head_sent) {
      connection.output_.Append("HTTP/1.1 100 Continue\r\n\r\n");
      // Not waited for, as the response may come meanwhile and be written, too. A client that has not
      // received what was sent before gets the rest with that, and does not wait for ever (RFC 9110
      // section 10.1.1).
      if (connection.FlushNow() == Flushed::kGone) {
        co_return Broken(ResponseFlag::kDownstreamConnectionTermination, "downstream_remote_disconnect");
      }
    }
  }
  while (true) {
    BodyPiece piece;
    if (!Decode(piece)) co_return Broken(ResponseFlag::kDownstreamProtocolError, "http1.codec_error");
    if (piece.end || !piece.data.empty()) co_return piece;
    if (!co_await Fill()) {
      co_return Broken(ResponseFlag::kDownstreamConnectionTermination, "downstream_remote_disconnect");
    }
  }
}

Task<bool> Http1ServerConnection::RequestBody::Fill() {
  Http1ServerConnection& connection = serving_.connection;
  const size_t most = BodyReadSize(connection.context_.options.buffer_limit);
  while (true) {
    // Once the response has begun, client and upstream may talk to each other as slowly as they like.
    const bool owed = (!serving_.head_sent && !serving_.continue_proxied) || serving_.finished;
    if (owed) connection.WaitFor(ClientPace::Side::kSends);
    co_await connection.stream_->Readable();
    connection.GoOn();
    const IoResult result = connection.stream_->Read(connection.input_, most);
    if (result.ok()) {
      if (!serving_.head_sent) connection.ArmIdle();
      co_return true;
    }
    if (result.kind != IoResult::Kind::kWouldBlock) co_return false;
  }
}

}  // namespace narthex
