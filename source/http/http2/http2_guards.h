#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/http2_options.h"

namespace narthex {

// What a peer has done too much of. Each ends the connection with GOAWAY ENHANCE_YOUR_CALM, a response code
// detail and a counter of the same name.
enum class Http2Flood : uint8_t {
  kNone,
  kReset,            // streams reset in quick succession (CVE-2023-44487, CVE-2025-8671)
  kContinuation,     // a head in too many frames (CVE-2024-30255)
  kOutbound,         // frames that the peer does not read
  kOutboundControl,  // PING, SETTINGS and the like (CVE-2019-9512, -9515)
  kEmptyFrames,      // CVE-2019-9518
  kPriority,         // CVE-2019-9513
  kWindowUpdate,
  kCount,
};

// "http2.inbound_empty_frames_flood".
std::string_view Http2FloodName(Http2Flood flood);

// So many at once, and so many more a second. Time in milliseconds.
class TokenBucket {
 public:
  TokenBucket(uint64_t burst, uint64_t per_second)
      : burst_(std::min(burst, kMost) * 1000), rate_(std::min(per_second, kMost)), thousandths_(burst_) {}
  // False when there is none left.
  bool Take(uint64_t now_ms);

 private:
  // More is as good as no limit, and less can't overflow.
  static constexpr uint64_t kMost = 1'000'000'000;

  const uint64_t burst_;
  const uint64_t rate_;
  uint64_t thousandths_;
  uint64_t last_ms_ = 0;
};

// Counts what comes in of a connection and says when it is too much. No input or output; loop-confined.
class Http2Guards {
 public:
  explicit Http2Guards(const Http2Options& options, uint32_t max_header_kb)
      : options_(options),
        resets_(options.stream_reset_burst, options.stream_reset_rate),
        control_(options.max_outbound_control_frames, options.max_outbound_control_frames / 10 + 1),
        max_continuations_(kFewContinuations + max_header_kb / 16) {}

  // A frame has begun. `type`, `flags` and `length` are those of its header.
  Http2Flood OnFrame(uint8_t type, uint8_t flags, size_t length, uint64_t now_ms);
  // A DATA frame with padding has come whole, with so much beside it.
  Http2Flood OnPaddedData(size_t payload, bool end_stream);
  // A stream was reset by the peer, or because of what the peer did.
  Http2Flood OnReset(uint64_t now_ms);
  // How much waits to be sent: control frames, and frames of any kind.
  Http2Flood OnOutbound(size_t control_frames, size_t frames) const;
  void OnStreamOpened() { ++streams_; }
  // A stream was answered to its end.
  void OnStreamAnswered() {
    free_resets_ = std::min({free_resets_ + 1, kMostFreeResets, options_.stream_reset_burst});
  }
  void OnDataSent() {
    ++data_sent_;
    OnDataMoved();
  }

  // For nghttp2, which counts them again.
  size_t max_continuations() const { return max_continuations_; }

 private:
  static constexpr size_t kFewContinuations = 8;
  static constexpr uint64_t kMostFreeResets = 100;

  Http2Flood OnEmpty(bool empty);
  Http2Flood OnControl(uint64_t now_ms) {
    return control_.Take(now_ms) ? Http2Flood::kNone : Http2Flood::kOutboundControl;
  }
  void OnDataMoved() { free_pings_ = std::min(free_pings_ + 1, options_.max_outbound_control_frames); }

  const Http2Options& options_;
  TokenBucket resets_;
  TokenBucket control_;
  const size_t max_continuations_;
  size_t continuations_ = 0;  // of the present head
  uint32_t empty_ = 0;        // in a row
  // PINGs that cost no token: one for each DATA frame. Peers that measure the delay and the rate of a
  // transfer, as gRPC's do, send one with each round trip, of which a fast network has thousands a second.
  uint32_t free_pings_ = 0;
  // Resets that cost no token: one for each stream that was answered. A client of many calls cancels some,
  // and who resets more than he lets be answered is none.
  uint64_t free_resets_ = 0;
  uint64_t streams_ = 0;
  uint64_t data_sent_ = 0;
  uint64_t priorities_ = 0;
  uint64_t window_updates_ = 0;
};

}  // namespace narthex
