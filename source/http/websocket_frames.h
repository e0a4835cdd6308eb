#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/buffer.h"

namespace narthex {

// Follows one direction of a WebSocket connection that is passed on, by the heads of its frames alone (RFC
// 6455 section 5.2), so as to know whether a frame of our own could stand at this place. What the frames
// carry is skipped and not looked at. Costs nothing but the head of each frame. Loop-confined.
class WebSocketFrames {
 public:
  // The next bytes of the direction.
  void Follow(std::string_view bytes);
  void Follow(const Buffer& bytes);

  // Whether a close frame may be put here: it stands between two frames, perhaps of one message
  // (section 5.4), and neither a close frame has gone by, after which nothing may follow (section 5.5.1), nor
  // anything that is no frame.
  bool MayClose() const { return have_ == 0 && left_ == 0 && !over_; }

 private:
  static constexpr size_t kMostHead = 14;
  void TakeHead(const char* at);
  void Gather(char byte);

  std::array<char, kMostHead> head_{};
  uint8_t have_ = 0;   // bytes of a head that is not whole
  bool over_ = false;  // a close frame has gone by, or what is no frame
  uint64_t left_ = 0;  // of a frame's payload
};

// A whole close frame that says "going away" (1001, section 7.4.1): as a server sends it, and as a client
// does, whose frames are masked (section 5.3) by `mask`.
std::string GoingAwayFromServer();
std::string GoingAwayFromClient(uint32_t mask);

}  // namespace narthex
