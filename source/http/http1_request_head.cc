// How a request begins: its first bytes, which may be those of HTTP/2, and its head.

#include <algorithm>
#include <string>
#include <utility>

#include "source/http/http1_head_rules.h"
#include "source/http/http1_serving.h"
#include "source/http/long_head.h"

namespace narthex {
namespace {

constexpr size_t kParkedHead = 1024;
// RFC 9113 section 3.4.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace

// Whether the first bytes may become HTTP/2's preface and are too few to tell.
bool Http1ServerConnection::MayBePreface() {
  if (context_.on_protocol == nullptr || input_.size() >= kPreface.size()) return false;
  return input_.Linearize(input_.size()) && kPreface.starts_with(input_.Front());
}

// Whether the client turns out to speak HTTP/2; then there is nothing left to do here.
bool Http1ServerConnection::HandsOver() {
  protocol_known_ = true;
  if (context_.on_protocol == nullptr) return false;
  const bool http2 =
      input_.Linearize(std::min(input_.size(), kPreface.size())) && input_.Front().starts_with(kPreface);
  if (!http2) {
    context_.on_protocol(context_.context, nullptr, {});
    return false;
  }
  ended_ = true;
  timer_.Cancel();
  lifetime_.reset();
  stream_->SetCloseHook(nullptr, nullptr);
  context_.on_protocol(context_.context, std::move(stream_), std::move(input_));
  return true;
}

// What can be said of the head by what has been read.
Http1ServerConnection::HeadState Http1ServerConnection::BeginHead(Serving& serving,
                                                                  Http1RequestParser& parser) {
  if (!protocol_known_) {
    if (MayBePreface()) return HeadState::kIncomplete;
    if (HandsOver()) return HeadState::kHttp2;
  }
  return ParseHead(serving, parser);
}

// Parses the head from what is in `input_`. When it is refused, `serving.refused` says why.
Http1ServerConnection::HeadState Http1ServerConnection::ParseHead(Serving& serving,
                                                                  Http1RequestParser& parser) {
  if (!input_.Linearize(std::min(input_.size(), Block::kSize))) return HeadState::kIncomplete;
  const std::string_view front = input_.Front();
  const Http1ParseResult result = parser.Parse({const_cast<char*>(front.data()), front.size()}, serving.head);
  if (result == Http1ParseResult::kDone) {
    serving.head.headers.Pin(input_.FrontBlock());
    input_.Consume(serving.head.size);
    return HeadState::kComplete;
  }
  if (result == Http1ParseResult::kError) {
    serving.refused = parser.error();
    return HeadState::kRefused;
  }
  return HeadState::kIncomplete;
}

// Reads on until the head is whole, refused or late, or the client has left. Its time began with its first
// byte, whatever that was.
Task<Http1ServerConnection::HeadState> Http1ServerConnection::ReadRestOfHead(Serving& serving,
                                                                             Http1RequestParser& parser) {
  Arm(TimerUse::kHead, HeadTimeout());
  serving.StartDeadline();
  while (input_.size() < Block::kSize) {
    if (!co_await MoreOfHead(serving)) co_return HeadState::kRefused;
    const HeadState state = BeginHead(serving, parser);
    if (state != HeadState::kIncomplete) co_return state;
  }
  for (std::string gathered;;) {
    const Http1ParseResult result = ParseLongHead(parser, gathered, input_, serving.head);
    if (result == Http1ParseResult::kDone) co_return HeadState::kComplete;
    if (result == Http1ParseResult::kError) {
      serving.refused = parser.error();
      co_return HeadState::kRefused;
    }
    if (!co_await MoreOfHead(serving)) co_return HeadState::kRefused;
  }
}

// Takes over a parsed head; false when it is refused for what it says.
bool Http1ServerConnection::Accept(Serving& serving) {
  const bool serves_http_10 = context_.options.accept_http_10;
  if (serving.head.http_10 && serves_http_10) serving.exchange.protocol = "HTTP/1.0";
  if (std::optional<Http1ParseError> refused = RefuseHead(context_.options, serving.head)) {
    serving.refused = *std::move(refused);
    return false;
  }
  if (serving.head.expect_continue && context_.options.proxy_100_continue) {
    // Whether the body is wanted is the upstream's to say.
    serving.head.expect_continue = false;
    serving.continue_proxied = true;
    serving.head.headers.Add(Header::kExpect, "100-continue");
  }
  serving.exchange.request_header_bytes = serving.head.size;
  serving.exchange.request_headers = std::move(serving.head.headers);
  serving.parsed = true;
  context_.handler.OnStart(serving.exchange);
  serving.started = true;
  ArmIdle();
  if (stream_->closed()) StartHalfClosed();
  return true;
}

Task<bool> Http1ServerConnection::MoreOfHead(Serving& serving) {
  const auto readable = [](Stream& stream) -> Task<bool> {
    co_await stream.Readable();
    co_return true;
  };
  while (true) {
    // Tried before waiting: a reset that came together with the first bytes brings no edge of its own.
    const IoResult result = stream_->Read(input_, kHttp1ReadSize);
    if (result.ok()) co_return true;
    if (result.kind != IoResult::Kind::kWouldBlock) {
      client_gone_ = true;
      co_return false;
    }
    // Kept aside meanwhile, if it is little: the beginnings of heads must not cost a block each.
    std::string beginning;
    if (input_.size() <= kParkedHead) {
      beginning = input_.ToString();
      input_.Clear();
    }
    const std::optional<bool> more = co_await Interruptible<bool>(readable(*stream_), serving.handler);
    input_.Append(beginning);
    if (!more) {
      // Who has not even said that it speaks HTTP/2 is answered by HTTP/1.
      if (!protocol_known_) HandsOver();
      const bool whole_request = serving.timed_out == Serving::TimedOut::kRequest;
      serving.refused = {408, whole_request ? "request_overall_timeout" : "request_header_timeout"};
      co_return false;
    }
  }
}

std::chrono::milliseconds Http1ServerConnection::HeadTimeout() const {
  const ServerCodecOptions& options = context_.options;
  return options.request_headers_timeout.count() > 0 ? options.request_headers_timeout
                                                     : options.stream_idle_timeout;
}

}  // namespace narthex
