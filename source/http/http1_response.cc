#include <utility>

#include "source/http/http1_serving.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

// Of a body with trailers none is said: only behind chunks is there a place for them (RFC 9112
// section 7.1.2).
std::optional<uint64_t> LengthToSay(const Body& body, bool may_send_trailers) {
  return may_send_trailers && body.trailers() != nullptr ? std::nullopt : body.length();
}

}  // namespace

// Whether the client will send more of a body that nobody wants than the connection is worth, or waits to be
// asked for it and may then send its next request in its place.
bool Http1ServerConnection::LeavesBody(const Serving& serving, bool whole) const {
  if (serving.body_done) return false;
  return serving.continue_pending || serving.continue_proxied ||
         (whole && serving.body_left > kHttp1MaxDiscard);
}

bool Http1ServerConnection::MustClose(const Serving& serving) {
  if (draining_ || broken_ || serving.must_close || !serving.head.keep_alive) return true;
  if (serving.exchange.close_connection) return true;
  const uint64_t most = context_.options.max_requests_per_connection;
  if (most == 0 || requests_ < most) return false;
  ended_by_ = CloseCause::kMaxRequests;
  return true;
}

// How the response goes out, and what becomes of the connection behind it.
ResponseFraming Http1ServerConnection::FrameResponse(Serving& serving) {
  Response& sending = *serving.response;
  const HeaderMap& request = serving.exchange.request_headers;
  // Whoever refused it found the message itself wrong: what follows it can't be trusted either, unless the
  // configuration says that it can. Where it ends is known, or the parser had refused it.
  const bool blames_request = sending.status() == 400 && sending.local() != nullptr;
  if (blames_request && !context_.options.keep_after_bad_request) serving.must_close = true;
  const bool tunnel = serving.tunnel != nullptr && OpensTunnel(request, sending.status());
  const bool upgrade = tunnel && sending.status() == kSwitchingProtocols;
  const bool no_body = !tunnel && (request.Get(Header::kMethod) == "HEAD" || sending.status() == 204 ||
                                   sending.status() == 304);
  // A client may have sent what belongs into the tunnel already, and that must not be read as its next
  // request.
  if (!tunnel && IsConnect(request)) serving.must_close = true;
  if (LeavesBody(serving, no_body || sending.body().complete())) serving.must_close = true;
  ResponseFraming framing{
      .http_10 = serving.head.http_10,
      .no_body = no_body,
      .length = LengthToSay(sending.body(), context_.options.enable_trailers && !serving.head.http_10),
      .close = tunnel || MustClose(serving),
      .upgrade = upgrade,
      .connect = tunnel && !upgrade,
  };
  if (tunnel) serving.tunnel->open = true;
  // HTTP/1.0 has no chunks: a body of unknown length ends with the connection (RFC 9112 section 6.3).
  serving.chunked = !no_body && !framing.length && !framing.http_10 && !tunnel;
  if (!no_body && !framing.length && framing.http_10) framing.close = true;
  serving.must_close = framing.close;
  serving.body_sent = no_body;
  return framing;
}

// Writes the head, and the body if it is here whole; false when the connection is done with. Otherwise either
// all of the response is sent and `serving.finished`, or SendRest goes on.
bool Http1ServerConnection::BeginResponse(Serving& serving, Response response) {
  serving.response.emplace(std::move(response));
  Response& sending = *serving.response;
  StopPace();
  const ResponseFraming framing = FrameResponse(serving);
  const size_t before = output_.size();
  if (!WriteResponseHead(sending.headers(), sending.status(), framing, output_)) {
    broken_ = true;
    return false;
  }
  Exchange& exchange = serving.exchange;
  exchange.response_header_bytes = output_.size() - before;
  exchange.response_status = sending.status();
  exchange.times.downstream_start = context_.loop.NowUs();
  serving.head_sent = true;
  if (!serving.body_sent && !serving.chunked && sending.body().complete() &&
      sending.body().trailers() == nullptr) {
    exchange.response_body_bytes = sending.body().buffered().size();
    output_.Append(sending.body().TakeBuffered());
    serving.body_sent = true;
  }
  // A piece of the body that is here goes together with the head.
  if (!serving.body_sent && !sending.body().buffered().empty()) return true;
  const Flushed flushed = FlushNow();
  serving.finished = flushed == Flushed::kAll && serving.body_sent;
  return flushed != Flushed::kGone;
}

// What BeginResponse could not send; false when the connection is done with.
Task<bool> Http1ServerConnection::SendRest(Serving& serving) {
  if (!output_.empty() && serving.body_sent && !co_await Flush()) co_return false;
  if (!serving.body_sent && !co_await SendBody(serving)) co_return false;
  serving.finished = true;
  co_return true;
}

Task<bool> Http1ServerConnection::SendBody(Serving& serving) {
  Body& body = serving.response->body();
  while (true) {
    // Nothing of the body may be asked for while what was written before waits for the client.
    if (body.buffered().empty() && !output_.empty() && !co_await Flush()) co_return false;
    BodyPiece piece = co_await body.Read();
    if (piece.error != nullptr) {
      serving.exchange.AddFlag(piece.error->flag);
      serving.exchange.response_details = piece.error->detail;
      stream_->AbortOnClose();
      broken_ = aborted_ = true;
      serving.finished = true;
      co_return false;
    }
    serving.exchange.response_body_bytes += piece.data.size();
    if (serving.tunnel != nullptr) serving.tunnel->watch.ToClient(piece.data);
    if (serving.chunked) {
      const bool trailers = piece.end && piece.trailers != nullptr && context_.options.enable_trailers;
      if (!piece.data.empty()) AppendChunk(std::move(piece.data), output_);
      if (piece.end) AppendLastChunk(trailers ? piece.trailers.get() : nullptr, output_);
    } else {
      output_.Append(std::move(piece.data));
    }
    if (piece.end) serving.response_trailers = std::move(piece.trailers);
    const Flushed flushed = FlushNow();
    if (flushed == Flushed::kGone || (flushed == Flushed::kPart && !co_await Flush())) co_return false;
    if (piece.end) co_return true;
    ArmIdle();
  }
}

Http1ServerConnection::Flushed Http1ServerConnection::FlushNow() {
  const IoResult result = stream_->Write(output_);
  if (result.ok()) return Flushed::kAll;
  if (result.kind == IoResult::Kind::kError) {
    broken_ = true;
    client_gone_ = true;
    return Flushed::kGone;
  }
  if (result.bytes > 0) ArmIdle();
  return Flushed::kPart;
}

// Writes `output_` to the socket; false when the client is gone. A full socket is waited for as long as a
// stream may idle.
Task<bool> Http1ServerConnection::Flush() {
  while (true) {
    const Flushed flushed = FlushNow();
    if (flushed != Flushed::kPart) co_return flushed == Flushed::kAll;
    WaitFor(ClientPace::Side::kReceives);
    co_await stream_->Writable();
    GoOn();
  }
}

}  // namespace narthex
