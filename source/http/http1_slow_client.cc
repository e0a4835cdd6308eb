// What a client may take its time with, and for how long.

#include <algorithm>
#include <utility>

#include "source/http/http1_serving.h"

namespace narthex {
namespace {

// How long a connection idles before it is asked whether the client has received what was sent to it.
constexpr std::chrono::milliseconds kUnreceivedCheck{5'000};

}  // namespace

void Http1ServerConnection::ArmIdle() {
  const std::chrono::milliseconds usual = context_.options.stream_idle_timeout;
  Arm(TimerUse::kExchange, serving_ == nullptr ? usual : serving_->exchange.idle_timeout().value_or(usual));
}

uint64_t Http1ServerConnection::SentBytes() const {
  const uint64_t taken = serving_ == nullptr ? 0 : serving_->exchange.response_body_bytes;
  return taken - std::min<uint64_t>(taken, output_.size());
}

int64_t Http1ServerConnection::ReceivedBytes() const {
  return static_cast<int64_t>(SentBytes()) - static_cast<int64_t>(stream_->Unreceived());
}

void Http1ServerConnection::StartHalfClosed() {
  if (context_.options.half_close_timeout.count() == 0) return;
  if (half_closed_ == nullptr) {
    half_closed_ =
        std::make_unique<Timer>(context_.loop.wheel(), &Http1ServerConnection::OnHalfCloseTimer, this);
  }
  received_before_ = ReceivedBytes();
  half_closed_->Arm(context_.options.half_close_timeout);
}

void Http1ServerConnection::OnHalfCloseTimer(void* self) {
  auto* connection = static_cast<Http1ServerConnection*>(self);
  if (connection->serving_ == nullptr) return;
  if (connection->ReceivedBytes() != connection->received_before_) return connection->StartHalfClosed();
  connection->client_gone_ = true;
  connection->End();
}

void Http1ServerConnection::WaitFor(ClientPace::Side side) {
  const uint64_t rate = context_.options.min_client_rate;
  if (rate == 0) return;
  if (pace_ == nullptr) {
    pace_ = std::make_unique<ClientPace>(context_.loop.wheel(),
                                         ClientPace::Watch{.bytes_per_second = rate,
                                                           .moved = &Http1ServerConnection::Moved,
                                                           .too_slow = &Http1ServerConnection::OnTooSlow,
                                                           .context = this});
  }
  pace_->Wait(side);
}

int64_t Http1ServerConnection::Moved(void* self, ClientPace::Side side) {
  const auto* connection = static_cast<Http1ServerConnection*>(self);
  if (side == ClientPace::Side::kReceives) return connection->ReceivedBytes();
  const Serving* serving = connection->serving_;
  return serving == nullptr ? 0 : static_cast<int64_t>(serving->exchange.request_body_bytes);
}

void Http1ServerConnection::OnTooSlow(void* self) {
  auto* connection = static_cast<Http1ServerConnection*>(self);
  Serving* serving = connection->serving_;
  if (serving != nullptr && serving->handler.waiting()) {
    serving->timed_out = Serving::TimedOut::kSlow;
    return serving->handler.Interrupt();
  }
  connection->BreakOff(kClientTooSlow);
}

// There is nothing left to say: the response has begun, or was sent.
void Http1ServerConnection::BreakOff(std::string_view detail, ResponseFlag flag) {
  if (serving_ != nullptr && !serving_->finished) {
    serving_->exchange.AddFlag(flag);
    serving_->exchange.response_details = detail;
    serving_->finished = true;
    stream_->AbortOnClose();
  } else if (serving_ != nullptr) {
    // Only the rest of a request is waited for, that the next one may come: the connection idles.
    ended_by_ = CloseCause::kIdleTimeout;
  }
  End();
}

std::chrono::milliseconds Http1ServerConnection::IdleDelay() const {
  const std::chrono::milliseconds idle = IdleTimeout();
  if (context_.options.min_client_rate == 0) return idle;
  return idle.count() > 0 ? std::min(idle, kUnreceivedCheck) : kUnreceivedCheck;
}

bool Http1ServerConnection::IdlesOn() {
  const std::chrono::milliseconds limit = IdleTimeout();
  const std::chrono::milliseconds waited(context_.loop.NowMs() - idle_since_);
  if (limit.count() > 0 && waited >= limit) return false;
  const size_t unreceived = stream_->Unreceived();
  // An answer that fits into the socket's buffer is sent, but a client may leave it there for ever.
  const uint64_t least =
      context_.options.min_client_rate * static_cast<uint64_t>(kUnreceivedCheck.count()) / 1000;
  if (unreceived > 0 && unreceived_ > 0 && unreceived_ < unreceived + least) {
    stream_->AbortOnClose();
    return false;
  }
  unreceived_ = unreceived;
  std::chrono::milliseconds next = limit.count() > 0 ? limit - waited : limit;
  if (unreceived > 0) next = limit.count() > 0 ? std::min(next, kUnreceivedCheck) : kUnreceivedCheck;
  Arm(TimerUse::kIdle, next);
  return true;
}

}  // namespace narthex
