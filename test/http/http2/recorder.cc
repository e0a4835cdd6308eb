#include "test/http/http2/recorder.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace narthex {
namespace {

struct Pieces final : BodySource {
  Task<BodyPiece> Read() override {
    BodyPiece piece;
    piece.data.Append(count == 0 ? "one" : "two");
    piece.end = ++count == 2;
    if (piece.end) {
      piece.trailers = std::make_unique<HeaderMap>();
      piece.trailers->Add("grpc-status", "0");
    }
    co_return piece;
  }
  int count = 0;
};

// Pieces without an end, or an error behind the first.
struct Endless final : BodySource {
  Endless(Recorder& r, bool b) : recorder(r), breaks(b) {}
  Task<BodyPiece> Read() override {
    BodyPiece piece;
    if (breaks && recorder.pieces > 0) {
      piece.error = std::make_unique<ExchangeError>(
          ExchangeError{.flag = ResponseFlag::kUpstreamConnectionTermination, .detail = "broken"});
      co_return piece;
    }
    ++recorder.pieces;
    piece.data.Append(std::string(recorder.piece_size, 'x'));
    co_return piece;
  }
  Recorder& recorder;
  bool breaks;
};

// Has begun to read the request's body before the response, and goes on for ever.
struct Talk final : BodySource {
  explicit Talk(Body b) : body(std::move(b)), listening(Listen()) { listening.Start(); }
  Task<void> Listen() {
    while (true) {
      BodyPiece piece = co_await body.Read();
      if (piece.end || piece.error != nullptr) co_return;
    }
  }
  Task<BodyPiece> Read() override {
    co_await never.Wait();
    co_return BodyPiece();
  }
  Event never;
  Body body;
  Task<void> listening;
};

// Nothing but an end.
struct Silent final : BodySource {
  Task<BodyPiece> Read() override {
    BodyPiece piece;
    piece.end = true;
    co_return piece;
  }
};

Task<uint64_t> ReadTwoPieces(Body& body, Event& go) {
  BodyPiece first = co_await body.Read();
  go.Reset();
  co_await go.Wait();
  BodyPiece second = co_await body.Read();
  co_return first.data.size() + second.data.size();
}

}  // namespace

Task<Response> Recorder::Handle(Request request) {
  const std::string path(request.path());
  seen.push_back(std::string(request.method()) + " " + path);
  fields.emplace_back();
  for (const HeaderMap::Field& field : request.headers()) {
    fields.back().emplace_back(field.name, field.value);
  }
  if (path.starts_with("/idle-60")) request.info().SetIdleTimeout(std::chrono::milliseconds(60));
  if (path == "/wait" || path.starts_with("/idle")) co_await go.Wait();
  if (path == "/hint") {
    HeaderMap hint;
    hint.Add(Header::kStatus, "103");
    hint.Add("link", "</a.css>");
    request.info().SendInterim(hint);
  }
  Response response(path == "/204" ? 204 : path == "/tunnel" ? 101 : 200);
  if (path == "/echo") {
    WholeBody body = co_await ReadAll(request.body(), 1 << 24);
    if (body.error != nullptr) co_return LocalReply(400, body.error->detail, "bad body");
    if (body.trailers != nullptr) {
      for (const HeaderMap::Field& field : *body.trailers)
        request_trailers.emplace_back(field.name, field.value);
    }
    response.set_body(Body(std::move(body.data)));
  } else if (path == "/read-slowly") {
    body_read = co_await ReadTwoPieces(request.body(), go);
  } else if (path == "/talk") {
    response.set_body(Body(Buffer(), std::make_unique<Talk>(std::move(request.body())), std::nullopt));
  } else if (path == "/tunnel") {
    upload = std::move(request.body());
    response.set_body(Body(Buffer(), std::make_unique<Silent>(), std::nullopt));
  } else if (path == "/stream") {
    response.set_body(Body(Buffer(), std::make_unique<Pieces>(), std::nullopt));
  } else if (path == "/endless" || path == "/broken") {
    response.set_body(Body(Buffer(), std::make_unique<Endless>(*this, path == "/broken"), std::nullopt));
  } else if (path == "/bad-field") {
    response.headers().Add("x-bad", "a\r\nb");
  } else if (path != "/204") {
    response.set_body(Body("hello"));
  }
  co_return response;
}

Response Recorder::Refuse(Exchange& exchange, int status, ExchangeError error) {
  exchange.response_details = error.detail;
  if (error.flag != ResponseFlag::kNone) exchange.AddFlag(error.flag);
  return LocalReply(status, error.detail, "refused");
}

void Recorder::OnEnd(Exchange& exchange, const HeaderMap* request, const HeaderMap*,
                     const HeaderMap* response_trailers) {
  ended.push_back({.details = exchange.response_details,
                   .flags = exchange.flags(),
                   .status = exchange.response_status,
                   .request_bytes = exchange.request_body_bytes,
                   .response_bytes = exchange.response_body_bytes,
                   .parsed = request != nullptr,
                   .trailers = response_trailers != nullptr});
}

}  // namespace narthex
