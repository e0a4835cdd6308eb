#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "source/base/buffer.h"
#include "source/coro/task.h"
#include "source/http/exchange.h"
#include "source/http/exchange_error.h"
#include "source/http/header_map.h"

namespace narthex {

struct Route;

// One piece of a body as Body::Read returns it.
struct BodyPiece {
  Buffer data;
  // Nothing follows; `trailers` may be set. A piece may hold data and be the last.
  bool end = false;
  std::unique_ptr<HeaderMap> trailers;
  // The body broke off: no more pieces follow and what came so far is incomplete.
  std::unique_ptr<ExchangeError> error;
};

// Where the bytes of a body come from. Filters wrap one to change a body; the wrapper owns all that it needs.
// Back-pressure is not calling Read. Destroying a source abandons what was not read. Loop-confined.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next piece. Not called again after a piece with `end` or `error`. At most one Read at a time.
  virtual Task<BodyPiece> Read() = 0;
};

// A message's body: bytes that are here already, and a source for the rest if there is more. Moving one moves
// a pointer.
class Body {
 public:
  // No body.
  Body() = default;
  // A complete body.
  explicit Body(Buffer data) : state_(new State{{}, std::move(data), nullptr, nullptr, {}}) {
    state_->length = state_->data.size();
  }
  explicit Body(std::string_view text) : Body(Buffer(text)) {}
  // `length` is the total in bytes when it is known from the framing.
  Body(Buffer first, std::unique_ptr<BodySource> rest, std::optional<uint64_t> length)
      : state_(new State{{}, std::move(first), std::move(rest), nullptr, length}) {}

  // All that is left is here: Read does not suspend.
  bool complete() const { return state_ == nullptr || state_->source == nullptr; }
  // Nothing is left and nothing will come.
  bool empty() const { return complete() && buffered().empty() && trailers() == nullptr; }
  // There is no body, not even an empty one that was announced.
  bool absent() const { return state_ == nullptr; }
  // The total length of the body when known: what Content-Length says. Fixed at construction.
  std::optional<uint64_t> length() const { return state_ == nullptr ? 0 : state_->length; }
  // What is here already of an unread body.
  const Buffer& buffered() const { return state_ == nullptr ? kNothing : state_->data; }
  void set_trailers(std::unique_ptr<HeaderMap> trailers) {
    if (state_ == nullptr) state_.reset(new State{{}, {}, nullptr, nullptr, 0});
    state_->trailers = std::move(trailers);
  }
  const HeaderMap* trailers() const { return state_ == nullptr ? nullptr : state_->trailers.get(); }
  // The bytes of a complete body, instead of reading them. REQUIRES: complete().
  Buffer TakeBuffered() { return state_ == nullptr ? Buffer() : std::move(state_->data); }

  // Awaits the next piece; does not suspend when it is here. After a piece with `end` or `error` don't read
  // again.
  struct ReadAwaiter {
    Body& body;
    Task<BodyPiece> pending;
    bool await_ready() {
      if (body.complete() || !body.state_->data.empty()) return true;
      pending = body.state_->source->Read();
      return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
      return pending.Prepare(awaiting);
    }
    BodyPiece await_resume();
  };
  ReadAwaiter Read() { return ReadAwaiter{*this, {}}; }

 private:
  struct State : FromFramePool {
    Buffer data;
    std::unique_ptr<BodySource> source;
    std::unique_ptr<HeaderMap> trailers;
    std::optional<uint64_t> length;
  };
  // Apart, so that destroying no body, as moved-from ones are, costs a test and no call.
  struct Dispose {
    void operator()(State* state) const;
  };
  static const Buffer kNothing;

  std::unique_ptr<State, Dispose> state_;  // null: no body
};

// Reads a body to its end: the bytes, or the error; a body longer than `limit` fails with detail "too_large".
struct WholeBody {
  Buffer data;
  std::unique_ptr<HeaderMap> trailers;
  std::unique_ptr<ExchangeError> error;
};
// Meanwhile what is here of it counts as held for `exchange`, if there is one.
Task<WholeBody> ReadAll(Body& body, uint64_t limit, Exchange* exchange = nullptr);

// A request on its way upstream: its body, and the exchange that it belongs to and that holds its fields.
// Pseudo-headers (:method, :scheme, :authority, :path) are in headers(); `host` is not.
class Request {
 public:
  // `exchange.request_headers` holds the fields.
  Request(Body body, Exchange& exchange) : body_(std::move(body)), exchange_(&exchange) {}
  // Moves `headers` there: for requests that the gateway makes itself.
  Request(HeaderMap headers, Body body, Exchange& exchange) : body_(std::move(body)), exchange_(&exchange) {
    exchange.request_headers = std::move(headers);
  }
  Request(Request&&) noexcept = default;
  Request& operator=(Request&&) noexcept = default;

  HeaderMap& headers() { return exchange_->request_headers; }
  const HeaderMap& headers() const { return exchange_->request_headers; }
  Body& body() { return body_; }
  void set_body(Body body) { body_ = std::move(body); }
  std::string_view method() const { return headers().Get(Header::kMethod); }
  std::string_view path() const { return headers().Get(Header::kPath); }

  // What is known of the exchange beside its messages: times, addresses, flags, route. Never null, outlives
  // the request.
  Exchange& info() const { return *exchange_; }
  // The route that was chosen. REQUIRES: a route was chosen (always so inside the filter chain).
  const Route& route() const;

 private:
  Body body_;
  Exchange* exchange_;
};

// A response on its way downstream. ":status" is in headers() as well as in status().
class Response {
 public:
  explicit Response(int status);
  Response(HeaderMap headers, Body body);
  Response(Response&&) noexcept = default;
  Response& operator=(Response&&) noexcept = default;

  int status() const { return status_; }
  void set_status(int status);
  HeaderMap& headers() { return headers_; }
  const HeaderMap& headers() const { return headers_; }
  Body& body() { return body_; }
  void set_body(Body body) { body_ = std::move(body); }

  // Set when the gateway itself made this response: Envoy's response code detail. Null for an upstream's
  // response.
  const ExchangeError* local() const { return local_.get(); }
  void set_local(std::unique_ptr<ExchangeError> reason) { local_ = std::move(reason); }

 private:
  int status_ = 0;
  HeaderMap headers_;
  Body body_;
  std::unique_ptr<ExchangeError> local_;
};

// A response that the gateway makes: `detail` is its response code detail, `body` its plain text (may be
// empty). The connection manager later applies the listener's local reply mapping to it.
Response LocalReply(int status, std::string_view detail, std::string_view body = {},
                    ResponseFlag flag = ResponseFlag::kNone);
// The one place that turns a failed exchange into a status (502, 503, 504, ...) and a body. `retried`: what
// failed was not the first try.
Response LocalReplyFor(ExchangeError error, bool retried = false);

}  // namespace narthex
