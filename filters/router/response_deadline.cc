#include "filters/router/response_deadline.h"

#include <algorithm>
#include <memory>

#include "source/router/compiled_route.h"

namespace narthex {
namespace {

constexpr uint64_t kUsPerMs = 1000;

std::chrono::milliseconds Until(uint64_t end_us, uint64_t now_us) {
  if (end_us <= now_us) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds((end_us - now_us + kUsPerMs - 1) / kUsPerMs);
}

// One read of a body under a deadline; lives in the reading frame.
class BoundedRead {
 public:
  BoundedRead(EventLoop& loop, Body& body, const ResponseDeadline& deadline)
      : read_(body.Read()), timer_(loop.wheel(), &BoundedRead::OnTimer, this), deadline_(deadline) {}
  BoundedRead(const BoundedRead&) = delete;

  bool await_ready() { return read_.await_ready(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    timer_.Arm(std::max(deadline_.Left(), std::chrono::milliseconds(1)));
    return read_.await_suspend(awaiting);
  }
  std::optional<BodyPiece> await_resume() {
    timer_.Cancel();
    if (passed_) return std::nullopt;
    return read_.await_resume();
  }

 private:
  static void OnTimer(void* self) {
    auto* that = static_cast<BoundedRead*>(self);
    std::chrono::milliseconds left = that->deadline_.Left();
    if (left.count() > 0) return that->timer_.Arm(left);
    that->passed_ = true;
    that->read_.pending.Cancel();
    that->awaiting_.resume();
  }

  Body::ReadAwaiter read_;
  Timer timer_;
  const ResponseDeadline& deadline_;
  std::coroutine_handle<> awaiting_;
  bool passed_ = false;
};

class BoundedBody final : public BodySource {
 public:
  BoundedBody(Body body, const ResponseDeadline& deadline, Exchange& exchange, Counter timeouts)
      : body_(std::move(body)), deadline_(deadline), exchange_(exchange), timeouts_(timeouts) {}

  Task<BodyPiece> Read() override {
    std::optional<BodyPiece> piece = co_await BoundedRead(exchange_.loop(), body_, deadline_);
    if (piece) co_return std::move(*piece);
    BodyPiece failed;
    failed.error = std::make_unique<ExchangeError>();
    failed.error->flag = ResponseFlag::kUpstreamRequestTimeout;
    failed.error->detail = "response_timeout";
    exchange_.AddFlag(failed.error->flag);
    CountTimeout(exchange_, timeouts_);
    co_return failed;
  }

 private:
  Body body_;
  ResponseDeadline deadline_;
  Exchange& exchange_;
  Counter timeouts_;
};

}  // namespace

std::chrono::milliseconds ResponseDeadline::Left() const {
  // While the request is still coming, the end can't be closer than the whole timeout.
  const uint64_t from = sent_ != 0 ? sent_ : exchange_->times.request_end;
  if (from == 0) return timeout_;
  const uint64_t end = from + static_cast<uint64_t>(timeout_.count()) * kUsPerMs;
  return Until(end, exchange_->loop().NowUs());
}

void CountTimeout(const Exchange& exchange, Counter timeouts) {
  timeouts.Add();
  const auto* route = static_cast<const CompiledRoute*>(exchange.route());
  if (route != nullptr && route->route_stats != nullptr) route->route_stats->timeout.Add();
}

Body BoundBody(Body body, const ResponseDeadline& deadline, Exchange& exchange, Counter timeouts) {
  std::optional<uint64_t> length = body.length();
  return Body(Buffer(), std::make_unique<BoundedBody>(std::move(body), deadline, exchange, timeouts), length);
}

}  // namespace narthex
