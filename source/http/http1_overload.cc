// What an overloaded process asks of a connection.

#include "source/http/http1_serving.h"

namespace narthex {

// The timers stay as they are armed: what has waited for long enough is ended when it is looked at, so that
// nothing is asked of requests as long as all is well.
void Http1ServerConnection::EndLate(const ReducedTimeouts& reduced) {
  if (ended_) return;
  if (idle_since() != 0 && !draining_) {
    const std::chrono::milliseconds idle(context_.loop.NowMs() - idle_since_);
    if (!reduced.Over(ScaledTimeout::kConnectionIdle, context_.options.idle_timeout, idle)) return;
    ended_by_ = CloseCause::kIdleTimeout;
    return End();
  }
  if (use_ != TimerUse::kExchange || serving_ == nullptr || !timer_.armed()) return;
  const std::chrono::milliseconds full =
      serving_->exchange.idle_timeout().value_or(context_.options.stream_idle_timeout);
  if (!reduced.Over(ScaledTimeout::kStreamIdle, full, full - timer_.left())) return;
  timer_.Cancel();
  OnTimer(this);
}

void Http1ServerConnection::Weigh(StreamAccounts& accounts) {
  if (ended_ || serving_ == nullptr) return;
  size_t bytes = input_.size() + output_.size() + serving_->exchange.held_bytes.Total();
  if (serving_->response) bytes += serving_->response->body().buffered().size();
  accounts.Add(bytes, &Http1ServerConnection::OnHighMemory, this, 0);
}

void Http1ServerConnection::OnHighMemory(void* self, int32_t) {
  auto* connection = static_cast<Http1ServerConnection*>(self);
  if (connection->ended_) return;
  connection->BreakOff(kHighMemoryStream, ResponseFlag::kOverloadManager);
}

}  // namespace narthex
