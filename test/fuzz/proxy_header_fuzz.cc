// The beginning of a connection, as a PROXY header of version 1 or 2 or as none. What has been decided holds
// for every longer beginning; a header that is taken lies within its limits and says what it would say if we
// had written it.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/net/proxy_protocol.h"
#include "test/fuzz/pieces.h"

namespace narthex {
namespace {

using Kind = ProxyHeader::Kind;

void RequireSame(const ProxyHeader& one, const ProxyHeader& other) {
  Require(one.kind == other.kind && one.version == other.version && one.error == other.error);
  Require(one.kind != Kind::kHeader || one.size == other.size);
  Require(one.source.ToString() == other.source.ToString());
  Require(one.destination.ToString() == other.destination.ToString());
}

// Byte by byte at the front, where everything is decided, then in steps.
void ReadInSteps(std::string_view bytes, const ProxyHeader& whole) {
  constexpr size_t kEachByte = 256;
  size_t announced = 0;
  for (size_t size = 0; size < bytes.size(); size += size < kEachByte ? 1 : kEachByte) {
    const ProxyHeader part = ParseProxyHeader(bytes.substr(0, size));
    if (part.kind != Kind::kNeedMore) return RequireSame(part, whole);
    Require(part.source.empty() && part.destination.empty());
    // What version 2 has announced stays, is more than has come, and is no more than is taken.
    Require(announced == 0 || part.size == announced);
    announced = part.size;
    Require(announced == 0 || (part.version == 2 && announced > size && announced <= kMaxProxyHeader));
    Require(part.version != 1 || size < kMaxProxyHeaderV1);
  }
}

void CheckHeader(std::string_view bytes, const ProxyHeader& header) {
  Require(header.version == 1 || header.version == 2);
  Require(header.size > 0 && header.size <= bytes.size());
  Require(header.size <= (header.version == 1 ? kMaxProxyHeaderV1 : kMaxProxyHeader));
  RequireSame(ParseProxyHeader(bytes.substr(0, header.size)), header);
  Require(header.source.empty() == header.destination.empty());
  if (header.source.empty()) return;
  Require(header.source.is_ip() && header.source.family() == header.destination.family());
  for (const int version : {1, 2}) {
    const std::string written = WriteProxyHeader(version, header.source, header.destination);
    const ProxyHeader again = ParseProxyHeader(written + "GET / HTTP/1.1\r\n");
    Require(again.kind == Kind::kHeader && again.size == written.size() && again.version == version);
    Require(again.source.ToString() == header.source.ToString());
    Require(again.destination.ToString() == header.destination.ToString());
  }
}

}  // namespace
}  // namespace narthex

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using narthex::ProxyHeader;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader header = narthex::ParseProxyHeader(bytes);
  narthex::ReadInSteps(bytes, header);
  narthex::Require((header.kind == ProxyHeader::Kind::kBad) == !header.error.empty());
  if (header.kind == ProxyHeader::Kind::kHeader) narthex::CheckHeader(bytes, header);
  return 0;
}
