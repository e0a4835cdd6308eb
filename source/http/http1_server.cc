#include <algorithm>
#include <utility>

#include "source/http/http1_server_connection.h"

namespace narthex {

void Http1ServerConnection::OnTimer(void* self) {
  auto* connection = static_cast<Http1ServerConnection*>(self);
  Serving* serving = connection->serving_;
  if (serving != nullptr && serving->handler.waiting()) {
    serving->timed_out =
        connection->use_ == TimerUse::kHead ? Serving::TimedOut::kHead : Serving::TimedOut::kIdle;
    return serving->handler.Interrupt();
  }
  if (serving != nullptr) {
    // The response has begun, so there is nothing left to say: break the connection off.
    serving->exchange.AddFlag(ResponseFlag::kStreamIdleTimeout);
    serving->exchange.response_details = "stream_idle_timeout";
    connection->stream_->AbortOnClose();
  }
  connection->End();
}

// The idle wait stands in this frame and nowhere else: it is all that an idle connection keeps, without a
// buffer.
Task<void> Http1ServerConnection::Run() {
  do {
    while (input_.empty() && !client_gone_) {
      Arm(TimerUse::kIdle, context_.options.idle_timeout);
      co_await stream_->Readable();
      const IoResult result = stream_->Read(input_, kHttp1ReadSize);
      client_gone_ = !result.ok() && result.kind != IoResult::Kind::kWouldBlock;
    }
    if (client_gone_) break;
  } while (co_await ServeOne() && !draining_);
  timer_.Cancel();
  if (!client_gone_ && requests_ > 0) co_await Linger();
  ended_ = true;
  context_.on_end(context_.context);
}

// The whole life of one request; whether the connection may take another.
Task<bool> Http1ServerConnection::ServeOne() {
  Serving serving(*this);
  ++requests_;
  if (!co_await ReadHead(serving)) {
    if (client_gone_ || serving.response) co_return false;
    co_return co_await Respond(serving, Refusal(serving));
  }
  context_.handler.OnStart(serving.exchange);
  serving.started = true;
  Arm(TimerUse::kExchange, context_.options.stream_idle_timeout);
  Request request = MakeRequest(serving);
  if (!serving.body_done && context_.options.request_timeout.count() > 0) {
    serving.deadline.Arm(context_.options.request_timeout);
  }
  std::optional<Response> response =
      co_await Interruptible<Response>(context_.handler.Handle(std::move(request)), serving.handler);
  if (!response) response.emplace(TimeoutReply(serving));
  co_return co_await Respond(serving, std::move(*response));
}

// Parses the head from `input_`, reading more as needed. False: `serving.refused` says why, or the client has
// left.
Task<bool> Http1ServerConnection::ReadHead(Serving& serving) {
  Http1RequestParser parser(Limits());
  size_t wanted = 0;
  while (true) {
    if (input_.size() > wanted && input_.Linearize(std::min(input_.size(), Block::kSize))) {
      const std::string_view front = input_.Front();
      const Http1ParseResult result =
          parser.Parse({const_cast<char*>(front.data()), front.size()}, serving.head);
      if (result == Http1ParseResult::kDone) break;
      if (result == Http1ParseResult::kError) {
        serving.refused = parser.error();
        co_return false;
      }
      wanted = front.size();
    }
    if (wanted >= Block::kSize) {
      serving.refused = {431, "http1.headers_too_large"};
      co_return false;
    }
    if (use_ != TimerUse::kHead) Arm(TimerUse::kHead, HeadTimeout());
    if (!co_await MoreOfHead(serving)) co_return false;
  }
  if (serving.head.http_10 && !AcceptHttp10(serving.head)) {
    serving.refused = {426, "low_version"};
    co_return false;
  }
  serving.head.headers.Pin(input_.FrontBlock());
  input_.Consume(serving.head.size);
  serving.exchange.request_header_bytes = serving.head.size;
  serving.exchange.request_headers = std::move(serving.head.headers);
  serving.parsed = true;
  co_return true;
}

Task<bool> Http1ServerConnection::MoreOfHead(Serving& serving) {
  const auto readable = [](Stream& stream) -> Task<bool> {
    co_await stream.Readable();
    co_return true;
  };
  while (true) {
    if (!co_await Interruptible<bool>(readable(*stream_), serving.handler)) {
      serving.refused = {408, "request_header_timeout"};
      co_return false;
    }
    const IoResult result = stream_->Read(input_, kHttp1ReadSize);
    if (result.ok()) co_return true;
    if (result.kind == IoResult::Kind::kWouldBlock) continue;
    client_gone_ = true;
    co_return false;
  }
}

Request Http1ServerConnection::MakeRequest(Serving& serving) {
  const Framing framing = serving.head.framing;
  Exchange& exchange = serving.exchange;
  const bool has_length = framing.kind == Framing::Kind::kLength;
  if (framing.kind == Framing::Kind::kNone || (has_length && framing.length == 0)) {
    exchange.times.request_end = context_.loop.NowUs();
    return Request(has_length ? Body(Buffer()) : Body(), exchange);
  }
  if (has_length && input_.size() >= framing.length) {
    exchange.request_body_bytes = framing.length;
    exchange.times.request_end = context_.loop.NowUs();
    return Request(Body(input_.Take(framing.length)), exchange);
  }
  serving.body_done = false;
  serving.body_left = framing.length;
  serving.continue_pending = serving.head.expect_continue && input_.empty();
  std::optional<uint64_t> length;
  if (has_length) length = framing.length;
  return Request(Body(Buffer(), std::make_unique<RequestBody>(serving), length), exchange);
}

Response Http1ServerConnection::Refusal(Serving& serving) {
  serving.must_close = true;
  if (!serving.started) {
    serving.started = true;
    context_.handler.OnStart(serving.exchange);
  }
  const bool timeout = serving.refused.status == 408;
  const ResponseFlag flag = timeout ? ResponseFlag::kNone : ResponseFlag::kDownstreamProtocolError;
  return context_.handler.Refuse(serving.exchange, serving.refused.status,
                                 ExchangeError{flag, serving.refused.detail, false, {}});
}

Response Http1ServerConnection::TimeoutReply(Serving& serving) {
  serving.must_close = !serving.body_done;
  if (serving.timed_out == Serving::TimedOut::kRequest) {
    return context_.handler.Refuse(serving.exchange, 408,
                                   ExchangeError{ResponseFlag::kNone, "request_overall_timeout", false, {}});
  }
  const int status = serving.body_done ? 504 : 408;
  return context_.handler.Refuse(
      serving.exchange, status,
      ExchangeError{ResponseFlag::kStreamIdleTimeout, "stream_idle_timeout", false, {}});
}

bool Http1ServerConnection::MustClose(const Serving& serving) const {
  return draining_ || broken_ || serving.must_close || !serving.head.keep_alive ||
         (context_.options.max_requests_per_connection > 0 &&
          requests_ >= context_.options.max_requests_per_connection);
}

// Sends the response; whether the connection may take another request.
Task<bool> Http1ServerConnection::Respond(Serving& serving, Response response) {
  serving.response.emplace(std::move(response));
  Response& sending = *serving.response;
  // Whoever refused it found the message itself wrong: what follows it can't be trusted either.
  if (sending.status() == 400 && sending.local() != nullptr) serving.must_close = true;
  const bool no_body = serving.exchange.request_headers.Get(Header::kMethod) == "HEAD" ||
                       sending.status() == 204 || sending.status() == 304;
  ResponseFraming framing{
      .http_10 = serving.head.http_10,
      .no_body = no_body,
      .length = sending.body().length(),
      .close = MustClose(serving),
  };
  // HTTP/1.0 has no chunks: a body of unknown length ends with the connection (RFC 9112 section 6.3).
  const bool chunked = !no_body && !framing.length && !framing.http_10;
  if (!no_body && !framing.length && framing.http_10) framing.close = true;
  serving.must_close = framing.close;
  const size_t before = output_.size();
  if (!WriteResponseHead(sending.headers(), sending.status(), framing, output_)) {
    broken_ = true;
    co_return false;
  }
  Exchange& exchange = serving.exchange;
  exchange.response_header_bytes = output_.size() - before;
  exchange.response_status = sending.status();
  exchange.times.downstream_start = context_.loop.NowUs();
  serving.head_sent = true;
  const bool sent = no_body ? co_await Flush() : co_await SendBody(serving, chunked);
  if (!sent) co_return false;
  serving.finished = true;
  exchange.times.end = context_.loop.NowUs();
  if (serving.must_close) co_return false;
  co_return serving.body_done || co_await DiscardBody(serving);
}

Task<bool> Http1ServerConnection::SendBody(Serving& serving, bool chunked) {
  Body& body = serving.response->body();
  // Writing goes together with the head when the first piece is here; otherwise the head goes first.
  if (!body.complete() && body.buffered().empty() && !co_await Flush()) co_return false;
  while (true) {
    BodyPiece piece = co_await body.Read();
    if (piece.error != nullptr) {
      serving.exchange.AddFlag(piece.error->flag);
      serving.exchange.response_details = piece.error->detail;
      stream_->AbortOnClose();
      broken_ = true;
      serving.finished = true;
      co_return false;
    }
    serving.exchange.response_body_bytes += piece.data.size();
    if (chunked) {
      const bool trailers = piece.end && piece.trailers != nullptr && context_.options.enable_trailers;
      if (!piece.data.empty()) AppendChunk(std::move(piece.data), output_);
      if (piece.end) AppendLastChunk(trailers ? piece.trailers.get() : nullptr, output_);
    } else {
      output_.Append(std::move(piece.data));
    }
    if (piece.end) serving.response_trailers = std::move(piece.trailers);
    if (!co_await Flush()) co_return false;
    if (piece.end) co_return true;
    Arm(TimerUse::kExchange, context_.options.stream_idle_timeout);
  }
}

// Writes `output_` to the socket; false when the client is gone. A full socket is waited for as long as a
// stream may idle.
Task<bool> Http1ServerConnection::Flush() {
  while (true) {
    const IoResult result = stream_->Write(output_);
    if (result.ok()) co_return true;
    if (result.kind == IoResult::Kind::kError) {
      broken_ = true;
      client_gone_ = true;
      co_return false;
    }
    if (result.bytes > 0) Arm(TimerUse::kExchange, context_.options.stream_idle_timeout);
    co_await stream_->Writable();
  }
}

// Reads what is left of a request body that nobody wanted, if that is little, so that the connection can be
// kept.
Task<bool> Http1ServerConnection::DiscardBody(Serving& serving) {
  const uint64_t before = serving.exchange.request_body_bytes;
  if (serving.continue_pending) co_return false;  // the client was told to wait and may send nothing or all
  RequestBody rest(serving);
  while (serving.exchange.request_body_bytes - before < kHttp1MaxDiscard) {
    BodyPiece piece = co_await rest.Read();
    if (piece.error != nullptr) co_return false;
    if (piece.end) co_return true;
  }
  co_return false;
}

// Closes in good order: a reset would take back a response that the client has not read yet (RFC 9112
// section 9.6).
Task<void> Http1ServerConnection::Linger() {
  stream_->ShutdownWrite();
  input_.Clear();
  Arm(TimerUse::kIdle, context_.options.delayed_close_timeout);
  for (uint64_t discarded = 0; discarded < 16 * kHttp1MaxDiscard;) {
    co_await stream_->Readable();
    Buffer unwanted;
    const IoResult result = stream_->Read(unwanted, kHttp1ReadSize);
    if (result.ok()) discarded += result.bytes;
    if (!result.ok() && result.kind != IoResult::Kind::kWouldBlock) co_return;
  }
}

// HTTP/1.0 is served where the configuration says so, with a host of its choice when the request names none.
bool Http1ServerConnection::AcceptHttp10(RequestHead& head) const {
  const ServerCodecOptions& options = context_.options;
  if (!options.accept_http_10) return false;
  if (head.headers.Has(Header::kAuthority)) return true;
  if (options.default_host_for_http_10.empty()) return false;
  head.headers.Add(Header::kAuthority, options.default_host_for_http_10);
  return true;
}

std::chrono::milliseconds Http1ServerConnection::HeadTimeout() const {
  const ServerCodecOptions& options = context_.options;
  return options.request_headers_timeout.count() > 0 ? options.request_headers_timeout
                                                     : options.stream_idle_timeout;
}

Http1Limits Http1ServerConnection::Limits() const {
  Http1Limits limits;
  limits.max_head_bytes = std::min<size_t>(size_t{context_.options.max_header_kb} * 1024, Block::kSize - 1);
  limits.max_headers = context_.options.max_headers;
  return limits;
}

std::unique_ptr<ServerConnection> MakeHttp1ServerConnection(std::unique_ptr<Stream> stream,
                                                            ServerConnectionContext context) {
  return std::make_unique<Http1ServerConnection>(std::move(stream), context);
}

}  // namespace narthex
