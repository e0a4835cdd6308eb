#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace narthex {

// What the first bytes of a connection say before any of them is taken: how a filter chain is chosen by
// server name or protocol (`tls_inspector`).
struct ClientHello {
  enum class State {
    kNeedMore,   // a ClientHello so far
    kNotTls,     // the client speaks something else
    kMalformed,  // TLS, but no ClientHello that a handshake would accept
    kDone,
  };
  State state = State::kNeedMore;
  std::string server_name;        // a host name in lower case (RFC 6066 section 3); empty without one
  std::vector<std::string> alpn;  // in the client's order (RFC 7301)

  // More bytes than that are kMalformed.
  static constexpr size_t kMaxBytes = 16 * 1024;
  // Reads the bytes that have come so far, from the connection's first. Pure.
  static ClientHello Peek(std::string_view bytes);
};

// The name in the body of a server_name extension, in lower case, in the place of what `name` was; false when
// it is malformed or no host name.
bool ParseServerName(std::string_view extension, std::string& name);
// Whether `name` is a host name in letters, digits, '-', '_' and dots, with labels of 1 to 63 bytes, at most
// 253 bytes.
bool IsHostName(std::string_view name);

}  // namespace narthex
