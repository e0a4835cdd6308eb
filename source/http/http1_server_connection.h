#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "source/coro/interruptible.h"
#include "source/event/timeout.h"
#include "source/http/chunked_decoder.h"
#include "source/http/client_pace.h"
#include "source/http/http1_parser.h"
#include "source/http/http1_tunnel.h"
#include "source/http/http1_writer.h"
#include "source/http/reason_phrase.h"
#include "source/http/server_codec.h"

namespace narthex {

inline constexpr size_t kHttp1ReadSize = Block::kSize;
// What an unread rest of a request body may cost to keep the connection; a longer one closes it.
inline constexpr uint64_t kHttp1MaxDiscard = 64 * 1024;

// An HTTP/1.1 connection from a client (RFC 9112). One coroutine serves its requests one after the other.
class Http1ServerConnection final : public ServerConnection {
 public:
  Http1ServerConnection(std::unique_ptr<Stream> stream, ServerConnectionContext context)
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

  void Drain() override {
    if (ended_by_ == CloseCause::kLocal) ended_by_ = CloseCause::kDrain;
    // A busy connection is closed after its response. Between requests, the next may be on its way already,
    // and its client would get a reset in place of the answer: it has the drain timeout to come.
    if (std::exchange(draining_, true) || busy_ || !input_.empty()) return;
    if (context_.options.drain_timeout.count() == 0) return End();
    idle_since_ = context_.loop.NowMs();
    Arm(TimerUse::kIdle, IdleDelay());
  }
  bool busy() const override { return busy_; }
  void SayGoodbye() override;
  CloseCause ended_by() const override { return client_gone_ ? CloseCause::kRemote : ended_by_; }
  uint64_t idle_since() const override {
    return busy_ || use_ == TimerUse::kLinger || !input_.empty() ? 0 : idle_since_;
  }
  void Close() override {
    End();
    // The descriptor goes at once: many are closed in one turn of the loop to make room for as many others.
    timer_.Cancel();
    stream_.reset();
  }

 private:
  class RequestBody;
  class TunnelBody;
  struct Serving;
  friend struct Serving;

  enum class TimerUse : uint8_t { kIdle, kHead, kExchange, kLinger };
  enum class HeadState : uint8_t { kComplete, kIncomplete, kRefused };
  enum class Flushed : uint8_t { kAll, kPart, kGone };

  Task<void> Run();
  bool AwaitsPreface();
  bool HandsOver();
  // Not inlined, or its frame, twenty times as large, becomes a part of Run's, which idle connections keep.
  [[gnu::noinline]] Task<bool> ServeOne();
  HeadState ParseHead(Serving& serving, Http1RequestParser& parser);
  Task<HeadState> ReadRestOfHead(Serving& serving, Http1RequestParser& parser);
  Task<bool> MoreOfHead(Serving& serving);
  bool Accept(Serving& serving);
  bool BeginResponse(Serving& serving, Response response);
  Task<bool> SendRest(Serving& serving);
  Task<bool> SendBody(Serving& serving);
  Task<void> FinishTunnel(Serving& serving);
  Flushed FlushNow();
  Task<bool> Flush();
  Task<bool> DiscardBody(Serving& serving);
  Task<void> Linger();
  Request MakeRequest(Serving& serving);
  Request OpenTunnel(Serving& serving);
  Response Refusal(Serving& serving);
  Response TimeoutReply(Serving& serving);
  bool LeavesBody(const Serving& serving, bool whole) const;
  bool MustClose(const Serving& serving);
  std::chrono::milliseconds HeadTimeout() const;
  std::chrono::milliseconds IdleTimeout() const;

  void WatchClient() {
    stream_->SetCloseHook([](void* self) { static_cast<Http1ServerConnection*>(self)->OnClientGone(); },
                          this);
  }
  // From the loop, while nobody reads: the client has left its exchange, or has only said that it will send
  // no more.
  void OnClientGone();
  // What was sent of the present response, as far as the socket took it.
  uint64_t SentBytes() const;
  // The client has closed its sending side within an exchange: it may wait for its answer (RFC 9112 section
  // 9.6) or be gone, and only the next write can tell. So the exchange goes on as long as it moves.
  void StartHalfClosed();
  static void OnHalfCloseTimer(void* self);
  // The same, as far as the client has received it; for differences.
  int64_t ReceivedBytes() const;
  // The exchange waits for the client to send its body, or to receive the response; Go on when it has moved.
  void WaitFor(ClientPace::Side side);
  void GoOn() {
    if (pace_ != nullptr) pace_->Go();
  }
  void StopPace() {
    if (pace_ != nullptr) pace_->Stop();
  }
  static int64_t Moved(void* self, ClientPace::Side side);
  static void OnTooSlow(void* self);
  // From the loop only: ends the connection in the midst of a response.
  void BreakOff(std::string_view detail);
  // How long an idle connection is left alone, and whether it may stay when that time is over.
  std::chrono::milliseconds IdleDelay() const;
  bool IdlesOn();
  // From the loop only: cancels whatever runs and reports the end.
  void End() {
    if (ended_) return;
    ended_ = true;
    const bool busy = busy_;
    root_.Cancel();
    busy_ = busy;
    context_.on_end(context_.context);
  }

  void Arm(TimerUse use, std::chrono::milliseconds delay) {
    use_ = use;
    if (delay.count() > 0) {
      timer_.Arm(delay);
    } else {
      timer_.Cancel();
    }
  }
  // The exchange has moved.
  void ArmIdle();
  static void OnTimer(void* self);

  ServerConnectionContext context_;
  std::unique_ptr<Stream> stream_;
  Buffer input_;
  Buffer output_;
  Timer timer_;
  std::unique_ptr<Timer> lifetime_;
  std::unique_ptr<Timer> half_closed_;
  std::unique_ptr<ClientPace> pace_;
  int64_t received_before_ = 0;  // ReceivedBytes() when half_closed_ was armed
  uint64_t idle_since_ = 0;      // milliseconds of the loop's clock
  size_t unreceived_ = 0;        // at the last look while idle
  Serving* serving_ = nullptr;
  uint64_t requests_ = 0;
  TimerUse use_ = TimerUse::kIdle;
  CloseCause ended_by_ = CloseCause::kLocal;
  bool busy_ = false;
  bool draining_ = false;
  bool client_gone_ = false;
  bool ended_ = false;   // on_end was called
  bool broken_ = false;  // a write failed or the peer's bytes can't be understood: close without more ado
  // A response was cut short: a FIN, before the reset, would make it look whole to a client of HTTP/1.0.
  bool aborted_ = false;
  bool protocol_known_ = false;
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
    exchange.OnIdleTimeout(&Serving::OnIdleChanged, this);
    c.busy_ = true;
  }
  Serving(const Serving&) = delete;
  ~Serving() {
    connection.serving_ = nullptr;
    connection.busy_ = false;
    connection.StopPace();
    if (!started) return;
    if (!finished) {
      exchange.AddFlag(ResponseFlag::kDownstreamConnectionTermination);
      if (exchange.response_details.empty()) exchange.response_details = "downstream_remote_disconnect";
    }
    exchange.times.end = connection.context_.loop.NowUs();
    connection.context_.handler.OnEnd(exchange, parsed ? &exchange.request_headers : nullptr,
                                      response ? &response->headers() : nullptr, response_trailers.get());
  }

  enum class TimedOut : uint8_t { kNo, kHead, kIdle, kRequest, kSlow };

  // request_timeout: the whole request was not read in time.
  static void OnDeadline(void* self) {
    auto* serving = static_cast<Serving*>(self);
    serving->timed_out = TimedOut::kRequest;
    serving->handler.Interrupt();
  }

  static void OnIdleChanged(void* self) { static_cast<Serving*>(self)->connection.ArmIdle(); }

  // A 1xx response of the upstream: sent at once, ahead of the response.
  static void OnInterim(void* self, const HeaderMap& headers) {
    auto* serving = static_cast<Serving*>(self);
    if (serving->head_sent || serving->head.http_10) return;
    const int status = ParseStatus(headers.Get(Header::kStatus));
    Http1ServerConnection& c = serving->connection;
    if (status == 100 && std::exchange(serving->continue_proxied, false)) c.WaitFor(ClientPace::Side::kSends);
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
  std::shared_ptr<Http1Tunnel> tunnel;  // null: no other protocol was asked for
  uint64_t body_left = 0;               // of a request body with a length
  TimedOut timed_out = TimedOut::kNo;
  bool started = false;  // OnStart was called
  bool parsed = false;
  bool finished = false;          // the response was sent whole
  bool body_done = true;          // the request body was read to its end
  bool continue_pending = false;  // the client waits for 100 Continue
  bool continue_proxied = false;  // it waits for the upstream's
  bool head_sent = false;
  bool chunked = false;    // the response is sent in chunks
  bool body_sent = false;  // all of the response is in `output_` or on its way
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

}  // namespace narthex
