#include "source/http/message.h"

#include <array>
#include <charconv>
#include <optional>

#include "source/http/exchange.h"
#include "source/http/reason_phrase.h"

namespace narthex {

constinit const Buffer Body::kNothing;

void Body::Dispose::operator()(State* state) const {
  delete state;
}

BodyPiece Body::ReadAwaiter::await_resume() {
  if (pending) return pending.Result();
  BodyPiece piece;
  if (body.state_ != nullptr) piece.data = std::move(body.state_->data);
  if (body.complete()) {
    piece.end = true;
    if (body.state_ != nullptr) piece.trailers = std::move(body.state_->trailers);
  }
  return piece;
}

Task<WholeBody> ReadAll(Body& body, uint64_t limit, Exchange* exchange) {
  WholeBody whole;
  std::optional<HeldBytes> held;
  if (exchange != nullptr) {
    held.emplace(
        *exchange, [](const void* data) { return static_cast<const Buffer*>(data)->size(); }, &whole.data);
  }
  while (true) {
    BodyPiece piece = co_await body.Read();
    if (piece.error != nullptr) {
      whole.error = std::move(piece.error);
      co_return whole;
    }
    whole.data.Append(std::move(piece.data));
    if (whole.data.size() > limit) {
      whole.error = std::make_unique<ExchangeError>(ExchangeError{.detail = "too_large"});
      co_return whole;
    }
    if (piece.end) {
      whole.trailers = std::move(piece.trailers);
      co_return whole;
    }
  }
}

const Route& Request::route() const {
  return *exchange_->route();
}

Response::Response(int status) {
  set_status(status);
}

Response::Response(HeaderMap headers, Body body)
    : status_(ParseStatus(headers.Get(Header::kStatus))),
      headers_(std::move(headers)),
      body_(std::move(body)) {}

void Response::set_status(int status) {
  status_ = status;
  std::array<char, 12> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), status).ptr;
  headers_.Set(Header::kStatus, std::string_view(text.data(), static_cast<size_t>(end - text.data())));
}

Response LocalReply(int status, std::string_view detail, std::string_view body, ResponseFlag flag) {
  Response response(status);
  if (!body.empty()) {
    response.headers().Add(Header::kContentLength, std::to_string(body.size()));
    response.headers().Add(Header::kContentType, "text/plain");
    response.set_body(Body(body));
  }
  response.set_local(
      std::make_unique<ExchangeError>(ExchangeError{.flag = flag, .detail = std::string(detail)}));
  return response;
}

}  // namespace narthex
