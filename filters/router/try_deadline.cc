#include "filters/router/try_deadline.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "source/event/timeout.h"
#include "source/upstream/cluster.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kUsPerMs = 1000;

milliseconds Until(uint64_t end_us, uint64_t now_us) {
  if (end_us <= now_us) return milliseconds(0);
  return milliseconds((end_us - now_us + kUsPerMs - 1) / kUsPerMs);
}

class IdleBody final : public BodySource {
 public:
  IdleBody(Body body, milliseconds idle, Exchange& exchange, Counter timeouts)
      : body_(std::move(body)), idle_(idle), exchange_(exchange), timeouts_(timeouts) {}

  Task<BodyPiece> Read() override {
    std::optional<BodyPiece> piece = co_await WithTimeout<BodyPiece>(exchange_.loop(), ReadOne(), idle_);
    if (piece) co_return std::move(*piece);
    BodyPiece failed;
    failed.error = std::make_unique<ExchangeError>();
    failed.error->flag = ResponseFlag::kUpstreamRequestTimeout;
    failed.error->detail = "upstream_per_try_idle_timeout";
    exchange_.AddFlag(failed.error->flag);
    timeouts_.Add();
    Cluster* cluster = exchange_.clusters->Find(exchange_.upstream.cluster);
    if (cluster != nullptr) cluster->NoteTimeout(exchange_.upstream);
    co_return failed;
  }

 private:
  Task<BodyPiece> ReadOne() { co_return co_await body_.Read(); }

  Body body_;
  const milliseconds idle_;
  Exchange& exchange_;
  const Counter timeouts_;
};

}  // namespace

uint64_t TryDeadline::SentUs() const {
  if (complete_) return begun_;
  return request_->times.request_end;
}

// While the request is still coming, the end can't be closer than the whole timeout.
milliseconds TryDeadline::LeftOfTotal() const {
  const uint64_t sent = SentUs();
  if (sent == 0) return timeout_;
  return Until(sent + static_cast<uint64_t>(timeout_.count()) * kUsPerMs, tried_->loop().NowUs());
}

// Nor while there is no connection.
milliseconds TryDeadline::LeftOfIdle() const {
  const uint64_t sent = SentUs();
  if (sent == 0 || tried_->upstream.protocol.empty()) return idle_;
  const uint64_t from = std::max(sent, tried_->upstream.waits_since);
  return Until(from + static_cast<uint64_t>(idle_.count()) * kUsPerMs, tried_->loop().NowUs());
}

milliseconds TryDeadline::Left() const {
  if (idle_.count() == 0) return LeftOfTotal();
  return timeout_.count() == 0 ? LeftOfIdle() : std::min(LeftOfTotal(), LeftOfIdle());
}

TryDeadline::Limit TryDeadline::passed() const {
  if (timeout_.count() > 0 && LeftOfTotal().count() == 0) return Limit::kTotal;
  return idle_.count() > 0 && LeftOfIdle().count() == 0 ? Limit::kIdle : Limit::kNone;
}

Body BoundEachPiece(Body body, milliseconds idle, Exchange& exchange, Counter timeouts) {
  const std::optional<uint64_t> length = body.length();
  return Body(Buffer(), std::make_unique<IdleBody>(std::move(body), idle, exchange, timeouts), length);
}

}  // namespace narthex
