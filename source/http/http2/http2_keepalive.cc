#include "source/http/http2/http2_keepalive.h"

#include <cmath>
#include <cstring>

#include "source/base/random.h"

namespace narthex {
namespace {

constexpr uint8_t kOpaque[8] = {'k', 'e', 'e', 'p', 'i', 'n', 'g', '?'};

}  // namespace

Http2Keepalive::Http2Keepalive(EventLoop& loop, const Http2Options::Keepalive& options, Actions actions)
    : loop_(loop),
      options_(options),
      actions_(actions),
      timer_(loop.wheel(), &Http2Keepalive::OnTimer, this) {}

void Http2Keepalive::Start() {
  OnActivity();
  ArmInterval();
}

void Http2Keepalive::Stop() {
  timer_.Cancel();
}

void Http2Keepalive::ArmInterval() {
  if (options_.interval.count() <= 0) return;
  const double share = static_cast<double>(Random64() >> 11) / static_cast<double>(uint64_t{1} << 53);
  const double longer =
      static_cast<double>(options_.interval.count()) * options_.jitter_percent / 100 * share;
  timer_.Arm(options_.interval + std::chrono::milliseconds(std::llround(longer)));
}

void Http2Keepalive::Ask() {
  if (waiting_) return;
  waiting_ = true;
  timer_.Arm(options_.timeout);
  actions_.ping(actions_.context, kOpaque);
}

void Http2Keepalive::OnStreamOpened() {
  const auto limit = static_cast<uint64_t>(options_.connection_idle_interval.count());
  if (limit > 0 && loop_.NowMs() - last_ms_ >= limit) Ask();
  OnActivity();
}

void Http2Keepalive::OnPong(const uint8_t* opaque) {
  if (!waiting_ || std::memcmp(opaque, kOpaque, sizeof kOpaque) != 0) return;
  waiting_ = false;
  timer_.Cancel();
  ArmInterval();
}

void Http2Keepalive::OnTimer(void* self) {
  auto* keepalive = static_cast<Http2Keepalive*>(self);
  if (!keepalive->waiting_) return keepalive->Ask();
  keepalive->actions_.dead(keepalive->actions_.context);
}

}  // namespace narthex
