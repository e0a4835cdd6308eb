#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "source/coro/task.h"
#include "source/event/timeout.h"
#include "source/http/client_pace.h"
#include "source/http/http1_parser.h"
#include "source/http/http1_writer.h"
#include "source/http/server_codec.h"

namespace narthex {

inline constexpr size_t kHttp1ReadSize = Block::kSize;
// What an unread rest of a request body may cost to keep the connection; a longer one closes it.
inline constexpr uint64_t kHttp1MaxDiscard = 64 * 1024;

// An HTTP/1.1 connection from a client (RFC 9112). One coroutine serves its requests one after the other.
class Http1ServerConnection final : public ServerConnection {
 public:
  Http1ServerConnection(std::unique_ptr<Stream> stream, ServerConnectionContext context);

  void Drain() override;
  bool busy() const override { return busy_; }
  void SayGoodbye() override;
  CloseCause ended_by() const override { return client_gone_ ? CloseCause::kRemote : ended_by_; }
  uint64_t idle_since() const override {
    return busy_ || use_ == TimerUse::kLinger || !input_.empty() ? 0 : idle_since_;
  }
  void Close() override;
  void EndLate(const ReducedTimeouts& reduced) override;
  void Weigh(StreamAccounts& accounts) override;

 private:
  class RequestBody;
  class TunnelBody;
  struct Serving;
  friend struct Serving;

  enum class TimerUse : uint8_t { kIdle, kHead, kExchange, kLinger };
  enum class HeadState : uint8_t { kComplete, kIncomplete, kRefused, kHttp2 };
  enum class Flushed : uint8_t { kAll, kPart, kGone };

  Task<void> Run();
  bool MayBePreface();
  bool HandsOver();
  // Not inlined, or its frame, twenty times as large, becomes a part of Run's, which idle connections keep.
  [[gnu::noinline]] Task<bool> ServeOne();
  HeadState BeginHead(Serving& serving, Http1RequestParser& parser);
  HeadState ParseHead(Serving& serving, Http1RequestParser& parser);
  Task<HeadState> ReadRestOfHead(Serving& serving, Http1RequestParser& parser);
  Task<bool> MoreOfHead(Serving& serving);
  bool Accept(Serving& serving);
  ResponseFraming FrameResponse(Serving& serving);
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

  void WatchClient();
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
  void BreakOff(std::string_view detail, ResponseFlag flag = ResponseFlag::kStreamIdleTimeout);
  static void OnHighMemory(void* self, int32_t stream);
  // How long an idle connection is left alone, and whether it may stay when that time is over.
  std::chrono::milliseconds IdleDelay() const;
  bool IdlesOn();
  // From the loop only: cancels whatever runs and reports the end.
  void End();

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
  bool ended_ = false;   // on_end was called, or the client speaks HTTP/2
  bool broken_ = false;  // a write failed or the peer's bytes can't be understood: close without more ado
  // A response was cut short: a FIN, before the reset, would make it look whole to a client of HTTP/1.0.
  bool aborted_ = false;
  bool protocol_known_ = false;
  Task<void> root_;
};

}  // namespace narthex
