#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/http/client_pace.h"
#include "source/http/http2/http2_session.h"
#include "source/http/server_codec.h"

namespace narthex {

class Http2ServerStream;

// An HTTP/2 connection from a client: its streams, and what is the connection's own to decide: when it idles,
// drains and ends.
class Http2ServerConnection final : public ServerConnection, private Http2Events {
 public:
  Http2ServerConnection(std::unique_ptr<Stream> stream, ServerConnectionContext context);
  ~Http2ServerConnection() override;
  void Start(Buffer received) { session_.Start(std::move(received)); }

  void Drain() override;
  void SayGoodbye() override;
  bool busy() const override { return first_ != nullptr || cut_off_; }
  CloseCause ended_by() const override { return ended_by_; }
  uint64_t idle_since() const override { return idle_ ? idle_since_ : 0; }
  void Close() override { session_.Abandon(); }
  void EndLate(const ReducedTimeouts& reduced) override;
  void Weigh(StreamAccounts& accounts) override;

  const ServerConnectionContext& context() const { return context_; }
  Http2Session& session() { return session_; }
  // A stream begins, or stops, to wait for the client to send its body.
  void WaitForBody();
  void GoOnWithBody();

 private:
  friend class Http2ServerStream;
  enum class Draining : uint8_t { kNo, kNoticed, kFinal };

  Http2Stream* OnNewStream(int32_t id) override;
  void OnHead(Http2Stream& stream, Http2FieldReader& head, const Http2FieldError* error,
              bool end_stream) override;
  void OnGoAway() override {}
  void OnPong(const uint8_t* opaque) override;
  void OnReady(Http2Stream& stream, uint8_t what) override;
  void OnTurn() override;
  void OnClosing(std::string_view failure) override;
  void OnEnd(bool remote) override;

  void FinishDrain();
  void BeginIdle();
  void WatchReceiver();
  bool ReceivesNothing();
  static void OnHighMemory(void* self, int32_t id);
  static void OnIdleTimer(void* self);
  static void OnLifetimeTimer(void* self);
  static int64_t Moved(void* self, ClientPace::Side side);
  static void OnSendsTooSlow(void* self);
  static void OnReceivesTooSlow(void* self);

  const ServerConnectionContext context_;
  Http2Session session_;
  Http2ServerStream* first_ = nullptr;
  Timer idle_timer_;      // between requests, and the patience of a drain
  Timer lifetime_timer_;  // max_connection_duration
  std::unique_ptr<ClientPace> sends_;
  std::unique_ptr<ClientPace> receives_;
  uint64_t requests_ = 0;
  // As the session's `written` was when the receiver's pace was last looked at, and when before that.
  uint64_t written_now_ = 0;
  uint64_t written_before_ = 0;
  uint64_t idle_since_ = 0;  // milliseconds of the loop's clock
  uint32_t bodies_awaited_ = 0;
  CloseCause ended_by_ = CloseCause::kLocal;
  Draining draining_ = Draining::kNo;
  bool idle_ = false;
  bool cut_off_ = false;  // requests were served when the connection ended
};

}  // namespace narthex
