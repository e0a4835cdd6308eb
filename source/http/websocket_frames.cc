#include "source/http/websocket_frames.h"

#include <algorithm>

namespace narthex {
namespace {

constexpr uint8_t kCloseOpcode = 8;
constexpr uint8_t kMasked = 0x80;
constexpr size_t kMaskSize = 4;
constexpr uint16_t kGoingAway = 1001;

// How many bytes of length follow the first two.
size_t LengthBytes(uint8_t second) {
  switch (second & 0x7f) {
    case 126:
      return 2;
    case 127:
      return 8;
    default:
      return 0;
  }
}

size_t HeadSize(char second) {
  const auto bits = static_cast<uint8_t>(second);
  return 2 + LengthBytes(bits) + ((bits & kMasked) != 0 ? kMaskSize : 0);
}

char Byte(unsigned value) {
  return static_cast<char>(value & 0xff);
}

}  // namespace

// Takes the whole head that `at` begins with.
void WebSocketFrames::TakeHead(const char* at) {
  const auto byte = [at](size_t i) { return static_cast<uint8_t>(at[i]); };
  const size_t bytes = LengthBytes(byte(1));
  left_ = bytes == 0 ? byte(1) & 0x7f : 0;
  for (size_t i = 0; i < bytes; ++i) left_ = left_ << 8 | byte(2 + i);
  // A length has 63 bits: this is no frame.
  over_ = (byte(0) & 0x0f) == kCloseOpcode || left_ >> 63 != 0;
}

// Takes one byte of a head that is not here whole.
void WebSocketFrames::Gather(char byte) {
  head_[have_++] = byte;
  if (have_ < 2 || have_ < HeadSize(head_[1])) return;
  have_ = 0;
  TakeHead(head_.data());
}

void WebSocketFrames::Follow(std::string_view bytes) {
  while (!bytes.empty() && !over_) {
    size_t taken = 1;
    if (left_ > 0) {
      taken = std::min<uint64_t>(left_, bytes.size());
      left_ -= taken;
    } else if (have_ == 0 && bytes.size() >= kMostHead) {
      taken = HeadSize(bytes[1]);
      TakeHead(bytes.data());
    } else {
      Gather(bytes.front());
    }
    bytes.remove_prefix(taken);
  }
}

void WebSocketFrames::Follow(const Buffer& bytes) {
  if (over_) return;
  // Most of what goes by lies within a frame.
  if (left_ >= bytes.size()) {
    left_ -= bytes.size();
    return;
  }
  constexpr size_t kMostPieces = 64;
  std::array<iovec, kMostPieces> pieces;
  const size_t count = bytes.Vectors(pieces.data(), pieces.size());
  size_t seen = 0;
  for (size_t i = 0; i < count; ++i) {
    Follow(std::string_view(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len));
    seen += pieces[i].iov_len;
  }
  // What was not seen can't be followed.
  if (seen < bytes.size()) over_ = true;
}

std::string GoingAwayFromServer() {
  return {Byte(0x80 | kCloseOpcode), Byte(sizeof kGoingAway), Byte(kGoingAway >> 8), Byte(kGoingAway)};
}

std::string GoingAwayFromClient(uint32_t mask) {
  std::string frame = {Byte(0x80 | kCloseOpcode), Byte(kMasked | sizeof kGoingAway)};
  for (int shift = 24; shift >= 0; shift -= 8) frame += Byte(mask >> shift);
  frame += Byte((kGoingAway >> 8) ^ (mask >> 24));
  frame += Byte(kGoingAway ^ (mask >> 16));
  return frame;
}

}  // namespace narthex
