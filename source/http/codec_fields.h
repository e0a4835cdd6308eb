#pragma once

#include <cstdint>

#include "source/http/header_names.h"

namespace narthex {

// Fields that a codec writes by itself, by the body and the connection, or that have no place on the wire:
// what a header map has of them is not sent. (One exception: the content-length of a response without a
// body.)
constexpr bool IsCodecsOwn(Header known) {
  constexpr auto bit = [](Header header) { return uint64_t{1} << static_cast<size_t>(header); };
  static_assert(static_cast<size_t>(Header::kCount) <= 64);
  constexpr uint64_t kOwn = bit(Header::kMethod) | bit(Header::kScheme) | bit(Header::kAuthority) |
                            bit(Header::kPath) | bit(Header::kProtocol) | bit(Header::kStatus) |
                            bit(Header::kHost) | bit(Header::kContentLength) |
                            bit(Header::kTransferEncoding) | bit(Header::kConnection) |
                            bit(Header::kKeepAlive) | bit(Header::kProxyConnection) | bit(Header::kUpgrade);
  return (bit(known) & kOwn) != 0;
}

}  // namespace narthex
