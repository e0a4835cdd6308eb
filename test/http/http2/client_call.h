#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "source/coro/task.h"
#include "source/http/client_codec.h"

namespace narthex {

// Counts what a client's connection tells its pool.
struct ClientOwner final : ClientConnectionOwner {
  void OnIdle(ClientConnection&) override { ++idle; }
  void OnGoingAway(ClientConnection&) override { ++going_away; }
  void OnBroken(ClientConnection&) override { ++broken; }
  int idle = 0, going_away = 0, broken = 0;
};

// One exchange as a router makes it.
struct ClientCall {
  explicit ClientCall(EventLoop& loop) : exchange(loop, facts) {}

  Task<void> Run(ClientConnection& connection, Request request) {
    ClientConnection::Result result = co_await connection.Send(std::move(request), &again);
    retry_possible = again.has_value();
    if (auto* failed = std::get_if<ExchangeError>(&result)) {
      error = std::move(*failed);
    } else {
      response = std::get<Response>(std::move(result));
    }
    done = true;
  }
  Task<void> ReadBody() {
    WholeBody whole = co_await ReadAll(response->body(), 1 << 24);
    body = whole.data.ToString();
    if (whole.trailers != nullptr) trailer = whole.trailers->Get("grpc-status");
    if (whole.error != nullptr) error = *whole.error;
    read = true;
  }

  ConnectionFacts facts;
  Exchange exchange;
  bool done = false, reads = false, read = false, retry_possible = false;
  std::optional<ExchangeError> error;
  std::optional<Response> response;
  std::optional<Request> again;  // the request, when it was not sent
  std::string body, trailer;
  Task<void> task, reading;
};

}  // namespace narthex
