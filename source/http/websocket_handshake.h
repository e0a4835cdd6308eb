#pragma once

#include <string>
#include <string_view>

namespace narthex {

// The proof of HTTP/1's WebSocket handshake that both ends mean it (RFC 6455 section 4), which HTTP/2's has
// not: a gateway between the two makes it up, and answers it. Any thread.
inline constexpr std::string_view kWebSocketKey = "sec-websocket-key";
inline constexpr std::string_view kWebSocketAccept = "sec-websocket-accept";

// A value that no other handshake has.
std::string NewWebSocketKey();
// What a server answers to `key`.
std::string WebSocketAccept(std::string_view key);

}  // namespace narthex
