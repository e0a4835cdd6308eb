#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "source/net/address.h"

namespace narthex {

// The PROXY protocol: a header in front of a connection's first byte that says whom the sender speaks for
// (HAProxy's proxy-protocol.txt, versions 1 and 2). Pure functions; thread-safe.

// What the beginning of a connection is, as far as it has come.
struct ProxyHeader {
  enum class Kind {
    kNeedMore,  // what is here may become a header
    kNone,      // this is no header
    kBad,       // this is a header, and a wrong one: `error` says why
    kHeader,
  };
  Kind kind = Kind::kNeedMore;
  int version = 0;  // 1 or 2, as soon as it is known
  // kHeader: bytes of the header. kNeedMore of version 2: how many bytes it will have, or 0 when that is not
  // known yet.
  size_t size = 0;
  // kHeader: the addresses of the connection that the sender speaks for; both empty when it speaks for itself
  // (LOCAL, UNKNOWN, UNSPEC) or of addresses that are not IP.
  Address source;
  Address destination;
  std::string_view error;
};

// The longest header that is accepted. Version 2 could announce 64 KiB of extensions; nobody sends that much.
inline constexpr size_t kMaxProxyHeader = 8 * 1024;
// The longest of version 1, its line end included.
inline constexpr size_t kMaxProxyHeaderV1 = 107;

// Reads the header at the front of `bytes`, which are all that has come so far.
ProxyHeader ParseProxyHeader(std::string_view bytes);

// The header of `version` 1 or 2 that says: this connection is of `source` to `destination`. Addresses that
// are not both IPv4 or both IPv6 give the header of a sender that speaks for itself.
std::string WriteProxyHeader(int version, const Address& source, const Address& destination);

}  // namespace narthex
