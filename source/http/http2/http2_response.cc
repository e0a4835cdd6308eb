#include <utility>

#include "source/http/http2/http2_server_stream.h"
#include "source/http/reason_phrase.h"
#include "source/http/websocket_handshake.h"

namespace narthex {
namespace {

size_t BytesOf(const Http2Fields& fields) {
  size_t bytes = 0;
  for (const nghttp2_nv& field : fields) bytes += field.namelen + field.valuelen;
  return bytes;
}

}  // namespace

bool Http2ServerStream::BeginResponse(Response response) {
  if (extended_ && response.status() / 100 == 2) response = WithoutTunnel(response.status());
  if (extended_ && response.status() == kSwitchingProtocols) {
    response.set_status(200);
    response.headers().Remove(kWebSocketAccept);
  }
  response_.emplace(std::move(response));
  const Response& sending = *response_;
  const bool opens = tunnel_ != nullptr && sending.status() / 100 == 2;
  const bool no_body = !opens && (exchange_.request_headers.Get(Header::kMethod) == "HEAD" ||
                                  sending.status() == 204 || sending.status() == 304);
  const bool whole = no_body || response_->body().empty();
  Http2Fields& fields = session.scratch();
  const Http2ResponseFraming framing{.no_body = no_body, .length = response_->body().length()};
  if (!WriteHttp2Response(sending.headers(), sending.status(), framing, fields) ||
      !session.SubmitResponse(*this, fields, !whole)) {
    EndWith(ResponseFlag::kLocalReset, "http2.invalid_response_header");
    session.Reset(*this, NGHTTP2_INTERNAL_ERROR);
    return false;
  }
  exchange_.response_header_bytes = BytesOf(fields);
  exchange_.response_status = sending.status();
  exchange_.times.downstream_start = session.loop().NowUs();
  head_sent_ = true;
  AwaitBodyNoMore();
  deadline_.Cancel();
  send_ended = whole;
  Touch();
  return true;
}

Task<void> Http2ServerStream::SendBody() {
  Body& body = response_->body();
  while (true) {
    // Nothing of the body is asked for while what came before waits for the client.
    while (!to_send.empty()) {
      sendable.Reset();
      co_await sendable.Wait();
    }
    BodyPiece piece = co_await body.Read();
    if (piece.error != nullptr) {
      EndWith(piece.error->flag, piece.error->detail);
      session.Reset(*this, NGHTTP2_INTERNAL_ERROR);
      co_return;
    }
    exchange_.response_body_bytes += piece.data.size();
    if (watch_) watch_->ToClient(piece.data);
    if (piece.end) response_trailers_ = std::move(piece.trailers);
    Touch();
    given_to_send_ = session.loop().NowMs();
    session.Send(*this, std::move(piece.data), piece.end, response_trailers_.get());
    if (piece.end) co_return;
  }
}

void Http2ServerStream::SendContinue() {
  if (!std::exchange(continue_pending_, false) || head_sent_) return;
  HeaderMap headers;
  headers.AddView(Header::kStatus, "100");
  OnInterim(this, headers);
}

// A 1xx response of the upstream, or our own 100: goes ahead of the response.
void Http2ServerStream::OnInterim(void* self, const HeaderMap& headers) {
  auto* stream = static_cast<Http2ServerStream*>(self);
  if (stream->head_sent_) return;
  Http2Fields& fields = stream->session.scratch();
  if (WriteHttp2Interim(headers, fields)) stream->session.SubmitInterim(*stream, fields);
}

}  // namespace narthex
