#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "source/http/chunked_decoder.h"
#include "source/http/client_codec.h"
#include "source/http/held_bytes.h"
#include "source/http/http1_parser.h"

namespace narthex {

// An HTTP/1.1 connection to an upstream (RFC 9112): one exchange at a time.
class Http1ClientConnection final : public ClientConnection {
 public:
  Http1ClientConnection(EventLoop& loop, std::unique_ptr<Stream> stream, ClientConnectionOwner& owner,
                        ClientCodecOptions options)
      : loop_(loop), stream_(std::move(stream)), owner_(owner), options_(options) {
    WatchIdle();
  }

  Task<Result> Send(Request request, std::optional<Request>* unsent) override;
  bool usable() const override { return !broken_ && !busy_ && input_.empty() && stream_->Quiet(); }
  uint32_t room() const override { return usable() ? 1 : 0; }
  uint32_t active() const override { return busy_ ? 1 : 0; }
  bool multiplexes() const override { return false; }
  std::string_view protocol() const override { return "HTTP/1.1"; }
  uint64_t requests_sent() const override { return requests_; }
  StreamBytes bytes() const override { return stream_->bytes(); }

 private:
  class ResponseBody;
  // Breaks the connection off unless the exchange was brought to an end: held by Send's frame, then by the
  // body.
  class Lease {
   public:
    explicit Lease(Http1ClientConnection& connection) : connection_(&connection) {}
    Lease(Lease&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
    ~Lease() {
      if (connection_ != nullptr) connection_->Break();
    }
    void Release() { connection_ = nullptr; }

   private:
    Http1ClientConnection* connection_;
  };

  void WatchIdle() {
    stream_->SetCloseHook(
        [](void* self) {
          auto* connection = static_cast<Http1ClientConnection*>(self);
          if (!connection->busy_) connection->Break();
        },
        this);
  }
  void Break() {
    if (std::exchange(broken_, true)) return;
    pump_.Cancel();
    stream_->ShutdownBoth();
    owner_.OnBroken(*this);
  }
  // The response is whole. The connection is free again when the request is, too.
  void ResponseDone(Lease& lease);
  Task<void> Pump();
  bool FlushNow();
  Task<bool> Flush();
  void Begin(const Request& request);
  bool WriteRequest(Request& request);
  void SendRest(Request& request);
  void StartTunnel(Request& request);
  enum class Parsed { kComplete, kIncomplete, kLong, kError };
  bool TakeUsualHead(ResponseHead& head, std::optional<ExchangeError>& error);
  Task<std::optional<ExchangeError>> ReadHead(ResponseHead& head);
  Parsed Parse(Http1ResponseParser& parser, ResponseHead& head);
  Task<std::optional<ExchangeError>> ReadLongHead(ResponseHead& head, Http1ResponseParser& parser);
  Http1Limits Limits() const;
  ExchangeError ReadError(const IoResult& result, bool any_bytes) const;
  Body MakeBody(const ResponseHead& head, Lease lease);
  static size_t Held(const void* self) {
    const auto* connection = static_cast<const Http1ClientConnection*>(self);
    return connection->input_.size() + connection->output_.size();
  }
  void BodyBegan() {
    if (exchange_ != nullptr && exchange_->times.response_body == 0)
      exchange_->times.response_body = loop_.NowUs();
  }

  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  ClientConnectionOwner& owner_;
  ClientCodecOptions options_;
  Buffer input_;
  Buffer output_;
  // The request in progress; its exchange outlives it.
  Exchange* exchange_ = nullptr;
  std::optional<HeldBytes> held_;  // set with it
  Body request_body_;
  Task<void> pump_;
  std::optional<ExchangeError> pump_error_;
  uint64_t requests_ = 0;
  uint64_t bytes_written_ = 0;
  bool busy_ = false;
  bool broken_ = false;
  bool request_chunked_ = false;
  bool asks_upgrade_ = false;  // by `upgrade`, to which 101 agrees
  bool asks_tunnel_ = false;   // by that or by CONNECT
  bool tunnel_ = false;        // the upstream has changed the protocol: both directions are plain bytes
  bool request_done_ = false;
  bool body_given_away_ = false;
  bool keep_alive_ = true;
  bool head_request_ = false;
};

// Reads a response's body from the connection and gives the connection back at its end.
class Http1ClientConnection::ResponseBody final : public BodySource {
 public:
  ResponseBody(Http1ClientConnection& connection, Framing framing, Lease lease)
      : connection_(connection), framing_(framing), left_(framing.length), lease_(std::move(lease)) {}

  Task<BodyPiece> Read() override;

 private:
  // Takes what is here of the body; false when the bytes are not a chunked body.
  bool Decode(BodyPiece& piece);
  BodyPiece Broken(std::string_view cause);

  Http1ClientConnection& connection_;
  Framing framing_;
  uint64_t left_;
  ChunkedDecoder chunks_;
  Lease lease_;
};

}  // namespace narthex
