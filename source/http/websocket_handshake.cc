#include "source/http/websocket_handshake.h"

#include <openssl/sha.h>

#include <array>
#include <cstring>

#include "absl/strings/escaping.h"
#include "source/base/random.h"

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
  std::string digest(SHA_DIGEST_LENGTH, '\0');
  SHA1(reinterpret_cast<const unsigned char*>(proof.data()), proof.size(),
       reinterpret_cast<unsigned char*>(digest.data()));
  return absl::Base64Escape(digest);
}

}  // namespace narthex
