#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "source/base/buffer.h"
#include "source/net/stream.h"

namespace narthex {

// What a connection has ready for its socket: bytes, and how many frames they are. Loop-confined.
class Http2Output {
 public:
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  void Append(std::string_view bytes) {
    taken_ += bytes.size();
    bytes_.Append(bytes);
  }
  void Append(Buffer bytes) {
    taken_ += bytes.size();
    bytes_.Append(std::move(bytes));
  }
  // A frame ends with what was appended last.
  void EndFrame() {
    ++ends_[taken_ / kStretch % ends_.size()];
    ++frames_;
  }
  // Those that are not on their way yet; may be more by those of one stretch.
  size_t frames() const { return frames_; }
  // Bytes that the stream has taken so far.
  uint64_t written() const { return taken_ - bytes_.size(); }

  IoResult WriteTo(Stream& stream) {
    const uint64_t before = written();
    const IoResult result = stream.Write(bytes_);
    if (bytes_.empty()) {
      ends_ = {};
      frames_ = 0;
      return result;
    }
    for (uint64_t gone = before / kStretch; gone < written() / kStretch; ++gone) {
      frames_ -= std::exchange(ends_[gone % ends_.size()], 0);
    }
    return result;
  }

 private:
  // Frames are counted by the stretch of bytes that they end in, and forgotten with it: those of a peer that
  // reads on, however slowly, must not add up. The stretches hold more than is ever made ready.
  static constexpr size_t kStretch = 8 * 1024;

  Buffer bytes_;
  uint64_t taken_ = 0;  // since the connection's beginning
  std::array<uint32_t, 32> ends_ = {};
  size_t frames_ = 0;
};

}  // namespace narthex
