#include "source/http/websocket_handshake.h"

#include <array>
#include <cstring>

#include "absl/strings/escaping.h"
#include "source/base/random.h"
#include "source/tls/sha1.h"

namespace narthex {

std::string NewWebSocketKey() {
  const std::array<uint64_t, 2> random = {Random64(), Random64()};
  std::string bytes(sizeof random, '\0');
  std::memcpy(bytes.data(), random.data(), sizeof random);
  return absl::Base64Escape(bytes);
}

std::string WebSocketAccept(std::string_view key) {
  std::string proof(key);
  proof += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  return absl::Base64Escape(Sha1(proof));
}

}  // namespace narthex
