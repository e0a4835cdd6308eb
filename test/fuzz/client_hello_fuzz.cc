#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "source/base/ascii.h"
#include "source/tls/client_hello.h"

namespace narthex {
namespace {

using State = ClientHello::State;

void Require(bool condition) {
  if (!condition) std::abort();
}

void RequireSame(const ClientHello& one, const ClientHello& other) {
  Require(one.state == other.state && one.server_name == other.server_name && one.alpn == other.alpn);
}

// What has been said once is said of every longer piece of the connection too.
void PeekInSteps(std::string_view bytes, const ClientHello& whole) {
  const size_t step = std::max<size_t>(1, bytes.size() / 64);
  for (size_t size = 0; size < bytes.size(); size += step) {
    const ClientHello part = ClientHello::Peek(bytes.substr(0, size));
    if (part.state != State::kNeedMore) return RequireSame(part, whole);
    Require(part.server_name.empty() && part.alpn.empty());
  }
}

// The message behind one record or several, in records of `size` bytes.
std::string InRecords(std::string_view bytes, size_t size) {
  std::string message, records;
  while (bytes.size() >= 5) {
    const size_t length = static_cast<uint8_t>(bytes[3]) << 8 | static_cast<uint8_t>(bytes[4]);
    message += bytes.substr(5, length);
    bytes.remove_prefix(std::min(bytes.size(), 5 + length));
  }
  for (size_t at = 0; at < message.size(); at += size) {
    const std::string fragment = message.substr(at, size);
    records += std::string("\x16\x03\x01", 3) + static_cast<char>(fragment.size() >> 8) +
               static_cast<char>(fragment.size() & 255) + fragment;
  }
  return records;
}

void RequireSound(std::string_view bytes, const ClientHello& hello) {
  Require(hello.server_name.empty() || IsHostName(hello.server_name));
  Require(hello.server_name == ToLowerAscii(hello.server_name));
  for (const std::string& protocol : hello.alpn) Require(!protocol.empty() && protocol.size() < 256);
  for (const size_t size : {1, 7, 1000}) RequireSame(ClientHello::Peek(InRecords(bytes, size)), hello);
}

}  // namespace
}  // namespace narthex

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using narthex::ClientHello;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ClientHello hello = ClientHello::Peek(bytes);
  narthex::PeekInSteps(bytes, hello);
  if (hello.state == ClientHello::State::kDone) {
    narthex::RequireSound(bytes, hello);
  } else {
    narthex::Require(hello.server_name.empty() && hello.alpn.empty());
  }
  return 0;
}
