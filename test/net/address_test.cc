#include "source/net/address.h"

#include <cstring>

#include "gtest/gtest.h"

namespace narthex {
namespace {

Address Ip(std::string_view text, uint16_t port = 0) {
  absl::StatusOr<Address> address = Address::Ip(text, port);
  EXPECT_TRUE(address.ok()) << text;
  return address.value_or(Address());
}

Cidr Prefix(std::string_view ip, uint32_t length) {
  absl::StatusOr<Cidr> cidr = Cidr::Make(ip, length);
  EXPECT_TRUE(cidr.ok()) << ip << "/" << length;
  return *cidr;
}

TEST(Address, ReadsAndWritesIpAddresses) {
  EXPECT_EQ(Ip("10.0.0.1", 80).ToString(), "10.0.0.1:80");
  EXPECT_EQ(Ip("255.255.255.255").IpString(), "255.255.255.255");
  EXPECT_EQ(Ip("::1", 80).ToString(), "[::1]:80");
  EXPECT_EQ(Ip("2001:DB8:0:0:0:0:0:1", 65535).ToString(), "[2001:db8::1]:65535");
  EXPECT_EQ(Ip("::ffff:10.0.0.1").IpString(), "::ffff:10.0.0.1");
  EXPECT_EQ(Ip("10.0.0.1", 80).port(), 80);
  EXPECT_EQ(Ip("::1", 443).family(), AF_INET6);
}

TEST(Address, RefusesWhatIsNoIpAddress) {
  for (const char* text : {"", "localhost", "10.0.0", "10.0.0.256", "10.0.0.1:80", "[::1]", "1::2::3",
                           "010.0.0.1", " 10.0.0.1", "::1%no-such-zone"}) {
    EXPECT_FALSE(Address::Ip(text, 0).ok()) << text;
  }
}

TEST(Address, KeepsAnIpv6Zone) {
  const Address zoned = Ip("fe80::1%lo");
  EXPECT_EQ(zoned.IpString(), "fe80::1");
  EXPECT_FALSE(zoned == Ip("fe80::1"));
}

TEST(Address, KnowsUnixSockets) {
  absl::StatusOr<Address> file = Address::Unix("/run/narthex.sock");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->ToString(), "/run/narthex.sock");
  EXPECT_FALSE(file->is_ip());
  EXPECT_TRUE(file->is_loopback());
  EXPECT_EQ(file->port(), 0);
  absl::StatusOr<Address> abstract = Address::Unix("@narthex");
  ASSERT_TRUE(abstract.ok());
  EXPECT_EQ(abstract->ToString(), "@narthex");
  EXPECT_EQ(reinterpret_cast<const sockaddr_un*>(abstract->sockaddr_ptr())->sun_path[0], '\0');
  EXPECT_FALSE(*file == *abstract);
  EXPECT_TRUE(*file == *Address::Unix("/run/narthex.sock"));
}

TEST(Address, BoundsUnixPaths) {
  EXPECT_FALSE(Address::Unix("").ok());
  EXPECT_TRUE(Address::Unix(std::string(107, 'a')).ok());
  EXPECT_FALSE(Address::Unix(std::string(108, 'a')).ok());
}

TEST(Address, IsMadeOfWhatTheKernelSays) {
  const Address known = Ip("192.0.2.1", 7);
  EXPECT_TRUE(Address::FromSockaddr(known.sockaddr_ptr(), known.sockaddr_length()) == known);
  sockaddr_un unnamed = {};
  unnamed.sun_family = AF_UNIX;
  const Address client =
      Address::FromSockaddr(reinterpret_cast<sockaddr*>(&unnamed), sizeof unnamed.sun_family);
  EXPECT_EQ(client.ToString(), "");
  EXPECT_EQ(client.family(), AF_UNIX);
  sockaddr other = {};
  other.sa_family = AF_NETLINK;
  EXPECT_TRUE(Address::FromSockaddr(&other, sizeof other).empty());
}

TEST(Address, ComparesAllButUnusedBytes) {
  EXPECT_TRUE(Ip("10.0.0.1", 1) == Ip("10.0.0.1", 1));
  EXPECT_FALSE(Ip("10.0.0.1", 1) == Ip("10.0.0.1", 2));
  EXPECT_FALSE(Ip("10.0.0.1", 1) == Ip("10.0.0.2", 1));
  EXPECT_FALSE(Ip("::ffff:10.0.0.1", 1) == Ip("10.0.0.1", 1));
  EXPECT_TRUE(Address() == Address());
  EXPECT_TRUE(Ip("::1").WithPort(9) == Ip("::1", 9));
}

TEST(Address, SaysWhatIsLoopback) {
  EXPECT_TRUE(Ip("127.0.0.1").is_loopback());
  EXPECT_TRUE(Ip("127.255.0.1").is_loopback());
  EXPECT_TRUE(Ip("::1").is_loopback());
  EXPECT_FALSE(Ip("128.0.0.1").is_loopback());
  EXPECT_FALSE(Ip("::2").is_loopback());
  EXPECT_FALSE(Address().is_loopback());
}

TEST(Cidr, ContainsWhatSharesThePrefix) {
  const Cidr ten = Prefix("10.0.0.0", 8);
  EXPECT_TRUE(ten.Contains(Ip("10.255.0.1")));
  EXPECT_FALSE(ten.Contains(Ip("11.0.0.1")));
  EXPECT_TRUE(ten.Contains(Ip("::ffff:10.1.1.1")));
  EXPECT_FALSE(ten.Contains(Ip("a00::")));
  EXPECT_FALSE(ten.Contains(*Address::Unix("/x")));
  EXPECT_FALSE(ten.Contains(Address()));
  const Cidr odd = Prefix("192.168.16.0", 20);
  EXPECT_TRUE(odd.Contains(Ip("192.168.31.255")));
  EXPECT_FALSE(odd.Contains(Ip("192.168.32.0")));
  const Cidr six = Prefix("2001:db8::", 33);
  EXPECT_TRUE(six.Contains(Ip("2001:db8:7fff::1")));
  EXPECT_FALSE(six.Contains(Ip("2001:db8:8000::1")));
}

TEST(Cidr, TakesEveryLengthThatThereIs) {
  EXPECT_TRUE(Prefix("0.0.0.0", 0).Contains(Ip("203.0.113.9")));
  EXPECT_FALSE(Prefix("0.0.0.0", 0).Contains(Ip("2001:db8::1")));
  EXPECT_TRUE(Prefix("10.1.2.3", 32).Contains(Ip("10.1.2.3")));
  EXPECT_FALSE(Prefix("10.1.2.3", 32).Contains(Ip("10.1.2.2")));
  EXPECT_TRUE(Prefix("::1", 128).Contains(Ip("::1")));
  EXPECT_FALSE(Cidr::Make("10.0.0.0", 33).ok());
  EXPECT_FALSE(Cidr::Make("::", 129).ok());
  EXPECT_FALSE(Cidr::Make("ten", 8).ok());
}

// 10.1.2.3/8 is written now and then; the bits behind the prefix say nothing.
TEST(Cidr, IgnoresBitsBehindThePrefix) {
  EXPECT_TRUE(Prefix("10.1.2.3", 8).Contains(Ip("10.9.9.9")));
  EXPECT_TRUE(Prefix("10.1.2.3", 12).Contains(Ip("10.15.0.1")));
  EXPECT_EQ(Prefix("10.0.0.0", 8).ToString(), "10.0.0.0/8");
}

}  // namespace
}  // namespace narthex
