#include "source/manager/stream_deadline.h"

#include <memory>
#include <optional>
#include <utility>

#include "source/event/timeout.h"

namespace narthex {
namespace {

class DeadlineBody : public BodySource {
 public:
  DeadlineBody(EventLoop& loop, uint64_t deadline_ms, Counter reached, Body inner)
      : loop_(loop), deadline_ms_(deadline_ms), reached_(reached), inner_(std::move(inner)) {}

  Task<BodyPiece> Read() override {
    uint64_t now = loop_.NowMs();
    if (now >= deadline_ms_) co_return Late();
    std::chrono::milliseconds left(deadline_ms_ - now);
    std::optional<BodyPiece> piece = co_await WithTimeout<BodyPiece>(loop_, ReadInner(), left);
    if (!piece) co_return Late();
    co_return *std::move(piece);
  }

 private:
  Task<BodyPiece> ReadInner() { co_return co_await inner_.Read(); }

  BodyPiece Late() const {
    reached_.Add();
    BodyPiece piece;
    piece.error = std::make_unique<ExchangeError>();
    piece.error->detail = kMaxDurationTimeout;
    return piece;
  }

  EventLoop& loop_;
  uint64_t deadline_ms_;
  Counter reached_;
  Body inner_;
};

}  // namespace

void EndBodyAt(EventLoop& loop, uint64_t deadline_ms, Counter reached, Response& response) {
  if (response.body().complete()) return;
  std::optional<uint64_t> length = response.body().length();
  auto source = std::make_unique<DeadlineBody>(loop, deadline_ms, reached, std::move(response.body()));
  response.set_body(Body(Buffer(), std::move(source), length));
}

}  // namespace narthex
