#include <algorithm>
#include <string>
#include <utility>

#include "source/http/http1_head_rules.h"
#include "source/http/http1_serving.h"

namespace narthex {

Http1ServerConnection::Http1ServerConnection(std::unique_ptr<Stream> stream, ServerConnectionContext context)
    : context_(context),
      stream_(std::move(stream)),
      timer_(context.loop.wheel(), &Http1ServerConnection::OnTimer, this) {
  if (context_.options.max_connection_duration.count() > 0) {
    lifetime_ = std::make_unique<Timer>(
        context_.loop.wheel(),
        [](void* self) {
          auto* connection = static_cast<Http1ServerConnection*>(self);
          connection->ended_by_ = CloseCause::kMaxDuration;
          connection->Drain();
        },
        this);
    lifetime_->Arm(context_.options.max_connection_duration);
  }
  WatchClient();
  root_ = Run();
  root_.Start();
}

void Http1ServerConnection::Drain() {
  if (ended_by_ == CloseCause::kLocal) ended_by_ = CloseCause::kDrain;
  // A busy connection is closed after its response. Between requests, the next may be on its way already, and
  // its client would get a reset in place of the answer: it has the drain timeout to come.
  if (std::exchange(draining_, true) || busy_ || !input_.empty()) return;
  if (context_.options.drain_timeout.count() == 0) return End();
  idle_since_ = context_.loop.NowMs();
  Arm(TimerUse::kIdle, IdleDelay());
}

void Http1ServerConnection::Close() {
  End();
  // The descriptor goes at once: many are closed in one turn of the loop to make room for as many others.
  timer_.Cancel();
  stream_.reset();
}

void Http1ServerConnection::End() {
  if (ended_) return;
  ended_ = true;
  const bool busy = busy_;
  root_.Cancel();
  busy_ = busy;
  context_.on_end(context_.context);
}

void Http1ServerConnection::WatchClient() {
  stream_->SetCloseHook([](void* self) { static_cast<Http1ServerConnection*>(self)->OnClientGone(); }, this);
}

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
    while (input_.empty() && !client_gone_) {
      Arm(TimerUse::kIdle, IdleDelay());
      co_await stream_->Readable();
      const IoResult result = stream_->Read(input_, kHttp1ReadSize);
      client_gone_ = !result.ok() && result.kind != IoResult::Kind::kWouldBlock;
    }
    if (client_gone_) break;
  } while (co_await ServeOne() && !draining_);
  if (ended_) co_return;
  timer_.Cancel();
  if (!client_gone_ && !aborted_ && requests_ > 0) co_await Linger();
  ended_ = true;
  context_.on_end(context_.context);
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
  HeadState state = BeginHead(serving, parser);
  if (state == HeadState::kIncomplete) state = co_await ReadRestOfHead(serving, parser);
  if (state == HeadState::kHttp2) co_return false;
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

Request Http1ServerConnection::MakeRequest(Serving& serving) {
  const Framing framing = serving.head.framing;
  Exchange& exchange = serving.exchange;
  const bool has_length = framing.kind == Framing::Kind::kLength;
  const bool no_body = framing.kind == Framing::Kind::kNone || (has_length && framing.length == 0);
  const bool whole = no_body || (has_length && input_.size() >= framing.length);
  if (whole) serving.deadline.Cancel();
  if (serving.head.tunnel) return OpenTunnel(serving);
  if (no_body) {
    exchange.times.request_end = context_.loop.NowUs();
    return Request(has_length ? Body(Buffer()) : Body(), exchange);
  }
  if (whole) {
    exchange.request_body_bytes = framing.length;
    exchange.times.request_end = context_.loop.NowUs();
    return Request(Body(input_.Take(framing.length)), exchange);
  }
  serving.body_done = false;
  serving.StartDeadline();
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
  // An upstream that answered early may still be reading. One of the two can have the rest, and what was cut
  // short must not look whole to it: its connection, or stream, goes with the body of its response.
  serving.response->set_body(Body());
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
  if (context_.options.delayed_close_timeout.count() == 0) co_return;
  Arm(TimerUse::kLinger, context_.options.delayed_close_timeout);
  for (uint64_t discarded = 0; discarded < 16 * kHttp1MaxDiscard;) {
    co_await stream_->Readable();
    Buffer unwanted;
    const IoResult result = stream_->Read(unwanted, kHttp1ReadSize);
    if (result.ok()) discarded += result.bytes;
    if (!result.ok() && result.kind != IoResult::Kind::kWouldBlock) co_return;
  }
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
