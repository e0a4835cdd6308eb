#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace narthex {

// What is left to know of a client's streams by their numbers when nghttp2 has forgotten them: which of them
// it may still send messages on (RFC 9113 section 5.1). Loop-confined.
class Http2StreamIds {
 public:
  // The client has opened it.
  void OnOpened(int32_t id) { last_ = id; }
  // We have reset it: what the client sent before it knew is ignored.
  void OnReset(int32_t id) { reset_[resets_++ % reset_.size()] = id; }
  // GOAWAY says that no stream above `last` is served: what is sent on them is ignored.
  void OnFinal(int32_t last) { final_ = last; }

  bool IsLate(int32_t id) const { return id > final_; }
  // Of those up to `last`.
  int32_t LastServed(int32_t last) const { return std::min(last, final_); }
  // Whether the client itself has closed the stream. REQUIRES: it is none that is open.
  bool ClosedByClient(int32_t id) const {
    if (id % 2 == 0 || id > last_ || IsLate(id)) return false;
    // Older resets than are kept can't be told from the client's.
    const bool forgotten = resets_ > reset_.size() && id < reset_[resets_ % reset_.size()];
    return !forgotten && std::find(reset_.begin(), reset_.end(), id) == reset_.end();
  }

 private:
  int32_t last_ = 0;
  int32_t final_ = std::numeric_limits<int32_t>::max();
  std::array<int32_t, 128> reset_ = {};  // the last ones
  size_t resets_ = 0;
};

}  // namespace narthex
