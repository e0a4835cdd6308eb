#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace narthex {

// An IPv4, IPv6 or Unix socket address. Immutable value, thread-safe.
class Address {
 public:
  Address() = default;
  // An IP address in text (no brackets, IPv6 zone allowed) and a port. Never resolves names.
  static absl::StatusOr<Address> Ip(std::string_view ip, uint16_t port);
  // A path in the file system, or in the abstract namespace when it begins with '@'.
  static absl::StatusOr<Address> Unix(std::string_view path);
  static Address FromSockaddr(const sockaddr* address, socklen_t length);
  // Of a socket, this side's and the other's; empty when it has none.
  static Address LocalOf(int fd);
  static Address PeerOf(int fd);

  bool empty() const { return length_ == 0; }
  bool is_ip() const { return family() == AF_INET || family() == AF_INET6; }
  bool is_loopback() const;
  int family() const { return length_ == 0 ? AF_UNSPEC : ip_.generic.sa_family; }
  uint16_t port() const;
  Address WithPort(uint16_t port) const;

  // "10.0.0.1:80", "[::1]:80", "/run/x.sock".
  std::string ToString() const;
  // Without the port: "10.0.0.1", "::1".
  std::string IpString() const;

  const sockaddr* sockaddr_ptr() const;
  socklen_t sockaddr_length() const { return length_; }

  bool operator==(const Address& other) const;

 private:
  // Small, because every connection holds two: the long Unix form is kept aside.
  union {
    sockaddr generic;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } ip_ = {};
  std::shared_ptr<const sockaddr_un> unix_;
  socklen_t length_ = 0;
};

// An address prefix, as "10.0.0.0/8". Immutable.
class Cidr {
 public:
  static absl::StatusOr<Cidr> Make(std::string_view ip, uint32_t prefix_length);
  // True for IPv4 addresses inside, and for IPv4-mapped IPv6 ones.
  bool Contains(const Address& address) const;
  std::string ToString() const;

 private:
  uint8_t bytes_[16] = {};
  uint32_t prefix_ = 0;
  int family_ = AF_UNSPEC;
};

}  // namespace narthex
