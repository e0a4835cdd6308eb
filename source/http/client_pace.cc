#include "source/http/client_pace.h"

namespace narthex {
namespace {

constexpr int64_t kMsPerSecond = 1000;

}  // namespace

void ClientPace::Begin(Side side) {
  side_ = side;
  waited_ = 0;
  since_ = wheel_.now();
  moved_ = watch_.moved(watch_.context, side);
  timer_.Arm(kWindow);
}

void ClientPace::Wait(Side side) {
  // Between two waits the timer runs on: most waits are over before it fires.
  if (!timer_.armed() || side != side_) Begin(side);
  since_ = wheel_.now();
  waiting_ = true;
}

void ClientPace::Go() {
  if (!waiting_) return;
  waited_ += wheel_.now() - since_;
  waiting_ = false;
}

void ClientPace::OnTimer(void* self) {
  auto* pace = static_cast<ClientPace*>(self);
  if (!pace->waiting_) return;
  const uint64_t waited = pace->Waited();
  const auto window = static_cast<uint64_t>(kWindow.count());
  if (waited < window) return pace->timer_.Arm(std::chrono::milliseconds(window - waited));
  const int64_t moved = pace->watch_.moved(pace->watch_.context, pace->side_) - pace->moved_;
  const auto least = static_cast<int64_t>(pace->watch_.bytes_per_second * waited) / kMsPerSecond;
  if (moved >= least) return pace->Begin(pace->side_);
  pace->Stop();
  pace->watch_.too_slow(pace->watch_.context);
}

}  // namespace narthex
