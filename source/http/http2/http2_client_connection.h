#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/http/client_codec.h"
#include "source/http/held_bytes.h"
#include "source/http/http2/http2_session.h"

namespace narthex {

class Http2ClientStream;

// An HTTP/2 connection to an upstream.
class Http2ClientConnection final : public ClientConnection, private Http2Events {
 public:
  Http2ClientConnection(EventLoop& loop, std::unique_ptr<Stream> stream, ClientConnectionOwner& owner,
                        const ClientCodecOptions& options, const Http2Stats& stats);
  void Start() { session_.Start(); }

  Task<Result> Send(Request request, std::optional<Request>* unsent) override;
  bool usable() const override { return session_.open() && !going_away_; }
  uint32_t room() const override;
  uint32_t active() const override { return active_; }
  bool multiplexes() const override { return true; }
  std::string_view protocol() const override { return "HTTP/2"; }
  uint64_t requests_sent() const override { return requests_; }
  StreamBytes bytes() const override { return session_.bytes(); }

  Http2Session& session() { return session_; }
  bool closed() const { return !session_.open(); }

 private:
  friend class Http2ClientStream;
  class ResponseBody;

  Http2Stream* OnNewStream(int32_t) override { return nullptr; }
  void OnHead(Http2Stream& stream, Http2FieldReader& head, const Http2FieldError* error,
              bool end_stream) override;
  void OnGoAway() override { going_away_ = true; }
  void OnPong(const uint8_t*) override {}
  void OnSettings() override { settings_known_ = true; }
  void OnReady(Http2Stream& stream, uint8_t what) override;
  void OnTurn() override;
  void OnClosing(std::string_view failure) override;
  void OnEnd(bool remote) override;

  template <class Tell>
  void ForEachStream(Tell tell);
  void Add(Http2ClientStream& stream);
  // The stream's exchange is over.
  void Remove(Http2ClientStream& stream, ExchangeEnd end);
  void TellIfBroken();

  EventLoop& loop_;
  ClientConnectionOwner& owner_;
  const ClientCodecOptions options_;
  Http2Session session_;
  Http2ClientStream* first_ = nullptr;
  uint32_t active_ = 0;
  uint32_t room_told_ = 0;  // when the owner last had the chance to see it
  uint64_t requests_ = 0;
  bool settings_known_ = false;  // the peer's first ones have come
  bool settings_told_ = false;   // to those who wait for them
  bool going_away_ = false;
  bool going_away_told_ = false;
  bool broken_told_ = false;
};

// One exchange on the connection. Held by Send's frame, then by the response's body; destroying it before the
// response's end resets the stream.
class Http2ClientStream final : public Http2Stream, public FromFramePool {
 public:
  Http2ClientStream(Http2ClientConnection& connection, Exchange& exchange);
  ~Http2ClientStream();

  // Submits the request; its body stays where it is, or is pumped when it is not complete. False: its fields
  // can't be sent.
  bool Begin(Request& request);
  // From inside nghttp2.
  void TakeHead(Http2FieldReader& head);
  void Advance(uint8_t what);
  // The connection is gone.
  void Lose(std::string_view cause);
  // The error that ended the stream before its response did; null when none has.
  const ExchangeError* error() const { return error_ ? &*error_ : nullptr; }
  // Something has been decided: the head is here, or an error.
  bool answered() const { return head_done || error_.has_value(); }
  bool body_given_away() const { return body_given_away_; }
  // It asks for another protocol, and whether the upstream takes that is not known yet.
  bool WaitsForSettings(const Request& request) const;
  // The upstream has agreed to the protocol that was asked for.
  bool StartTunnel(Request& request);
  // The response's head is handed on; takes what is still being sent of `request`.
  void HandOn(Request& request);
  // All of the response was handed on. In a tunnel the client may still be sending.
  void ReadOut();
  // The first bytes of the response's body are here.
  void BodyBegan() {
    if (exchange_.times.response_body == 0) exchange_.times.response_body = session.loop().NowUs();
  }
  // The exchange is over: connection and session have nothing to do with this any more, and may go before it.
  void Done();

  HeaderMap response_headers;
  Http2ClientStream* next = nullptr;  // of the connection's streams
  Http2ClientStream* previous = nullptr;

 private:
  Task<void> Pump();
  bool BeginTunnel(Request& request);
  void Fail(ResponseFlag flag, std::string_view reason, bool retryable, std::string_view cause);
  void FailForReset();
  void EndUpload();
  void Leave(ExchangeEnd end);
  static size_t Held(const void* self) {
    const auto* stream = static_cast<const Http2ClientStream*>(self);
    return stream->received.size() + stream->to_send.size();
  }

  Http2ClientConnection& connection_;
  Exchange& exchange_;
  const HeldBytes held_{exchange_, &Http2ClientStream::Held, this};
  const Priority priority_;
  Body request_body_;
  std::unique_ptr<HeaderMap> request_trailers_;
  std::vector<HeaderMap> interim_;
  std::optional<ExchangeError> error_;
  std::optional<ExchangeError> pump_error_;
  int interims_ = 0;
  bool head_request_ = false;
  bool tunnel_ = false;     // CONNECT of either kind: the body waits until the upstream agrees
  bool connect_ = false;    // not the extended one (RFC 8441)
  bool uploading_ = false;  // through the tunnel, which the upstream has agreed to
  bool read_out_ = false;   // all of the response was handed on
  bool body_given_away_ = false;
  bool handed_on_ = false;
  bool listed_ = false;
  Task<void> pump_;

  friend class Http2ClientConnection;
};

}  // namespace narthex
