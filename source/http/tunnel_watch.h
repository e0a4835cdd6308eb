#pragma once

#include <string_view>

#include "source/base/ascii.h"
#include "source/base/buffer.h"
#include "source/http/header_map.h"
#include "source/http/websocket_frames.h"

namespace narthex {

// What is known of the two directions of a tunnel, so that it can be ended in its own language when it has to
// be cut: for WebSocket alone. Loop-confined.
class TunnelWatch {
 public:
  explicit TunnelWatch(const HeaderMap& request)
      : websocket_(EqualsLower(request.Get(Header::kUpgrade), "websocket")) {}

  // The next bytes of either direction.
  void FromClient(const Buffer& bytes) {
    if (websocket_) from_client_.Follow(bytes);
  }
  void ToClient(const Buffer& bytes) {
    if (websocket_) to_client_.Follow(bytes);
  }
  // Whether the peer at that end can be told now that the gateway goes away.
  bool MayTellClient() const { return websocket_ && to_client_.MayClose(); }
  bool MayTellUpstream() const { return websocket_ && from_client_.MayClose(); }

 private:
  const bool websocket_;
  WebSocketFrames from_client_, to_client_;
};

}  // namespace narthex
