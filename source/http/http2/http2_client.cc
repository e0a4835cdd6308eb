#include "source/http/http2/http2_client.h"

#include <algorithm>
#include <utility>

#include "source/http/http2/http2_client_connection.h"

namespace narthex {
namespace {

Http2Session::Settings SettingsOf(const ClientCodecOptions& options) {
  return {.role = Http2Session::Role::kClient,
          .options = options.http2,
          .max_header_kb = options.max_response_header_kb,
          .max_headers = options.max_headers,
          .buffer_limit = options.buffer_limit,
          .head_timeout = {},
          .delayed_close_timeout = {}};
}

}  // namespace

// Reads a response's body, which lets the upstream send more.
class Http2ClientConnection::ResponseBody final : public BodySource {
 public:
  explicit ResponseBody(std::unique_ptr<Http2ClientStream> stream) : stream_(std::move(stream)) {}

  Task<BodyPiece> Read() override {
    Http2ClientStream& stream = *stream_;
    while (stream.received.empty() && !stream.remote_ended && stream.error() == nullptr) {
      stream.readable.Reset();
      co_await stream.readable.Wait();
    }
    if (stream.received.empty() && !stream.remote_ended) {
      BodyPiece broken;
      broken.error = std::make_unique<ExchangeError>(*stream.error());
      co_return broken;
    }
    BodyPiece piece = stream.session.TakeReceived(stream);
    if (!piece.data.empty()) stream.BodyBegan();
    if (piece.end) stream.ReadOut();
    co_return piece;
  }

 private:
  std::unique_ptr<Http2ClientStream> stream_;
};

Http2ClientConnection::Http2ClientConnection(EventLoop& loop, std::unique_ptr<Stream> stream,
                                             ClientConnectionOwner& owner, const ClientCodecOptions& options,
                                             const Http2Stats& stats)
    : loop_(loop),
      owner_(owner),
      options_(options),
      session_(loop, std::move(stream), *this, stats, SettingsOf(options_)) {}

uint32_t Http2ClientConnection::room() const {
  if (!usable() || nghttp2_session_check_request_allowed(session_.raw()) == 0) return 0;
  const uint32_t theirs =
      nghttp2_session_get_remote_settings(session_.raw(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const uint32_t most = std::min(theirs, options_.http2.max_concurrent_streams);
  return most - std::min(most, active_);
}

Task<ClientConnection::Result> Http2ClientConnection::Send(Request request, std::optional<Request>* unsent) {
  Exchange& exchange = request.info();
  auto stream = std::make_unique<Http2ClientStream>(*this, exchange);
  ++requests_;
  while (stream->WaitsForSettings(request)) {
    stream->readable.Reset();
    co_await stream->readable.Wait();
  }
  if (stream->error() == nullptr && !stream->Begin(request)) {
    co_return ExchangeError{ResponseFlag::kLocalReset, "http2.invalid_header_field", false, {}};
  }
  while (!stream->answered()) {
    stream->readable.Reset();
    co_await stream->readable.Wait();
  }
  exchange.times.response_head = loop_.NowUs();
  if (stream->error() != nullptr && stream->received.empty()) {
    ExchangeError error = *stream->error();
    const bool no_answer = error.flag == ResponseFlag::kUpstreamConnectionTermination || error.retryable;
    if (unsent != nullptr && no_answer && !stream->body_given_away()) unsent->emplace(std::move(request));
    co_return error;
  }
  stream->HandOn(request);
  const bool tunnel = stream->StartTunnel(request);
  HeaderMap headers = std::move(stream->response_headers);
  const std::optional<uint64_t> length = stream->content_length;
  if (tunnel) {
    co_return Response(std::move(headers),
                       Body(Buffer(), std::make_unique<ResponseBody>(std::move(stream)), std::nullopt));
  }
  if (stream->no_payload || (stream->remote_ended && stream->received_bytes == 0 && !stream->trailers)) {
    const bool empty = !stream->no_payload && length.has_value();
    stream->Done();
    co_return Response(std::move(headers), empty ? Body(Buffer()) : Body());
  }
  if (stream->remote_ended && stream->received.size() == stream->received_bytes) {
    session_.Consume(*stream, stream->received.size());
    Body body(std::move(stream->received));
    if (stream->trailers != nullptr) body.set_trailers(std::move(stream->trailers));
    stream->Done();
    co_return Response(std::move(headers), std::move(body));
  }
  co_return Response(std::move(headers),
                     Body(Buffer(), std::make_unique<ResponseBody>(std::move(stream)), length));
}

void Http2ClientConnection::OnHead(Http2Stream& stream, Http2FieldReader& head, const Http2FieldError* error,
                                   bool end_stream) {
  if (error != nullptr) return session_.Malformed(stream, *error);
  const bool interim = head.headers.Get(Header::kStatus)[0] == '1';
  if (interim && end_stream) {
    return session_.Malformed(stream, {0, kHttp2Messaging, "an interim response that ends the stream"});
  }
  static_cast<Http2ClientStream&>(stream).TakeHead(head);
  if (end_stream) session_.EndInbound(stream);
}

void Http2ClientConnection::OnReady(Http2Stream& stream, uint8_t what) {
  static_cast<Http2ClientStream&>(stream).Advance(what);
}

// Those that stand in the list now: when one is woken, it may go, and others with it.
template <class Tell>
void Http2ClientConnection::ForEachStream(Tell tell) {
  std::vector<Http2ClientStream*> streams;
  for (Http2ClientStream* stream = first_; stream != nullptr; stream = stream->next)
    streams.push_back(stream);
  for (Http2ClientStream* stream : streams) {
    const auto listed = [&] {
      for (Http2ClientStream* s = first_; s != nullptr; s = s->next) {
        if (s == stream) return true;
      }
      return false;
    };
    if (listed()) tell(*stream);
  }
}

void Http2ClientConnection::OnTurn() {
  if (settings_known_ && !std::exchange(settings_told_, true)) {
    ForEachStream([](Http2ClientStream& stream) {
      if (stream.id < 0) stream.readable.Set();
    });
  }
  if (going_away_ && active_ == 0) return session_.Close(NGHTTP2_NO_ERROR, {});
  if (going_away_ && !std::exchange(going_away_told_, true)) return owner_.OnGoingAway(*this);
  const uint32_t before = std::exchange(room_told_, room());
  if (before == 0 && room_told_ > 0) owner_.OnIdle(*this);
}

void Http2ClientConnection::OnClosing(std::string_view failure) {
  // The others stay in the list until their holders have seen the error.
  ForEachStream([&](Http2ClientStream& stream) { stream.Lose(failure); });
}

void Http2ClientConnection::OnEnd(bool) {
  if (active_ > 0 && !std::exchange(going_away_told_, true)) owner_.OnGoingAway(*this);
  TellIfBroken();
}

void Http2ClientConnection::TellIfBroken() {
  if (closed() && active_ == 0 && !std::exchange(broken_told_, true)) owner_.OnBroken(*this);
}

void Http2ClientConnection::Add(Http2ClientStream& stream) {
  stream.next = first_;
  if (first_ != nullptr) first_->previous = &stream;
  first_ = &stream;
  ++active_;
  room_told_ = room();
}

void Http2ClientConnection::Remove(Http2ClientStream& stream, ExchangeEnd end) {
  (stream.previous == nullptr ? first_ : stream.previous->next) = stream.next;
  if (stream.next != nullptr) stream.next->previous = stream.previous;
  --active_;
  owner_.OnExchangeEnd(*this, stream.priority_, end);
  if (closed()) return TellIfBroken();
  // The peer's GOAWAY is answered when the loop's turn ends.
  if (going_away_) return session_.ScheduleTurn();
  room_told_ = room();
  if (room_told_ > 0) owner_.OnIdle(*this);
}

std::unique_ptr<ClientConnection> MakeHttp2ClientConnection(EventLoop& loop, std::unique_ptr<Stream> stream,
                                                            ClientConnectionOwner& owner,
                                                            const ClientCodecOptions& options,
                                                            const Http2Stats& stats) {
  auto connection = std::make_unique<Http2ClientConnection>(loop, std::move(stream), owner, options, stats);
  connection->Start();
  return connection;
}

}  // namespace narthex
