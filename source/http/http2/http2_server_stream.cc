#include "source/http/http2/http2_server_stream.h"

#include <string>
#include <utility>

#include "source/base/ascii.h"
#include "source/http/reason_phrase.h"
#include "source/http/tunnel.h"
#include "source/http/websocket_handshake.h"

namespace narthex {

Http2ServerStream::Http2ServerStream(Http2ServerConnection& connection)
    : Http2Stream(connection.session()),
      connection_(connection),
      began_(connection.context().loop.NowMs()),
      exchange_(connection.context().loop, connection.context().facts),
      idle_timer_(connection.context().loop.wheel(), &Http2ServerStream::OnIdleTimer, this),
      deadline_(connection.context().loop.wheel(), &Http2ServerStream::OnDeadline, this) {
  exchange_.protocol = "HTTP/2";
  exchange_.times.start = connection.context().loop.NowUs();
  exchange_.times.start_wall = connection.context().loop.WallNow();
  exchange_.client = connection.context().facts.remote;
  exchange_.SetInterim(&Http2ServerStream::OnInterim, this);
  exchange_.OnIdleTimeout(&Http2ServerStream::OnIdleChanged, this);
}

Http2ServerStream::~Http2ServerStream() {
  tunnel_ = nullptr;
  root_.Cancel();
  if (!started_) return;
  exchange_.times.end = connection_.context().loop.NowUs();
  connection_.context().handler.OnEnd(exchange_, parsed_ ? &exchange_.request_headers : nullptr,
                                      response_ ? &response_->headers() : nullptr, response_trailers_.get());
}

void Http2ServerStream::TakeHead(Http2FieldReader& head, const Http2FieldError* error) {
  head_done = true;
  exchange_.request_header_bytes = head.bytes();
  if (error != nullptr) {
    refusal_ = *error;
    return;
  }
  content_length = head.content_length();
  continue_pending_ = head.expects_continue();
  exchange_.request_headers = std::move(head.headers);
  parsed_ = true;
  if (IsConnect(exchange_.request_headers)) TakeConnect();
}

// An extended one (RFC 8441) is brought into the form that HTTP/1 gives it, which the layers above know.
void Http2ServerStream::TakeConnect() {
  HeaderMap& headers = exchange_.request_headers;
  tunnel_ = std::make_shared<Http2ServerStream*>(this);
  extended_ = headers.Has(Header::kProtocol);
  if (!extended_) {
    watch_.emplace(headers);
    return;
  }
  exchange_.upgrade_only = true;
  headers.Set(Header::kMethod, "GET");
  headers.Set(Header::kConnection, "upgrade");
  headers.Set(Header::kUpgrade, headers.Get(Header::kProtocol));
  headers.Remove(Header::kProtocol);
  watch_.emplace(headers);
  // HTTP/2 needs no proof that the server knows the protocol, HTTP/1 does (RFC 8441 section 5.1).
  if (EqualsLower(headers.Get(Header::kUpgrade), "websocket")) headers.Set(kWebSocketKey, NewWebSocketKey());
}

bool Http2ServerStream::Advance(uint8_t what) {
  closed_ |= (what & kClosed) != 0;
  if (closed_ && !sent) {
    OnOver();
    return false;
  }
  if ((what & kHead) != 0) Begin();
  if ((what & kReadable) != 0) {
    if (!readable.has_waiter()) session.Pack(*this);
    exchange_.request_body_bytes = received_bytes;
    Touch();
    if (remote_ended) {
      deadline_.Cancel();
      if (exchange_.times.request_end == 0) exchange_.times.request_end = session.loop().NowUs();
    }
    readable.Set();
  }
  if ((what & (kSendable | kProgress)) != 0) Touch();
  if ((what & kSendable) != 0) sendable.Set();
  if ((what & kSent) != 0) Finished();
  return !closed_ || UploadGoesOn();
}

// The stream is closed, but what the client sent through its tunnel before is still to be read; or it was
// cut, and whoever reads has to learn that this is no end in good order.
bool Http2ServerStream::UploadGoesOn() {
  if (tunnel_ == nullptr || upload_over_) return false;
  Touch();
  if (!remote_ended) readable.Set();
  return !upload_over_;
}

void Http2ServerStream::Begin() {
  connection_.context().handler.OnStart(exchange_);
  started_ = true;
  Touch();
  root_ = Serve();
  root_.Start();
}

void Http2ServerStream::SayGoodbye() {
  const bool open = watch_ && head_sent_ && response_ && response_->status() / 100 == 2;
  if (!open) return;
  // Of what is on its way nothing may be left.
  if (watch_->MayTellClient() && !send_ended && to_send.empty()) {
    session.Send(*this, Buffer(GoingAwayFromServer()), /*end=*/true, nullptr);
  }
  if (!watch_->MayTellUpstream() || !readable.has_waiter()) return;
  goodbye_ = true;
  readable.Set();
}

// The response is on its way whole. A client that still sends is told that it need not (RFC 9113
// section 8.1).
void Http2ServerStream::Finished() {
  settled_ = true;
  if (tunnel_ != nullptr && !upload_over_) return;
  if (!remote_ended) session.Reset(*this, NGHTTP2_NO_ERROR);
}

// The stream has ended before its response.
void Http2ServerStream::OnOver() {
  if (!started_) {
    // It was reset before it could be served; the log has it all the same.
    connection_.context().handler.OnStart(exchange_);
    started_ = true;
  }
  if (failure.detail != nullptr) return EndWith(ResponseFlag::kDownstreamProtocolError, failure.detail);
  if (reset_by_peer) return EndWith(ResponseFlag::kDownstreamRemoteReset, "http2.remote_reset");
  EndWith(ResponseFlag::kDownstreamConnectionTermination, "downstream_remote_disconnect");
}

void Http2ServerStream::CutOff(std::string_view failure_of_connection) {
  if (!head_done && failure_of_connection == "request_header_timeout") {
    // Nobody gets the answer; but it is counted, and in the log.
    connection_.context().handler.OnStart(exchange_);
    started_ = true;
    connection_.context().handler.Refuse(exchange_, 408, {.detail = std::string(failure_of_connection)});
    return;
  }
  if (sent || !head_done) return;
  if (failure_of_connection.starts_with("stream_idle_timeout")) {
    EndWith(ResponseFlag::kStreamIdleTimeout, failure_of_connection);
  } else if (failure_of_connection.starts_with("http2.") &&
             failure_of_connection != "http2.keepalive_timeout") {
    EndWith(ResponseFlag::kDownstreamProtocolError, failure_of_connection);
  }
  OnOver();
}

void Http2ServerStream::EndWith(ResponseFlag flag, std::string_view detail) {
  if (std::exchange(settled_, true)) return;
  exchange_.AddFlag(flag);
  const bool client_left =
      flag == ResponseFlag::kDownstreamConnectionTermination || flag == ResponseFlag::kDownstreamRemoteReset;
  if (client_left && !exchange_.response_details.empty()) return;
  exchange_.response_details = detail;
  if (failure.cause != nullptr) exchange_.termination_details = failure.cause;
}

Task<void> Http2ServerStream::Serve() {
  std::optional<Response> answer;
  if (refusal_.detail != nullptr) {
    answer.emplace(Refusal());
  } else {
    answer = co_await Interruptible<Response>(connection_.context().handler.Handle(MakeRequest()), handler_);
    if (!answer) answer.emplace(TimeoutReply());
  }
  if (BeginResponse(*std::move(answer)) && !send_ended) co_await SendBody();
}

Response Http2ServerStream::Refusal() {
  return connection_.context().handler.Refuse(exchange_, refusal_.status,
                                              ExchangeError{.flag = ResponseFlag::kDownstreamProtocolError,
                                                            .detail = refusal_.detail,
                                                            .cause = refusal_.cause});
}

// The upstream did not change the protocol, but a status of success would say that it did.
Response Http2ServerStream::WithoutTunnel(int status) {
  return connection_.context().handler.Refuse(
      exchange_, 502,
      ExchangeError{.flag = ResponseFlag::kUpstreamProtocolError,
                    .detail = "upgrade_failed",
                    .cause = "the upstream answered " + std::to_string(status) + " instead of 101"});
}

Response Http2ServerStream::TimeoutReply() {
  RequestHandler& handler = connection_.context().handler;
  if (timed_out_ == TimedOut::kRequest) {
    return handler.Refuse(exchange_, 408, ExchangeError{.detail = "request_overall_timeout"});
  }
  const std::string_view detail = timed_out_ == TimedOut::kSlow ? kClientTooSlow : "stream_idle_timeout";
  return handler.Refuse(
      exchange_, remote_ended ? 504 : 408,
      ExchangeError{.flag = ResponseFlag::kStreamIdleTimeout, .detail = std::string(detail)});
}

std::chrono::milliseconds Http2ServerStream::IdleTimeout() const {
  return exchange_.idle_timeout().value_or(connection_.context().options.stream_idle_timeout);
}

void Http2ServerStream::Touch() {
  const auto timeout = IdleTimeout();
  if (timeout.count() > 0) {
    idle_timer_.Arm(timeout);
  } else {
    idle_timer_.Cancel();
  }
}

// Neither side has moved for long, or the client's window stays shut.
void Http2ServerStream::OnIdleTimer(void* self) {
  auto* stream = static_cast<Http2ServerStream*>(self);
  if (stream->handler_.waiting()) {
    stream->timed_out_ = TimedOut::kIdle;
    return stream->handler_.Interrupt();
  }
  stream->BreakOff(ResponseFlag::kStreamIdleTimeout, "stream_idle_timeout", NGHTTP2_INTERNAL_ERROR);
}

void Http2ServerStream::BreakOff(ResponseFlag flag, std::string_view detail, uint32_t code) {
  EndWith(flag, detail);
  // The upstream does not take what is left of a tunnel.
  if (closed_) return EndUpload();
  session.Reset(*this, code);
}

void Http2ServerStream::OnNotRead() {
  const uint64_t waited = session.loop().NowMs() - given_to_send_;
  if (closed_ || to_send.empty() || waited < static_cast<uint64_t>(ClientPace::kWindow.count())) return;
  BreakOff(ResponseFlag::kStreamIdleTimeout, kClientTooSlow, NGHTTP2_ENHANCE_YOUR_CALM);
}

// request_timeout: the whole request was not read in time.
void Http2ServerStream::OnDeadline(void* self) {
  auto* stream = static_cast<Http2ServerStream*>(self);
  stream->timed_out_ = TimedOut::kRequest;
  stream->handler_.Interrupt();
}

}  // namespace narthex
