#pragma once

#include <chrono>

#include "source/coro/event.h"
#include "source/coro/interruptible.h"
#include "source/event/timer_wheel.h"
#include "source/http/tunnel_watch.h"

namespace narthex {

// What an exchange has that asks for another protocol, which, once that is agreed on, is two directions of
// plain bytes until both have ended. Internal to Http1ServerConnection.
struct Http1Tunnel {
  Http1Tunnel(TimerWheel& wheel, const HeaderMap& request)
      : watch(request),
        later(wheel, [](void* self) { static_cast<Http1Tunnel*>(self)->given_up.Set(); }, this) {}

  // Nobody reads what the client sends any more, or it has sent all. Called from inside whatever read it, so
  // that who waits for this is told later.
  void GiveUp() {
    is_given_up = true;
    later.Arm(std::chrono::milliseconds(1));
  }

  TunnelWatch watch;
  bool open = false;     // agreed on
  InterruptSlot upload;  // the wait for what the client sends
  bool is_given_up = false;
  Event given_up;
  Timer later;
};

}  // namespace narthex
