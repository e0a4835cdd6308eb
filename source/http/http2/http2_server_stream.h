#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "source/coro/interruptible.h"
#include "source/http/http2/http2_server_connection.h"
#include "source/http/tunnel_watch.h"

namespace narthex {

// One exchange on a connection, from its head to the access log, which is written when it is destroyed.
class Http2ServerStream final : public Http2Stream, public FromFramePool {
 public:
  explicit Http2ServerStream(Http2ServerConnection& connection);
  ~Http2ServerStream();

  // From inside nghttp2: takes the fields, or why the request is refused.
  void TakeHead(Http2FieldReader& head, const Http2FieldError* error);
  // Goes on with what has happened. False when the stream is over and has to be destroyed.
  bool Advance(uint8_t what);
  // As ServerConnection::SayGoodbye; what it says is to be sent by the session's next turn.
  void SayGoodbye();
  // The connection ends under it; `failure` as in Http2Events::OnClosing.
  void CutOff(std::string_view failure);
  // The client is too slow; answers the request when it is one of those whose body it owes.
  void OnTooSlow();
  // The client reads too little; ends the stream when it has waited for that long enough.
  void OnNotRead();
  // See ServerConnection::EndLate.
  void EndIfLate(const ReducedTimeouts& reduced);
  // What is kept in memory for it.
  size_t Held();
  // It holds too much.
  void OnHighMemory();

  Http2ServerStream* next = nullptr;  // of the connection's streams
  Http2ServerStream* previous = nullptr;

 private:
  class RequestBody;
  enum class TimedOut : uint8_t { kNo, kIdle, kRequest, kSlow };

  Task<void> Serve();
  Request MakeRequest();
  Response Refusal();
  Response TimeoutReply();
  // False when the response can't be sent.
  bool BeginResponse(Response response);
  Task<void> SendBody();
  void Begin();
  void Finished();
  void OnOver();
  bool UploadGoesOn();
  void EndUpload();
  void AwaitBody();
  void AwaitBodyNoMore();
  // The exchange has moved.
  void Touch();
  void EndWith(ResponseFlag flag, std::string_view detail);
  void BreakOff(ResponseFlag flag, std::string_view detail, uint32_t code);
  std::chrono::milliseconds IdleTimeout() const;
  void SendContinue();
  void TakeConnect();
  Response WithoutTunnel(int status);
  static void OnIdleTimer(void* self);
  static void OnDeadline(void* self);
  static void OnInterim(void* self, const HeaderMap& headers);
  static void OnIdleChanged(void* self) { static_cast<Http2ServerStream*>(self)->Touch(); }

  Http2ServerConnection& connection_;
  const uint64_t began_;        // milliseconds of the loop's clock
  uint64_t given_to_send_ = 0;  // when `to_send` was
  Exchange exchange_;
  Http2FieldError refusal_;
  InterruptSlot handler_;
  Timer idle_timer_;
  Timer deadline_;
  bool body_awaited_ = false;  // counted by the connection; outlives the response, whose body may read ours
  bool closed_ = false;        // the client has no part in it any more
  std::optional<Response> response_;
  std::unique_ptr<HeaderMap> response_trailers_;
  TimedOut timed_out_ = TimedOut::kNo;
  bool parsed_ = false;
  bool started_ = false;           // OnStart was called
  bool settled_ = false;           // what became of it is in the exchange
  bool continue_pending_ = false;  // the client waits for 100 Continue
  bool head_sent_ = false;
  // Of a CONNECT, else null: this, for the body, which may outlive it.
  std::shared_ptr<Http2ServerStream*> tunnel_;
  bool extended_ = false;             // the CONNECT asks for another protocol
  bool goodbye_ = false;              // the gateway has the last word in place of the client
  std::optional<TunnelWatch> watch_;  // set with tunnel_
  bool upload_over_ = false;          // nobody reads what the client sends through the tunnel any more
  Task<void> root_;
};

}  // namespace narthex
