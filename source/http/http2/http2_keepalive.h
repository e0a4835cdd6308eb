#pragma once

#include <cstdint>

#include "source/event/event_loop.h"
#include "source/http/http2_options.h"

namespace narthex {

// Asks the peer now and then whether it is still there. Loop-confined; does not move.
class Http2Keepalive {
 public:
  struct Actions {
    void (*ping)(void* context, const uint8_t (&opaque)[8]);
    void (*dead)(void* context);  // no answer in time
    void* context;
  };

  Http2Keepalive(EventLoop& loop, const Http2Options::Keepalive& options, Actions actions);

  void Start();
  // Something has come of the peer, or a stream is opened: see connection_idle_interval.
  void OnActivity() { last_ms_ = loop_.NowMs(); }
  void OnStreamOpened();
  void OnPong(const uint8_t* opaque);
  void Stop();

 private:
  static void OnTimer(void* self);
  void Ask();
  void ArmInterval();

  EventLoop& loop_;
  const Http2Options::Keepalive& options_;
  const Actions actions_;
  Timer timer_;
  uint64_t last_ms_ = 0;
  bool waiting_ = false;
};

}  // namespace narthex
