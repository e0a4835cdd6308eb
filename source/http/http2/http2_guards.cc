#include "source/http/http2/http2_guards.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <iterator>

namespace narthex {
namespace {

// In the order of Http2Flood; Envoy's names where it has one.
constexpr std::string_view kNames[] = {
    "",
    "http2.rx_reset_flood",
    "http2.continuation_flood",
    "http2.outbound_flood",
    "http2.outbound_control_flood",
    "http2.inbound_empty_frames_flood",
    "http2.inbound_priority_frames_flood",
    "http2.inbound_window_update_frames_flood",
};
static_assert(std::size(kNames) == static_cast<size_t>(Http2Flood::kCount));

constexpr uint64_t kThousand = 1000;

}  // namespace

std::string_view Http2FloodName(Http2Flood flood) {
  return kNames[static_cast<size_t>(flood)];
}

bool TokenBucket::Take(uint64_t now_ms) {
  // A token a second is a thousandth of one a millisecond. What a day brings fills every bucket.
  const uint64_t passed = std::min<uint64_t>(now_ms - std::min(last_ms_, now_ms), 24 * 3600 * kThousand);
  last_ms_ = now_ms;
  thousandths_ = std::min(burst_, thousandths_ + passed * rate_);
  if (thousandths_ < kThousand) return false;
  thousandths_ -= kThousand;
  return true;
}

Http2Flood Http2Guards::OnEmpty(bool empty) {
  if (!empty) {
    empty_ = 0;
    return Http2Flood::kNone;
  }
  return ++empty_ > options_.max_consecutive_inbound_frames_with_empty_payload ? Http2Flood::kEmptyFrames
                                                                               : Http2Flood::kNone;
}

Http2Flood Http2Guards::OnFrame(uint8_t type, uint8_t flags, size_t length, uint64_t now_ms) {
  switch (type) {
    case NGHTTP2_DATA:
      if (length > 0) OnDataMoved();
      // That way one for a stream that is gone, which nobody looks into, counts as well.
      return (flags & NGHTTP2_FLAG_PADDED) != 0
                 ? Http2Flood::kNone
                 : OnEmpty(length == 0 && (flags & NGHTTP2_FLAG_END_STREAM) == 0);
    case NGHTTP2_HEADERS:
      continuations_ = 0;
      return OnEmpty(length == 0 && (flags & (NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM)) == 0);
    case NGHTTP2_CONTINUATION:
      if (++continuations_ > max_continuations_) return Http2Flood::kContinuation;
      return OnEmpty(length == 0 && (flags & NGHTTP2_FLAG_END_HEADERS) == 0);
    case NGHTTP2_PRIORITY:
      ++priorities_;
      return priorities_ > options_.max_inbound_priority_frames_per_stream * (1 + streams_)
                 ? Http2Flood::kPriority
                 : Http2Flood::kNone;
    case NGHTTP2_WINDOW_UPDATE: {
      // Envoy's allowance: two a stream, and so many for each DATA frame that they may answer.
      const uint64_t each = options_.max_inbound_window_update_frames_per_data_frame_sent;
      ++window_updates_;
      return window_updates_ > 5 + 2 * (streams_ + each * data_sent_) ? Http2Flood::kWindowUpdate
                                                                      : Http2Flood::kNone;
    }
    case NGHTTP2_RST_STREAM:
      return Http2Flood::kNone;  // see OnReset
    case NGHTTP2_PING:
      // Whoever measures the way while data moves sends one with each round trip.
      if (free_pings_ == 0) return OnControl(now_ms);
      --free_pings_;
      return Http2Flood::kNone;
    default:
      // SETTINGS, GOAWAY and kinds that nobody knows: each costs us something, and some an answer.
      return OnControl(now_ms);
  }
}

Http2Flood Http2Guards::OnReset(uint64_t now_ms) {
  if (free_resets_ > 0) {
    --free_resets_;
    return Http2Flood::kNone;
  }
  return resets_.Take(now_ms) ? Http2Flood::kNone : Http2Flood::kReset;
}

Http2Flood Http2Guards::OnPaddedData(size_t payload, bool end_stream) {
  return OnEmpty(payload == 0 && !end_stream);
}

Http2Flood Http2Guards::OnOutbound(size_t control_frames, size_t frames) const {
  if (control_frames > options_.max_outbound_control_frames) return Http2Flood::kOutboundControl;
  return frames > options_.max_outbound_frames ? Http2Flood::kOutbound : Http2Flood::kNone;
}

}  // namespace narthex
