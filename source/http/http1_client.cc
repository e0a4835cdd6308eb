#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "source/http/http1_client_connection.h"
#include "source/http/http1_writer.h"
#include "source/http/long_head.h"
#include "source/http/reason_phrase.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

constexpr size_t kReadSize = Block::kSize;
// 1xx responses before the final one; more is an upstream that never answers.
constexpr int kMaxInterim = 32;

constexpr std::string_view kTerminated = "upstream_reset_before_response_started{connection_termination}";

ExchangeError ProtocolError(std::string_view what) {
  return {ResponseFlag::kUpstreamProtocolError, "upstream_reset_before_response_started{protocol_error}",
          false, std::string(what)};
}

// How the body that a request still has will be framed (RFC 9112 section 6).
RequestFraming FramingOf(const Request& request) {
  Body& body = const_cast<Request&>(request).body();
  RequestFraming framing;
  // Its body is what goes through the tunnel, if there will be one.
  framing.connect = IsConnect(request.headers());
  framing.upgrade = !framing.connect && request.headers().Has(Header::kUpgrade);
  if (framing.upgrade || framing.connect) return framing;
  if (body.trailers() != nullptr || !body.length()) {
    framing.chunked = true;
    return framing;
  }
  // A length of zero is said where a body is expected, as RFC 9110 section 8.6 asks, or where the client said
  // so.
  const std::string_view method = request.method();
  if (!body.absent() || method == "POST" || method == "PUT" || method == "PATCH")
    framing.length = *body.length();
  return framing;
}

}  // namespace

void Http1ClientConnection::ResponseDone(Lease& lease) {
  if (exchange_ != nullptr) exchange_->times.response_end = loop_.NowUs();
  // An answer before the request's end leaves a connection that can't be used again: the lease breaks it off.
  if (!request_done_ || !keep_alive_ || !input_.empty() || stream_->closed()) return;
  lease.Release();
  pump_.Cancel();
  request_body_ = Body();
  exchange_ = nullptr;
  held_.reset();
  busy_ = false;
  owner_.OnIdle(*this);
}

// Whether nothing is left to wait for: all is written, or nothing more can be, and then `output_` is not
// empty.
bool Http1ClientConnection::FlushNow() {
  const IoResult result = stream_->Write(output_);
  bytes_written_ += result.bytes;
  return result.kind != IoResult::Kind::kWouldBlock;
}

// False when the connection takes no more.
Task<bool> Http1ClientConnection::Flush() {
  while (!FlushNow()) co_await stream_->Writable();
  const bool written = output_.empty();
  output_.Clear();
  co_return written;
}

// Sends what is left of the request, beside the wait for the response: an upstream may answer while it reads,
// and read no more before its answer is taken.
Task<void> Http1ClientConnection::Pump() {
  const bool writable = output_.empty() || co_await Flush();
  if (!body_given_away_) request_done_ = writable;
  while (body_given_away_ && writable) {
    BodyPiece piece = co_await request_body_.Read();
    if (piece.error != nullptr) {
      // The head may wait for a response to a request that will never be whole: wake it.
      pump_error_ = std::move(*piece.error);
      stream_->ShutdownBoth();
      co_return;
    }
    if (request_chunked_) {
      if (!piece.data.empty()) AppendChunk(std::move(piece.data), output_);
      if (piece.end) AppendLastChunk(options_.enable_trailers ? piece.trailers.get() : nullptr, output_);
    } else {
      output_.Append(std::move(piece.data));
    }
    if (!co_await Flush()) break;  // the reader meets the same error, or an early answer
    if (!piece.end) continue;
    request_done_ = true;
    break;
  }
  if (tunnel_) {
    // Whoever waits for the end of this direction learns of it.
    request_body_ = Body();
    stream_->ShutdownWrite();
  }
  if (!request_done_) co_return;
  if (exchange_ != nullptr) exchange_->times.upstream_end = loop_.NowUs();
}

// Writes the head of `request` and what is here of a complete body to `output_`; false when its fields can't
// be written.
bool Http1ClientConnection::WriteRequest(Request& request) {
  const RequestFraming framing = FramingOf(request);
  request_chunked_ = framing.chunked;
  asks_upgrade_ = framing.upgrade;
  asks_tunnel_ = framing.upgrade || framing.connect;
  if (!WriteRequestHead(request.headers(), framing, output_)) return false;
  exchange_->times.upstream_start = loop_.NowUs();
  const Body& body = request.body();
  if (!body.complete() || asks_tunnel_) return true;
  // Shared, not moved: the request can be sent again on another connection.
  if (!request_chunked_) {
    output_.Append(body.buffered().Share());
  } else {
    if (!body.buffered().empty()) AppendChunk(body.buffered().Share(), output_);
    AppendLastChunk(options_.enable_trailers ? body.trailers() : nullptr, output_);
  }
  return true;
}

// What goes out at once is written: the request is done, or the pump sends the rest of it.
void Http1ClientConnection::SendRest(Request& request) {
  body_given_away_ = !request.body().complete() && !asks_tunnel_;
  if (!body_given_away_ && output_.empty()) {
    request_done_ = true;
    exchange_->times.upstream_end = loop_.NowUs();
    return;
  }
  if (body_given_away_) request_body_ = std::move(request.body());
  pump_ = Pump();
  pump_.Start();
}

// The upstream has agreed to the tunnel that it was asked for: what the client sends now goes to it.
void Http1ClientConnection::StartTunnel(Request& request) {
  tunnel_ = true;
  keep_alive_ = request_done_ = false;
  body_given_away_ = true;
  request_body_ = std::move(request.body());
  pump_ = Pump();
  pump_.Start();
}

void Http1ClientConnection::Begin(const Request& request) {
  exchange_ = &request.info();
  held_.emplace(*exchange_, &Http1ClientConnection::Held, this);
  busy_ = true;
  ++requests_;
  bytes_written_ = 0;
  request_done_ = body_given_away_ = false;
  head_request_ = request.method() == "HEAD";
}

ExchangeError Http1ClientConnection::ReadError(const IoResult& result, bool any_bytes) const {
  if (pump_error_) return *pump_error_;
  if (any_bytes) return ProtocolError("the response head ended too early");
  ExchangeError error{
      ResponseFlag::kUpstreamConnectionTermination, std::string(kTerminated), bytes_written_ == 0, {}};
  error.cause = result.kind == IoResult::Kind::kEnd ? "closed by the upstream" : std::strerror(result.error);
  return error;
}

// Reads once. Whether that decided it: the final head came whole, as it usually does, or the connection
// failed. Otherwise ReadHead goes on, from the same bytes.
bool Http1ClientConnection::TakeUsualHead(ResponseHead& head, std::optional<ExchangeError>& error) {
  const IoResult result = stream_->Read(input_, kReadSize);
  if (!result.ok()) {
    if (result.kind == IoResult::Kind::kWouldBlock) return false;
    error = ReadError(result, !input_.empty());
    return true;
  }
  constexpr size_t kStatusAt = 9;  // behind "HTTP/1.1 "
  const std::string_view front = input_.Front();
  if (front.size() <= kStatusAt || front[kStatusAt] == '1') return false;
  Http1ResponseParser parser(Limits(), head_request_);
  return Parse(parser, head) == Parsed::kComplete && head.status >= 200;
}

// Reads up to the end of a response head that is final.
Task<std::optional<ExchangeError>> Http1ClientConnection::ReadHead(ResponseHead& head) {
  for (int interim = 0; interim < kMaxInterim; ++interim) {
    head = ResponseHead();
    Http1ResponseParser parser(Limits(), head_request_);
    Parsed parsed = Parse(parser, head);
    while (parsed == Parsed::kIncomplete) {
      co_await stream_->Readable();
      const IoResult result = stream_->Read(input_, kReadSize);
      if (result.ok()) {
        parsed = Parse(parser, head);
      } else if (result.kind != IoResult::Kind::kWouldBlock) {
        co_return ReadError(result, !input_.empty());
      }
    }
    if (parsed == Parsed::kLong) {
      if (auto error = co_await ReadLongHead(head, parser)) co_return error;
    }
    if (parsed == Parsed::kError) co_return ProtocolError(parser.error().detail);
    if (head.status >= 200 || (head.upgrade && asks_upgrade_)) co_return std::nullopt;
    if (head.status == kSwitchingProtocols) co_return ProtocolError("an upgrade that was not asked for");
    // 100 is this hop's own affair, and the client gets its own when its body is asked for, unless what the
    // client expects was passed on.
    if (head.status != 100 || exchange_->request_headers.Has(Header::kExpect))
      exchange_->SendInterim(head.headers);
  }
  co_return ProtocolError("too many interim responses");
}

// Parses the head from what is in `input_`.
Http1ClientConnection::Parsed Http1ClientConnection::Parse(Http1ResponseParser& parser, ResponseHead& head) {
  if (!input_.Linearize(std::min(input_.size(), Block::kSize)) || input_.empty()) return Parsed::kIncomplete;
  const std::string_view front = input_.Front();
  const Http1ParseResult result = parser.Parse({const_cast<char*>(front.data()), front.size()}, head);
  if (result == Http1ParseResult::kError) return Parsed::kError;
  if (result == Http1ParseResult::kNeedMore) {
    return front.size() >= Block::kSize ? Parsed::kLong : Parsed::kIncomplete;
  }
  head.headers.Pin(input_.FrontBlock());
  input_.Consume(head.size);
  return Parsed::kComplete;
}

// Goes on with a head that is longer than a block.
Task<std::optional<ExchangeError>> Http1ClientConnection::ReadLongHead(ResponseHead& head,
                                                                       Http1ResponseParser& parser) {
  std::string gathered;
  while (true) {
    const Http1ParseResult result = ParseLongHead(parser, gathered, input_, head);
    if (result == Http1ParseResult::kError) co_return ProtocolError(parser.error().detail);
    if (result == Http1ParseResult::kDone) co_return std::nullopt;
    co_await stream_->Readable();
    const IoResult read = stream_->Read(input_, kReadSize);
    if (!read.ok() && read.kind != IoResult::Kind::kWouldBlock) co_return ReadError(read, true);
  }
}

Http1Limits Http1ClientConnection::Limits() const {
  Http1Limits limits;
  limits.max_head_bytes = size_t{options_.max_response_header_kb} * 1024;
  limits.max_headers = options_.max_headers;
  return limits;
}

Task<ClientConnection::Result> Http1ClientConnection::Send(Request request, std::optional<Request>* unsent) {
  Lease lease(*this);
  Begin(request);
  if (!WriteRequest(request)) {
    co_return ExchangeError{ResponseFlag::kLocalReset, "http1.invalid_header_field", false, {}};
  }
  // What can't be written is met again by the reader, as an error or an early answer.
  FlushNow();
  SendRest(request);
  ResponseHead head;
  std::optional<ExchangeError> error;
  co_await stream_->Readable();
  if (!TakeUsualHead(head, error)) error = co_await ReadHead(head);
  exchange_->times.response_head = loop_.NowUs();
  if (error) {
    const bool no_answer = error->flag == ResponseFlag::kUpstreamConnectionTermination;
    if (unsent != nullptr && no_answer && !body_given_away_) unsent->emplace(std::move(request));
    co_return std::move(*error);
  }
  keep_alive_ = head.keep_alive;
  if (asks_tunnel_ && OpensTunnel(exchange_->request_headers, head.status)) {
    // What the head says of a length means nothing (RFC 9110 section 9.3.6).
    head.headers.Remove(Header::kContentLength);
    StartTunnel(request);
    head.framing.kind = Framing::Kind::kUntilClose;
  }
  Body body = MakeBody(head, std::move(lease));
  co_return Response(std::move(head.headers), std::move(body));
}

std::unique_ptr<ClientConnection> MakeHttp1ClientConnection(EventLoop& loop, std::unique_ptr<Stream> stream,
                                                            ClientConnectionOwner& owner,
                                                            ClientCodecOptions options) {
  return std::make_unique<Http1ClientConnection>(loop, std::move(stream), owner, options);
}

}  // namespace narthex
