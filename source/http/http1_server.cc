#include <optional>
#include <utility>

#include "source/coro/interruptible.h"
#include "source/event/timeout.h"
#include "source/http/chunked_decoder.h"
#include "source/http/http1_parser.h"
#include "source/http/http1_writer.h"
#include "source/http/server_codec.h"

namespace narthex {
namespace {

constexpr size_t kReadSize = Block::kSize;
// How much a body may be read ahead in one piece: bounds what one slow reader of a body holds.
constexpr size_t kBodyReadSize = 4 * Block::kSize;
// What an unread rest of a request body may cost to keep the connection; a longer one closes it.
constexpr uint64_t kMaxDiscard = 64 * 1024;

using Milliseconds = std::chrono::milliseconds;

// An HTTP/1.1 connection from a client (RFC 9112). One coroutine serves its requests one after the other.
class Http1ServerConnection final : public ServerConnection {
 public:
  Http1ServerConnection(std::unique_ptr<Stream> stream, ServerConnectionContext context)
      : context_(context),
        stream_(std::move(stream)),
        timer_(context.loop.wheel(), &Http1ServerConnection::OnTimer, this) {
    if (context_.options.max_connection_duration.count() > 0) {
      lifetime_ = std::make_unique<Timer>(
          context_.loop.wheel(), [](void* self) { static_cast<Http1ServerConnection*>(self)->Drain(); },
          this);
      lifetime_->Arm(context_.options.max_connection_duration);
    }
    WatchClient();
    root_ = Run();
    root_.Start();
  }

  void Drain() override {
    draining_ = true;
    // A connection between requests is closed now; a busy one after its response.
    if (!busy_ && input_.empty()) End();
  }
  bool busy() const override { return busy_; }

 private:
  class RequestBody;
  struct Serving;
  friend struct Serving;

  enum class TimerUse : uint8_t { kIdle, kHead, kExchange };

  Task<void> Run();
  Task<bool> ServeOne();
  Task<bool> ReadHead(Serving& serving);
  Task<bool> MoreOfHead(Serving& serving);
  Task<bool> Respond(Serving& serving, Response response);
  Task<bool> SendBody(Serving& serving, bool chunked);
  Task<bool> Flush();
  Task<bool> DiscardBody(Serving& serving);
  Task<void> Linger();
  Request MakeRequest(Serving& serving);
  Response Refusal(Serving& serving);
  Response TimeoutReply(Serving& serving);
  bool MustClose(const Serving& serving) const;
  bool AcceptHttp10(RequestHead& head) const;
  Milliseconds HeadTimeout() const;
  Http1Limits Limits() const;

  void WatchClient() {
    stream_->SetCloseHook([](void* self) { static_cast<Http1ServerConnection*>(self)->OnClientGone(); },
                          this);
  }
  // From the loop, while nobody reads: the client has left its exchange, or closed an idle connection.
  void OnClientGone() {
    client_gone_ = true;
    End();
  }
  // From the loop only: cancels whatever runs and reports the end.
  void End() {
    if (ended_) return;
    ended_ = true;
    root_.Cancel();
    context_.on_end(context_.context);
  }

  void Arm(TimerUse use, Milliseconds delay) {
    use_ = use;
    if (delay.count() > 0) {
      timer_.Arm(delay);
    } else {
      timer_.Cancel();
    }
  }
  static void OnTimer(void* self);

  ServerConnectionContext context_;
  std::unique_ptr<Stream> stream_;
  Buffer input_;
  Buffer output_;
  Timer timer_;
  std::unique_ptr<Timer> lifetime_;
  Serving* serving_ = nullptr;
  uint64_t requests_ = 0;
  TimerUse use_ = TimerUse::kIdle;
  bool busy_ = false;
  bool draining_ = false;
  bool client_gone_ = false;
  bool ended_ = false;   // on_end was called
  bool broken_ = false;  // a write failed or the peer's bytes can't be understood: close without more ado
  Task<void> root_;
};

// One exchange on the connection, from its first byte to the access log, which is written when it is
// destroyed.
struct Http1ServerConnection::Serving {
  explicit Serving(Http1ServerConnection& c)
      : connection(c),
        exchange(c.context_.loop, c.context_.facts),
        deadline(c.context_.loop.wheel(), &Serving::OnDeadline, this) {
    exchange.times.start = c.context_.loop.NowUs();
    exchange.times.start_wall = c.context_.loop.WallNow();
    exchange.client = c.context_.facts.remote;
    c.serving_ = this;
    exchange.SetInterim(&Serving::OnInterim, this);
    c.busy_ = true;
  }
  Serving(const Serving&) = delete;
  ~Serving() {
    connection.serving_ = nullptr;
    connection.busy_ = false;
    connection.timer_.Cancel();
    if (!started) return;
    if (!finished) {
      exchange.AddFlag(ResponseFlag::kDownstreamConnectionTermination);
      if (exchange.response_details.empty()) exchange.response_details = "downstream_remote_disconnect";
    }
    exchange.times.end = connection.context_.loop.NowUs();
    connection.context_.handler.OnEnd(exchange, parsed ? &exchange.request_headers : nullptr,
                                      response ? &response->headers() : nullptr, response_trailers.get());
  }

  enum class TimedOut : uint8_t { kNo, kHead, kIdle, kRequest };

  // request_timeout: the whole request was not read in time.
  static void OnDeadline(void* self) {
    auto* serving = static_cast<Serving*>(self);
    serving->timed_out = TimedOut::kRequest;
    serving->handler.Interrupt();
  }

  // A 1xx response of the upstream: sent at once, ahead of the response.
  static void OnInterim(void* self, const HeaderMap& headers) {
    auto* serving = static_cast<Serving*>(self);
    if (serving->head_sent || serving->head.http_10) return;
    int status = 0;
    for (const char digit : headers.Get(Header::kStatus)) status = status * 10 + (digit - '0');
    Http1ServerConnection& c = serving->connection;
    // What the socket does not take now goes with the response's first write.
    if (WriteInterimHead(headers, status, c.output_)) c.stream_->Write(c.output_);
  }

  Http1ServerConnection& connection;
  Exchange exchange;
  RequestHead head;
  ChunkedDecoder chunks;
  InterruptSlot handler;
  Timer deadline;
  std::optional<Response> response;
  std::unique_ptr<HeaderMap> response_trailers;
  uint64_t body_left = 0;  // of a request body with a length
  TimedOut timed_out = TimedOut::kNo;
  bool started = false;  // OnStart was called
  bool parsed = false;
  bool finished = false;          // the response was sent whole
  bool body_done = true;          // the request body was read to its end
  bool continue_pending = false;  // the client waits for 100 Continue
  bool head_sent = false;
  bool must_close = false;
  Http1ParseError refused;
};

// Reads a request's body from the connection, as the handler asks for it.
class Http1ServerConnection::RequestBody final : public BodySource {
 public:
  explicit RequestBody(Serving& serving) : serving_(serving) {}
  Task<BodyPiece> Read() override;

 private:
  // Takes what `input_` holds of the body; false when the bytes are not a chunked body.
  bool Decode(BodyPiece& piece);
  BodyPiece Broken(ResponseFlag flag, std::string detail);
  Task<bool> Fill();

  Serving& serving_;
};

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
      if (!co_await connection.Flush()) {
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
  co_await connection.stream_->Readable();
  while (true) {
    const IoResult result = connection.stream_->Read(connection.input_, kBodyReadSize);
    if (result.ok()) {
      if (!serving_.head_sent)
        connection.Arm(TimerUse::kExchange, connection.context_.options.stream_idle_timeout);
      co_return true;
    }
    if (result.kind != IoResult::Kind::kWouldBlock) co_return false;
    co_await connection.stream_->Readable();
  }
}

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
      const IoResult result = stream_->Read(input_, kReadSize);
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
    const IoResult result = stream_->Read(input_, kReadSize);
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
  while (serving.exchange.request_body_bytes - before < kMaxDiscard) {
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
  for (uint64_t discarded = 0; discarded < 16 * kMaxDiscard;) {
    co_await stream_->Readable();
    Buffer unwanted;
    const IoResult result = stream_->Read(unwanted, kReadSize);
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

Milliseconds Http1ServerConnection::HeadTimeout() const {
  const ServerCodecOptions& options = context_.options;
  return options.request_headers_timeout.count() > 0 ? options.request_headers_timeout
                                                     : options.stream_idle_timeout;
}

Http1Limits Http1ServerConnection::Limits() const {
  Http1Limits limits;
  limits.max_head_bytes = std::min<size_t>(size_t{context_.options.max_header_kb} * 1024, Block::kSize);
  limits.max_headers = context_.options.max_headers;
  return limits;
}

}  // namespace

std::unique_ptr<ServerConnection> MakeHttp1ServerConnection(std::unique_ptr<Stream> stream,
                                                            ServerConnectionContext context) {
  return std::make_unique<Http1ServerConnection>(std::move(stream), context);
}

}  // namespace narthex
