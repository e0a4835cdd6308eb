#include <cstdint>
#include <string_view>

#include "source/http/websocket_frames.h"
#include "test/fuzz/pieces.h"

namespace narthex {
namespace {

// The oracle: one frame after the other from the whole bytes. Whether a close frame may follow them.
bool MayCloseBehind(std::string_view bytes) {
  while (!bytes.empty()) {
    if (bytes.size() < 2) return false;
    const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    uint64_t length = at(1) & 0x7f;
    size_t head = 2;
    if (length >= 126) {
      const size_t more = length == 126 ? 2 : 8;
      if (bytes.size() < head + more) return false;
      length = 0;
      for (size_t i = 0; i < more; ++i) length = length * 256 + at(head + i);
      head += more;
    }
    if ((at(1) & 0x80) != 0) head += 4;
    const bool is_close = (at(0) & 0x0f) == 8;
    if (is_close || length > INT64_MAX || bytes.size() < head || bytes.size() - head < length) return false;
    bytes.remove_prefix(head + static_cast<size_t>(length));
  }
  return true;
}

// Wherever the bytes are cut, as text or in buffers, they mean the same.
void Check(std::string_view input, uint32_t seed) {
  WebSocketFrames texts, buffers;
  for (Pieces pieces(input, seed); !pieces.empty();) {
    const std::string_view piece = pieces.Next();
    texts.Follow(piece);
    buffers.Follow(Buffer(piece));
  }
  const bool may = MayCloseBehind(input);
  Require(texts.MayClose() == may);
  Require(buffers.MayClose() == may);
}

}  // namespace
}  // namespace narthex

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (uint32_t seed = 1; seed <= 6; ++seed) narthex::Check(input, seed);
  return 0;
}
