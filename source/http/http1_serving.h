#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "source/coro/interruptible.h"
#include "source/http/chunked_decoder.h"
#include "source/http/http1_parser.h"
#include "source/http/http1_server_connection.h"
#include "source/http/http1_tunnel.h"
#include "source/http/http1_writer.h"
#include "source/http/reason_phrase.h"

namespace narthex {

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

  // request_timeout counts from the request's first byte: it starts when more of the request has to be waited
  // for, and runs on from the head to the body.
  void StartDeadline() {
    const std::chrono::milliseconds limit = connection.context_.options.request_timeout;
    if (limit.count() > 0 && !deadline.armed()) deadline.Arm(limit);
  }

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
