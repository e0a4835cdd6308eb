#pragma once

#include <string>
#include <string_view>

namespace narthex {

// The SHA-1 digest of `bytes`, as 20 bytes: for protocols that ask for it where nobody has to be withstood,
// such as the WebSocket handshake (RFC 6455 section 4). Never for signatures, keys or passwords. Any thread.
std::string Sha1(std::string_view bytes);

}  // namespace narthex
