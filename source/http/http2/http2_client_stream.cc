#include <string>
#include <utility>

#include "source/http/http2/http2_client_connection.h"
#include "source/http/reason_phrase.h"
#include "source/http/tunnel.h"
#include "source/http/websocket_handshake.h"

namespace narthex {
namespace {

// 1xx responses before the final one; more is an upstream that never answers.
constexpr int kMaxInterim = 32;

// As HTTP/1 frames it: a length of zero is said where a body is expected, or where the client said so.
std::optional<uint64_t> LengthOf(Request& request) {
  Body& body = request.body();
  if (body.trailers() != nullptr || !body.length()) return std::nullopt;
  const std::string_view method = request.method();
  const bool expected = method == "POST" || method == "PUT" || method == "PATCH";
  return !body.absent() || expected ? body.length() : std::nullopt;
}

}  // namespace

Http2ClientStream::Http2ClientStream(Http2ClientConnection& connection, Exchange& exchange)
    : Http2Stream(connection.session()),
      connection_(connection),
      exchange_(exchange),
      priority_(exchange.upstream.priority) {
  connection_.Add(*this);
  listed_ = true;
}

Http2ClientStream::~Http2ClientStream() {
  Leave(error_ ? ExchangeEnd::kLost : ExchangeEnd::kCalledOff);
}

bool Http2ClientStream::Begin(Request& request) {
  head_request_ = request.method() == "HEAD";
  connect_ = IsConnect(request.headers());
  tunnel_ = connect_ || request.headers().Has(Header::kUpgrade);
  if (tunnel_) return BeginTunnel(request);
  Body& body = request.body();
  Http2Fields& fields = session.scratch();
  if (!WriteHttp2Request(request.headers(), LengthOf(request), fields)) return false;
  if (!session.SubmitRequest(*this, fields, !body.empty())) {
    Fail(ResponseFlag::kUpstreamConnectionTermination, "connection_termination", true, "no stream to be had");
    return true;
  }
  exchange_.times.upstream_start = session.loop().NowUs();
  if (body.empty()) {
    send_ended = true;
  } else if (body.complete()) {
    // Shared, not moved: the request can be sent again on another connection.
    session.Send(*this, body.buffered().Share(), true, body.trailers());
  } else {
    body_given_away_ = true;
    request_body_ = std::move(body);
    pump_ = Pump();
    pump_.Start();
  }
  return true;
}

bool Http2ClientStream::WaitsForSettings(const Request& request) const {
  return request.headers().Has(Header::kUpgrade) && !IsConnect(request.headers()) &&
         !connection_.settings_known_ && !error_;
}

// CONNECT, or in place of HTTP/1's upgrade an extended one.
bool Http2ClientStream::BeginTunnel(Request& request) {
  if (!connect_ &&
      nghttp2_session_get_remote_settings(session.raw(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1) {
    Fail(ResponseFlag::kUpstreamProtocolError, "protocol_error", false, "it takes no extended CONNECT");
    return true;
  }
  Http2Fields& fields = session.scratch();
  if (!WriteHttp2Request(request.headers(), std::nullopt, fields)) return false;
  if (!session.SubmitRequest(*this, fields, true)) {
    Fail(ResponseFlag::kUpstreamConnectionTermination, "connection_termination", true, "no stream to be had");
  }
  exchange_.times.upstream_start = exchange_.times.upstream_end = session.loop().NowUs();
  return true;
}

// Brings the answer into the form that HTTP/1 gives it; the client's bytes follow the request.
bool Http2ClientStream::StartTunnel(Request& request) {
  if (!tunnel_ || response_headers.Get(Header::kStatus)[0] != '2') return false;
  if (!connect_) {
    response_headers.Set(Header::kStatus, "101");
    response_headers.Set(Header::kConnection, "upgrade");
    response_headers.Set(Header::kUpgrade, request.headers().Get(Header::kUpgrade));
    const std::string_view key = request.headers().Get(kWebSocketKey);
    if (!key.empty()) response_headers.Set(kWebSocketAccept, WebSocketAccept(key));
  }
  body_given_away_ = true;
  // The upstream may have ended it already, or the connection with it.
  if (!attached || !session.open()) return true;
  uploading_ = true;
  request_body_ = std::move(request.body());
  pump_ = Pump();
  pump_.Start();
  return true;
}

void Http2ClientStream::HandOn(Request& request) {
  handed_on_ = true;
  if (!body_given_away_ && !tunnel_) request_body_ = std::move(request.body());
}

// Sends what is left of the request's body, beside the wait for the response. It resumes nobody itself: they
// might destroy it.
Task<void> Http2ClientStream::Pump() {
  while (true) {
    while (!to_send.empty()) {
      sendable.Reset();
      co_await sendable.Wait();
    }
    BodyPiece piece = co_await request_body_.Read();
    if (piece.error != nullptr) {
      pump_error_ = std::move(*piece.error);
      session.Reset(*this, NGHTTP2_CANCEL);
      co_return;
    }
    if (piece.end) request_trailers_ = std::move(piece.trailers);
    session.Send(*this, std::move(piece.data), piece.end, request_trailers_.get());
    if (piece.end) co_return;
  }
}

void Http2ClientStream::TakeHead(Http2FieldReader& head) {
  const int status = ParseStatus(head.headers.Get(Header::kStatus));
  session.MarkReady(*this, kHead);
  if (status < 200) {
    if (++interims_ > kMaxInterim) {
      return session.Malformed(*this, {0, kHttp2Messaging, "too many interim responses"});
    }
    interim_.push_back(std::move(head.headers));
    return;
  }
  head_done = true;
  const bool opens = tunnel_ && status / 100 == 2;
  no_payload = head_request_ || (!opens && (status == 204 || status == 304));
  // In a tunnel it means nothing (RFC 9110 section 9.3.6).
  if (!opens) content_length = head.content_length();
  response_headers = std::move(head.headers);
}

void Http2ClientStream::Advance(uint8_t what) {
  if ((what & kSent) != 0) exchange_.times.upstream_end = session.loop().NowUs();
  if ((what & kSendable) != 0) sendable.Set();
  for (const HeaderMap& headers : std::exchange(interim_, {})) {
    // 100 is this hop's own affair, unless what the client expects was passed on.
    if (headers.Get(Header::kStatus) != "100" || exchange_.request_headers.Has(Header::kExpect)) {
      exchange_.SendInterim(headers);
    }
  }
  if ((what & kClosed) != 0 && !remote_ended) FailForReset();
  if ((what & (kSent | kClosed)) != 0) EndUpload();
  if ((what & kReadable) != 0 && !readable.has_waiter()) session.Pack(*this);
  // Last: whoever waits may destroy this.
  if ((what & (kHead | kReadable | kClosed)) != 0) readable.Set();
}

void Http2ClientStream::FailForReset() {
  if (pump_error_) {
    if (!error_) error_ = std::move(pump_error_);
  } else if (failure.detail != nullptr) {
    Fail(ResponseFlag::kUpstreamProtocolError, "protocol_error", false, failure.cause);
  } else if (error_code == NGHTTP2_REFUSED_STREAM) {
    Fail(ResponseFlag::kUpstreamRemoteReset, "remote_refused_stream_reset", !handed_on_,
         "http2.remote_refuse");
  } else if (error_code == NGHTTP2_PROTOCOL_ERROR) {
    // The upstream says that the gateway's own message is wrong.
    Fail(ResponseFlag::kUpstreamProtocolError, "protocol_error", false, "http2.remote_protocol_error");
  } else if (error_code == NGHTTP2_CONNECT_ERROR) {
    Fail(ResponseFlag::kUpstreamRemoteReset, "remote_error_with_CONNECT_request", false,
         "http2.remote_connect_error");
  } else {
    Fail(ResponseFlag::kUpstreamRemoteReset, "remote_reset", false, "http2.remote_reset");
  }
}

void Http2ClientStream::Lose(std::string_view cause) {
  // What has come whole is not lost.
  if (remote_ended) return EndUpload();
  if (cause.empty()) {
    Fail(ResponseFlag::kUpstreamConnectionTermination, "connection_termination", head_pending,
         "closed by the upstream");
  } else if (cause == "http2.keepalive_timeout") {
    Fail(ResponseFlag::kUpstreamConnectionTermination, "connection_termination", head_pending, cause);
  } else {
    Fail(ResponseFlag::kUpstreamProtocolError, "protocol_error", false, cause);
  }
  readable.Set();
}

void Http2ClientStream::Fail(ResponseFlag flag, std::string_view reason, bool retryable,
                             std::string_view cause) {
  if (error_) return;
  std::string detail =
      handed_on_ ? "upstream_reset_after_response_started{" : "upstream_reset_before_response_started{";
  detail.append(reason).append("}");
  error_ = ExchangeError{
      .flag = flag, .detail = std::move(detail), .retryable = retryable, .cause = std::string(cause)};
}

// Nothing more goes to the upstream through the tunnel: whoever waits for the end of this direction learns of
// it.
void Http2ClientStream::EndUpload() {
  if (!std::exchange(uploading_, false)) return;
  pump_.Cancel();
  request_body_ = Body();
  if (read_out_) Done();
}

void Http2ClientStream::ReadOut() {
  read_out_ = true;
  if (!uploading_) Done();
}

void Http2ClientStream::Done() {
  if (!listed_) return;
  exchange_.times.response_end = session.loop().NowUs();
  Leave(ExchangeEnd::kDone);
}

// An answer before the request's end makes the rest of the request pointless.
void Http2ClientStream::Leave(ExchangeEnd end) {
  if (!std::exchange(listed_, false)) return;
  pump_.Cancel();
  // The end of a tunnel, a goodbye perhaps, goes ahead of the reset.
  if (uploading_ && send_ended && !sent) session.PushOut();
  session.Reset(*this, NGHTTP2_CANCEL);
  session.Forget(*this);
  connection_.Remove(*this, end);
}

}  // namespace narthex
