#include <algorithm>
#include <string>
#include <utility>

#include "source/http/http1_head_rules.h"
#include "source/http/http1_server_connection.h"
#include "source/http/long_head.h"

namespace narthex {
namespace {

constexpr size_t kParkedHead = 1024;
// RFC 9113 section 3.4.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace

void Http1ServerConnection::OnTimer(void* self) {
  auto* connection = static_cast<Http1ServerConnection*>(self);
  Serving* serving = connection->serving_;
  if (serving != nullptr && serving->handler.waiting()) {
    serving->timed_out =
        connection->use_ == TimerUse::kHead ? Serving::TimedOut::kHead : Serving::TimedOut::kIdle;
    return serving->handler.Interrupt();
  }
  if (connection->use_ == TimerUse::kIdle && connection->IdlesOn()) return;
  if (connection->use_ == TimerUse::kIdle && !connection->draining_) {
    connection->ended_by_ = CloseCause::kIdleTimeout;
  }
  connection->BreakOff("stream_idle_timeout");
}

void Http1ServerConnection::OnClientGone() {
  // A tunnel's end is read from it, behind what still waits there.
  if (serving_ != nullptr && serving_->tunnel != nullptr && serving_->tunnel->open && !stream_->Failed()) {
    return WatchClient();
  }
  const bool may_wait = serving_ != nullptr && context_.options.half_close_timeout.count() > 0;
  if (may_wait && !stream_->Failed()) {
    WatchClient();  // a reset may still come
    return StartHalfClosed();
  }
  client_gone_ = true;
  End();
}

// The idle wait stands in this frame and nowhere else: it is all that an idle connection keeps, without a
// buffer.
Task<void> Http1ServerConnection::Run() {
  do {
    idle_since_ = context_.loop.NowMs();
    unreceived_ = 0;
    while ((input_.empty() || AwaitsPreface()) && !client_gone_) {
      if (input_.empty()) Arm(TimerUse::kIdle, IdleDelay());
      co_await stream_->Readable();
      const IoResult result = stream_->Read(input_, kHttp1ReadSize);
      client_gone_ = !result.ok() && result.kind != IoResult::Kind::kWouldBlock;
    }
    if (client_gone_) break;
    if (!protocol_known_ && HandsOver()) co_return;
  } while (co_await ServeOne() && !draining_);
  timer_.Cancel();
  if (!client_gone_ && !aborted_ && requests_ > 0) co_await Linger();
  ended_ = true;
  context_.on_end(context_.context);
}

// Whether the first bytes may become HTTP/2's preface and are too few to tell.
bool Http1ServerConnection::AwaitsPreface() {
  if (protocol_known_ || context_.on_protocol == nullptr) return false;
  if (input_.size() >= kPreface.size() || !kPreface.starts_with(input_.Front())) return false;
  Arm(TimerUse::kHead, HeadTimeout());
  return true;
}

// Whether the client turns out to speak HTTP/2; then there is nothing left to do here.
bool Http1ServerConnection::HandsOver() {
  protocol_known_ = true;
  if (context_.on_protocol == nullptr) return false;
  const bool http2 =
      input_.Linearize(std::min(input_.size(), kPreface.size())) && input_.Front().starts_with(kPreface);
  timer_.Cancel();
  if (!http2) {
    context_.on_protocol(context_.context, nullptr, {});
    return false;
  }
  ended_ = true;
  lifetime_.reset();
  stream_->SetCloseHook(nullptr, nullptr);
  context_.on_protocol(context_.context, std::move(stream_), std::move(input_));
  return true;
}

// The whole life of one request; whether the connection may take another.
//
// What can be done at once is done by plain functions, and a coroutine is entered only where there is
// something to wait for: the usual request has its head in the first read, and its response goes out in one
// write.
Task<bool> Http1ServerConnection::ServeOne() {
  Serving serving(*this);
  ++requests_;
  Http1RequestParser parser(HeadLimits(context_.options));
  HeadState state = ParseHead(serving, parser);
  if (state == HeadState::kIncomplete) state = co_await ReadRestOfHead(serving, parser);
  std::optional<Response> response;
  if (state == HeadState::kComplete && Accept(serving)) {
    response =
        co_await Interruptible<Response>(context_.handler.Handle(MakeRequest(serving)), serving.handler);
    if (!response) response.emplace(TimeoutReply(serving));
    if (client_gone_) {
      // Its request will never be whole, and nobody waits for an answer.
      serving.exchange.response_status = 0;
      co_return false;
    }
  } else {
    if (client_gone_) co_return false;
    ArmIdle();
    response.emplace(Refusal(serving));
  }
  if (!BeginResponse(serving, *std::move(response))) co_return false;
  if (!serving.finished && !co_await SendRest(serving)) co_return false;
  if (serving.tunnel != nullptr && serving.tunnel->open) co_await FinishTunnel(serving);
  serving.exchange.times.end = context_.loop.NowUs();
  if (serving.must_close) co_return false;
  co_return serving.body_done || co_await DiscardBody(serving);
}

// Parses the head from what is in `input_`. When it is refused, `serving.refused` says why.
Http1ServerConnection::HeadState Http1ServerConnection::ParseHead(Serving& serving,
                                                                  Http1RequestParser& parser) {
  if (!input_.Linearize(std::min(input_.size(), Block::kSize))) return HeadState::kIncomplete;
  const std::string_view front = input_.Front();
  const Http1ParseResult result = parser.Parse({const_cast<char*>(front.data()), front.size()}, serving.head);
  if (result == Http1ParseResult::kDone) {
    serving.head.headers.Pin(input_.FrontBlock());
    input_.Consume(serving.head.size);
    return HeadState::kComplete;
  }
  if (result == Http1ParseResult::kError) {
    serving.refused = parser.error();
    return HeadState::kRefused;
  }
  return HeadState::kIncomplete;
}

// Reads on until the head is whole, refused or late, or the client has left.
Task<Http1ServerConnection::HeadState> Http1ServerConnection::ReadRestOfHead(Serving& serving,
                                                                             Http1RequestParser& parser) {
  Arm(TimerUse::kHead, HeadTimeout());
  while (input_.size() < Block::kSize) {
    if (!co_await MoreOfHead(serving)) co_return HeadState::kRefused;
    const HeadState state = ParseHead(serving, parser);
    if (state != HeadState::kIncomplete) co_return state;
  }
  for (std::string gathered;;) {
    const Http1ParseResult result = ParseLongHead(parser, gathered, input_, serving.head);
    if (result == Http1ParseResult::kDone) co_return HeadState::kComplete;
    if (result == Http1ParseResult::kError) {
      serving.refused = parser.error();
      co_return HeadState::kRefused;
    }
    if (!co_await MoreOfHead(serving)) co_return HeadState::kRefused;
  }
}

// Takes over a parsed head; false when it is refused for what it says.
bool Http1ServerConnection::Accept(Serving& serving) {
  const bool serves_http_10 = context_.options.accept_http_10;
  if (serving.head.http_10 && serves_http_10) serving.exchange.protocol = "HTTP/1.0";
  if (std::optional<Http1ParseError> refused = RefuseHead(context_.options, serving.head)) {
    serving.refused = *std::move(refused);
    return false;
  }
  if (serving.head.expect_continue && context_.options.proxy_100_continue) {
    // Whether the body is wanted is the upstream's to say.
    serving.head.expect_continue = false;
    serving.continue_proxied = true;
    serving.head.headers.Add(Header::kExpect, "100-continue");
  }
  serving.exchange.request_header_bytes = serving.head.size;
  serving.exchange.request_headers = std::move(serving.head.headers);
  serving.parsed = true;
  context_.handler.OnStart(serving.exchange);
  serving.started = true;
  ArmIdle();
  if (stream_->closed()) StartHalfClosed();
  return true;
}

Task<bool> Http1ServerConnection::MoreOfHead(Serving& serving) {
  const auto readable = [](Stream& stream) -> Task<bool> {
    co_await stream.Readable();
    co_return true;
  };
  while (true) {
    // Tried before waiting: a reset that came together with the first bytes brings no edge of its own.
    const IoResult result = stream_->Read(input_, kHttp1ReadSize);
    if (result.ok()) co_return true;
    if (result.kind != IoResult::Kind::kWouldBlock) {
      client_gone_ = true;
      co_return false;
    }
    // Kept aside meanwhile, if it is little: the beginnings of heads must not cost a block each.
    std::string beginning;
    if (input_.size() <= kParkedHead) {
      beginning = input_.ToString();
      input_.Clear();
    }
    const std::optional<bool> more = co_await Interruptible<bool>(readable(*stream_), serving.handler);
    input_.Append(beginning);
    if (!more) {
      serving.refused = {408, "request_header_timeout"};
      co_return false;
    }
  }
}

Request Http1ServerConnection::MakeRequest(Serving& serving) {
  const Framing framing = serving.head.framing;
  Exchange& exchange = serving.exchange;
  const bool has_length = framing.kind == Framing::Kind::kLength;
  if (serving.head.tunnel) return OpenTunnel(serving);
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
  if (context_.options.request_timeout.count() > 0) serving.deadline.Arm(context_.options.request_timeout);
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
  const bool slow = serving.timed_out == Serving::TimedOut::kSlow;
  const std::string_view detail = slow ? kClientTooSlow : "stream_idle_timeout";
  const int status = serving.body_done ? 504 : 408;
  return context_.handler.Refuse(
      serving.exchange, status,
      ExchangeError{ResponseFlag::kStreamIdleTimeout, std::string(detail), false, {}});
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
  Arm(TimerUse::kLinger, context_.options.delayed_close_timeout);
  for (uint64_t discarded = 0; discarded < 16 * kHttp1MaxDiscard;) {
    co_await stream_->Readable();
    Buffer unwanted;
    const IoResult result = stream_->Read(unwanted, kHttp1ReadSize);
    if (result.ok()) discarded += result.bytes;
    if (!result.ok() && result.kind != IoResult::Kind::kWouldBlock) co_return;
  }
}

std::chrono::milliseconds Http1ServerConnection::HeadTimeout() const {
  const ServerCodecOptions& options = context_.options;
  return options.request_headers_timeout.count() > 0 ? options.request_headers_timeout
                                                     : options.stream_idle_timeout;
}

// How long a connection may wait for its next request.
std::chrono::milliseconds Http1ServerConnection::IdleTimeout() const {
  const ServerCodecOptions& options = context_.options;
  if (!draining_) return options.idle_timeout;
  const auto soon = std::max(options.drain_timeout, std::chrono::milliseconds(1));
  return options.idle_timeout.count() > 0 ? std::min(options.idle_timeout, soon) : soon;
}

std::unique_ptr<ServerConnection> MakeHttp1ServerConnection(std::unique_ptr<Stream> stream,
                                                            ServerConnectionContext context) {
  return std::make_unique<Http1ServerConnection>(std::move(stream), context);
}

}  // namespace narthex
