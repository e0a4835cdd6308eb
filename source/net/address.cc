#include "source/net/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace narthex {
namespace {

absl::Status Invalid(std::string_view what, std::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(absl::string_view(what.data(), what.size()), ": \"",
                                                 absl::string_view(text.data(), text.size()), "\""));
}

}  // namespace

absl::StatusOr<Address> Address::Ip(std::string_view ip, uint16_t port) {
  Address address;
  std::string text(ip);
  if (inet_pton(AF_INET, text.c_str(), &address.ip_.v4.sin_addr) == 1) {
    address.ip_.v4.sin_family = AF_INET;
    address.ip_.v4.sin_port = htons(port);
    address.length_ = sizeof(sockaddr_in);
    return address;
  }
  address.ip_.v6 = {};
  const size_t zone = text.find('%');
  if (zone != std::string::npos) {
    address.ip_.v6.sin6_scope_id = if_nametoindex(text.c_str() + zone + 1);
    if (address.ip_.v6.sin6_scope_id == 0) return Invalid("no such IPv6 zone", ip);
    text.resize(zone);
  }
  if (inet_pton(AF_INET6, text.c_str(), &address.ip_.v6.sin6_addr) != 1)
    return Invalid("not an IP address", ip);
  address.ip_.v6.sin6_family = AF_INET6;
  address.ip_.v6.sin6_port = htons(port);
  address.length_ = sizeof(sockaddr_in6);
  return address;
}

absl::StatusOr<Address> Address::Unix(std::string_view path) {
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  // One byte is kept for the terminating zero, and for the leading one of an abstract name.
  if (path.empty() || path.size() >= sizeof un.sun_path)
    return Invalid("a socket path has 1 to 107 bytes", path);
  std::memcpy(un.sun_path, path.data(), path.size());
  const bool abstract = path[0] == '@';
  if (abstract) un.sun_path[0] = '\0';
  const size_t length = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
  return FromSockaddr(reinterpret_cast<const sockaddr*>(&un), static_cast<socklen_t>(length));
}

Address Address::FromSockaddr(const sockaddr* from, socklen_t length) {
  Address address;
  if (from->sa_family == AF_UNIX) {
    auto un = std::make_shared<sockaddr_un>();
    std::memcpy(un.get(), from, std::min<size_t>(length, sizeof(sockaddr_un)));
    address.ip_.generic.sa_family = AF_UNIX;
    address.unix_ = std::move(un);
  } else if (from->sa_family == AF_INET || from->sa_family == AF_INET6) {
    std::memcpy(&address.ip_, from, std::min<size_t>(length, sizeof address.ip_));
  } else {
    return address;
  }
  address.length_ = length;
  return address;
}

Address Address::LocalOf(int fd) {
  sockaddr_storage storage = {};
  socklen_t length = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return FromSockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
}

Address Address::PeerOf(int fd) {
  sockaddr_storage storage = {};
  socklen_t length = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return FromSockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
}

const sockaddr* Address::sockaddr_ptr() const {
  return unix_ ? reinterpret_cast<const sockaddr*>(unix_.get()) : &ip_.generic;
}

bool Address::is_loopback() const {
  if (family() == AF_INET) return (ntohl(ip_.v4.sin_addr.s_addr) >> 24) == 127;
  if (family() == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&ip_.v6.sin6_addr);
  return family() == AF_UNIX;
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(ip_.v4.sin_port);
  if (family() == AF_INET6) return ntohs(ip_.v6.sin6_port);
  return 0;
}

Address Address::WithPort(uint16_t port) const {
  Address changed = *this;
  if (family() == AF_INET) changed.ip_.v4.sin_port = htons(port);
  if (family() == AF_INET6) changed.ip_.v6.sin6_port = htons(port);
  return changed;
}

namespace {

// inet_ntop goes through printf, and every request at an edge says its client's address.
std::string Ipv4Text(const in_addr& address) {
  char text[INET_ADDRSTRLEN];
  char* at = text;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&address);
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    at = std::to_chars(at, text + sizeof text, bytes[i]).ptr;
  }
  return std::string(text, at);
}

}  // namespace

std::string Address::IpString() const {
  if (family() == AF_INET) return Ipv4Text(ip_.v4.sin_addr);
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET6) inet_ntop(AF_INET6, &ip_.v6.sin6_addr, text, sizeof text);
  return text;
}

std::string Address::ToString() const {
  if (family() == AF_INET) return absl::StrCat(IpString(), ":", port());
  if (family() == AF_INET6) return absl::StrCat("[", IpString(), "]:", port());
  if (family() != AF_UNIX) return "";
  const size_t length = length_ - offsetof(sockaddr_un, sun_path);
  if (length == 0) return "";  // an unnamed socket: a client's end
  if (unix_->sun_path[0] == '\0') return absl::StrCat("@", std::string(unix_->sun_path + 1, length - 1));
  return std::string(unix_->sun_path, strnlen(unix_->sun_path, length));
}

bool Address::operator==(const Address& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (family() == AF_INET) return ip_.v4.sin_addr.s_addr == other.ip_.v4.sin_addr.s_addr;
  if (family() == AF_INET6) {
    return std::memcmp(&ip_.v6.sin6_addr, &other.ip_.v6.sin6_addr, sizeof(in6_addr)) == 0 &&
           ip_.v6.sin6_scope_id == other.ip_.v6.sin6_scope_id;
  }
  return ToString() == other.ToString();
}

absl::StatusOr<Cidr> Cidr::Make(std::string_view ip, uint32_t prefix_length) {
  absl::StatusOr<Address> address = Address::Ip(ip, 0);
  if (!address.ok()) return address.status();
  Cidr cidr;
  cidr.family_ = address->family();
  cidr.prefix_ = prefix_length;
  if (prefix_length > (cidr.family_ == AF_INET ? 32 : 128)) {
    return absl::InvalidArgumentError(absl::StrCat("prefix length ", prefix_length, " is too long"));
  }
  inet_pton(cidr.family_, address->IpString().c_str(), cidr.bytes_);
  return cidr;
}

bool Cidr::Contains(const Address& address) const {
  const uint8_t* bytes = nullptr;
  if (address.family() == AF_INET && family_ == AF_INET) {
    bytes = reinterpret_cast<const uint8_t*>(
        &reinterpret_cast<const sockaddr_in*>(address.sockaddr_ptr())->sin_addr);
  } else if (address.family() == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address.sockaddr_ptr())->sin6_addr;
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    if (family_ == AF_INET && mapped) bytes = v6.s6_addr + 12;
    if (family_ == AF_INET6) bytes = v6.s6_addr;
  }
  if (bytes == nullptr) return false;
  const uint32_t whole = prefix_ / 8, rest = prefix_ % 8;
  if (std::memcmp(bytes, bytes_, whole) != 0) return false;
  if (rest == 0) return true;
  const uint8_t mask = static_cast<uint8_t>(0xff << (8 - rest));
  return (bytes[whole] & mask) == (bytes_[whole] & mask);
}

std::string Cidr::ToString() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family_, bytes_, text, sizeof text);
  return absl::StrCat(text, "/", prefix_);
}

}  // namespace narthex
