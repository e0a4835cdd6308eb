#include "source/net/proxy_protocol.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace narthex {

namespace {

using Kind = ProxyHeader::Kind;

constexpr std::string_view kSignatureV1 = "PROXY ";
constexpr std::string_view kSignatureV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixedV2 = 16;  // signature, version and command, family, length
constexpr uint8_t kCommandLocal = 0x20, kCommandProxy = 0x21;
constexpr uint8_t kTcp4 = 0x11, kTcp6 = 0x21;
constexpr size_t kTlvHead = 3;  // type, length

ProxyHeader Bad(int version, std::string_view why) {
  ProxyHeader header;
  header.kind = Kind::kBad;
  header.version = version;
  header.error = why;
  return header;
}

ProxyHeader Good(int version, size_t size) {
  ProxyHeader header;
  header.kind = Kind::kHeader;
  header.version = version;
  header.size = size;
  return header;
}

bool StartsLike(std::string_view bytes, std::string_view signature) {
  return bytes.substr(0, signature.size()) == signature.substr(0, bytes.size());
}

// The word before the next space, which goes too.
std::string_view NextWord(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// False unless `ip` is written as version 1 asks: IPv4 as four decimals, IPv6 without a zone.
bool ReadAddress(std::string_view ip, std::string_view port_text, int family, Address& into) {
  uint16_t port = 0;
  const char* const end = port_text.data() + port_text.size();
  const auto [stopped, error] = std::from_chars(port_text.data(), end, port);
  const bool leading_zero = port_text.size() > 1 && port_text[0] == '0';
  if (error != std::errc() || stopped != end || leading_zero || ip.find('%') != std::string_view::npos) {
    return false;
  }
  absl::StatusOr<Address> address = Address::Ip(ip, port);
  if (!address.ok() || address->family() != family) return false;
  into = *std::move(address);
  return true;
}

// `line` is what stands between the signature and the line's end.
ProxyHeader ReadLine(std::string_view line, size_t size) {
  ProxyHeader header = Good(1, size);
  const std::string_view protocol = NextWord(line);
  // Whatever follows UNKNOWN is not to be looked at.
  if (protocol == "UNKNOWN") return header;
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  if (protocol != "TCP4" && protocol != "TCP6") return Bad(1, "neither TCP4, TCP6 nor UNKNOWN");
  // Source, destination, their ports; what stands behind the last makes it no number.
  std::array<std::string_view, 4> words;
  for (size_t i = 0; i + 1 < words.size(); ++i) words[i] = NextWord(line);
  words.back() = line;
  if (!ReadAddress(words[0], words[2], family, header.source)) return Bad(1, "the source is no such address");
  if (!ReadAddress(words[1], words[3], family, header.destination)) {
    return Bad(1, "the destination is no such address");
  }
  return header;
}

ProxyHeader ParseV1(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, kMaxProxyHeaderV1);
  const size_t end = head.find('\n');
  if (end == std::string_view::npos) {
    if (head.size() == kMaxProxyHeaderV1) return Bad(1, "the line is too long");
    ProxyHeader more;
    more.version = 1;
    return more;
  }
  if (head[end - 1] != '\r') return Bad(1, "the line does not end with CR LF");
  const std::string_view line = head.substr(kSignatureV1.size(), end - 1 - kSignatureV1.size());
  return ReadLine(line, end + 1);
}

uint16_t ReadUint16(std::string_view bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1]));
}

// Two addresses of `length` bytes each and two ports, as both families of version 2 have them.
void ReadAddresses(std::string_view bytes, int family, size_t length, ProxyHeader& into) {
  const auto read = [&](size_t at, size_t port_at) {
    const uint16_t port = htons(ReadUint16(bytes.substr(port_at)));
    if (family == AF_INET) {
      sockaddr_in address = {};
      address.sin_family = AF_INET;
      address.sin_port = port;
      std::memcpy(&address.sin_addr, bytes.data() + at, length);
      return Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_port = port;
    std::memcpy(&address.sin6_addr, bytes.data() + at, length);
    return Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  };
  into.source = read(0, 2 * length);
  into.destination = read(length, 2 * length + sizeof(uint16_t));
}

// Whether the extensions fill exactly what is left.
bool ExtensionsFit(std::string_view bytes) {
  while (!bytes.empty()) {
    if (bytes.size() < kTlvHead) return false;
    const size_t size = kTlvHead + ReadUint16(bytes.substr(1));
    if (bytes.size() < size) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

ProxyHeader ReadV2(std::string_view bytes) {
  ProxyHeader header = Good(2, bytes.size());
  const auto command = static_cast<uint8_t>(bytes[12]);
  const auto family = static_cast<uint8_t>(bytes[13]);
  if (command == kCommandLocal) return header;
  std::string_view rest = bytes.substr(kFixedV2);
  // Of other families, UNSPEC and Unix sockets among them, nothing is known that could be of use.
  if (family != kTcp4 && family != kTcp6) {
    return (family & 0x0F) == 2 ? Bad(2, "datagrams are not spoken here") : header;
  }
  const size_t length = family == kTcp4 ? sizeof(in_addr) : sizeof(in6_addr);
  const size_t all = 2 * (length + sizeof(uint16_t));
  if (rest.size() < all) return Bad(2, "too short for its addresses");
  if (!ExtensionsFit(rest.substr(all))) return Bad(2, "an extension is longer than the header");
  ReadAddresses(rest, family == kTcp4 ? AF_INET : AF_INET6, length, header);
  return header;
}

ProxyHeader ParseV2(std::string_view bytes) {
  ProxyHeader more;
  more.version = 2;
  if (bytes.size() < kFixedV2) return more;
  const auto command = static_cast<uint8_t>(bytes[12]);
  const auto family = static_cast<uint8_t>(bytes[13]);
  if (command != kCommandLocal && command != kCommandProxy) return Bad(2, "an unknown version or command");
  if ((family >> 4) > 3 || (family & 0x0F) > 2) return Bad(2, "an unknown family or protocol");
  more.size = kFixedV2 + ReadUint16(bytes.substr(14));
  if (more.size > kMaxProxyHeader) return Bad(2, "the header is too long");
  return bytes.size() < more.size ? more : ReadV2(bytes.substr(0, more.size));
}

std::string WriteV1(const Address& source, const Address& destination, bool known) {
  if (!known) return "PROXY UNKNOWN\r\n";
  return std::string(source.family() == AF_INET ? "PROXY TCP4 " : "PROXY TCP6 ") + source.IpString() + ' ' +
         destination.IpString() + ' ' + std::to_string(source.port()) + ' ' +
         std::to_string(destination.port()) + "\r\n";
}

void AppendUint16(uint16_t value, std::string& to) {
  to += static_cast<char>(value >> 8);
  to += static_cast<char>(value & 0xFF);
}

void AppendIp(const Address& address, std::string& to) {
  if (address.family() == AF_INET) {
    const auto& v4 = *reinterpret_cast<const sockaddr_in*>(address.sockaddr_ptr());
    to.append(reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr);
  } else {
    const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(address.sockaddr_ptr());
    to.append(reinterpret_cast<const char*>(&v6.sin6_addr), sizeof v6.sin6_addr);
  }
}

std::string WriteV2(const Address& source, const Address& destination, bool known) {
  std::string header(kSignatureV2);
  header += static_cast<char>(known ? kCommandProxy : kCommandLocal);
  const bool v4 = known && source.family() == AF_INET;
  header += static_cast<char>(!known ? 0 : v4 ? kTcp4 : kTcp6);
  if (!known) return header.append(2, '\0');
  AppendUint16(static_cast<uint16_t>(2 * ((v4 ? sizeof(in_addr) : sizeof(in6_addr)) + 2)), header);
  AppendIp(source, header);
  AppendIp(destination, header);
  AppendUint16(source.port(), header);
  AppendUint16(destination.port(), header);
  return header;
}

}  // namespace

ProxyHeader ParseProxyHeader(std::string_view bytes) {
  if (StartsLike(bytes, kSignatureV1))
    return bytes.size() < kSignatureV1.size() ? ProxyHeader() : ParseV1(bytes);
  if (StartsLike(bytes, kSignatureV2))
    return bytes.size() < kSignatureV2.size() ? ProxyHeader() : ParseV2(bytes);
  ProxyHeader none;
  none.kind = Kind::kNone;
  return none;
}

std::string WriteProxyHeader(int version, const Address& source, const Address& destination) {
  const bool known = source.is_ip() && source.family() == destination.family();
  return version == 1 ? WriteV1(source, destination, known) : WriteV2(source, destination, known);
}

}  // namespace narthex
