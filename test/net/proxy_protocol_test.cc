#include "source/net/proxy_protocol.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

using Kind = ProxyHeader::Kind;

Address Ip(const char* ip, uint16_t port) {
  return *Address::Ip(ip, port);
}

// A header of version 2 with this command, family and what follows the length.
std::string V2(uint8_t command, uint8_t family, const std::string& rest) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  bytes += static_cast<char>(rest.size() >> 8);
  bytes += static_cast<char>(rest.size() & 0xFF);
  return bytes + rest;
}

const std::string kFour("\x0A\x00\x00\x01\x0A\x00\x00\x02\x1F\x90\x00\x50", 12);

TEST(ProxyProtocol, ReadsVersion1) {
  const std::string text = "PROXY TCP4 10.0.0.1 10.0.0.2 8080 80\r\n";
  const ProxyHeader header = ParseProxyHeader(text + "GET / HTTP/1.1\r\n");
  ASSERT_EQ(header.kind, Kind::kHeader) << header.error;
  EXPECT_EQ(header.version, 1);
  EXPECT_EQ(header.size, text.size());
  EXPECT_EQ(header.source, Ip("10.0.0.1", 8080));
  EXPECT_EQ(header.destination, Ip("10.0.0.2", 80));
}

TEST(ProxyProtocol, ReadsVersion1OfIpv6AndUnknown) {
  const ProxyHeader six = ParseProxyHeader("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
  ASSERT_EQ(six.kind, Kind::kHeader) << six.error;
  EXPECT_EQ(six.source, Ip("2001:db8::1", 1));
  EXPECT_EQ(six.destination, Ip("::1", 65535));
  for (const char* text : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN whatever this is\r\n"}) {
    const ProxyHeader unknown = ParseProxyHeader(text);
    EXPECT_EQ(unknown.kind, Kind::kHeader) << unknown.error;
    EXPECT_TRUE(unknown.source.empty());
  }
}

TEST(ProxyProtocol, RefusesWrongVersion1) {
  for (const char* text :
       {"PROXY TCP4 10.0.0.1 10.0.0.2 8080 80\n", "PROXY TCP4 10.0.0.1 10.0.0.2 8080 80 \r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 8080\r\n", "PROXY TCP4 10.0.0.1 10.0.0.2 8080 65536\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 08080 80\r\n", "PROXY TCP4 10.0.0.1 10.0.0.2 -1 80\r\n",
        "PROXY TCP4 10.0.0.1 ::1 8080 80\r\n", "PROXY TCP6 10.0.0.1 10.0.0.2 8080 80\r\n",
        "PROXY TCP4 10.0.0 10.0.0.2 8080 80\r\n", "PROXY TCP4  10.0.0.1 10.0.0.2 8080 80\r\n",
        "PROXY TCP6 fe80::1%1 fe80::2 1 2\r\n", "PROXY UDP4 10.0.0.1 10.0.0.2 1 2\r\n", "PROXY \r\n",
        "PROXY tcp4 10.0.0.1 10.0.0.2 1 2\r\n", "PROXY TCP4 a.test 10.0.0.2 1 2\r\n", "PROXY \n"}) {
    EXPECT_EQ(ParseProxyHeader(text).kind, Kind::kBad) << text;
  }
  EXPECT_EQ(ParseProxyHeader("PROXY UNKNOWN" + std::string(94, 'x')).kind, Kind::kBad);
}

TEST(ProxyProtocol, ReadsVersion2) {
  const std::string tlv("\x04\x00\x02zz", 5);
  const std::string bytes = V2(0x21, 0x11, kFour + tlv);
  const ProxyHeader header = ParseProxyHeader(bytes + "GET");
  ASSERT_EQ(header.kind, Kind::kHeader) << header.error;
  EXPECT_EQ(header.version, 2);
  EXPECT_EQ(header.size, bytes.size());
  EXPECT_EQ(header.source, Ip("10.0.0.1", 8080));
  EXPECT_EQ(header.destination, Ip("10.0.0.2", 80));
}

TEST(ProxyProtocol, Version2MaySpeakForItself) {
  const std::string unix_addresses(216, 'x');
  for (const std::string& bytes :
       {V2(0x20, 0x00, ""), V2(0x20, 0x11, "anything"), V2(0x21, 0x00, ""), V2(0x21, 0x31, unix_addresses)}) {
    const ProxyHeader header = ParseProxyHeader(bytes);
    EXPECT_EQ(header.kind, Kind::kHeader) << header.error;
    EXPECT_EQ(header.size, bytes.size());
    EXPECT_TRUE(header.source.empty());
    EXPECT_TRUE(header.destination.empty());
  }
}

TEST(ProxyProtocol, RefusesWrongVersion2) {
  const std::string open_tlv("\x04\x00\x09zz", 5), half_tlv("\x04\x00", 2);
  for (const std::string& bytes :
       {V2(0x11, 0x11, kFour), V2(0x31, 0x11, kFour), V2(0x22, 0x11, kFour), V2(0x21, 0x41, kFour),
        V2(0x21, 0x13, kFour), V2(0x21, 0x12, kFour), V2(0x21, 0x11, kFour.substr(1)), V2(0x21, 0x21, kFour),
        V2(0x21, 0x11, kFour + open_tlv), V2(0x21, 0x11, kFour + half_tlv),
        V2(0x20, 0x00, std::string(kMaxProxyHeader, 'x'))}) {
    EXPECT_EQ(ParseProxyHeader(bytes).kind, Kind::kBad);
  }
}

TEST(ProxyProtocol, EveryFrontOfAHeaderNeedsMore) {
  for (const std::string& bytes :
       {std::string("PROXY TCP4 10.0.0.1 10.0.0.2 8080 80\r\n"), V2(0x21, 0x11, kFour)}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(ParseProxyHeader(bytes.substr(0, size)).kind, Kind::kNeedMore) << size;
    }
  }
  EXPECT_EQ(ParseProxyHeader(V2(0x21, 0x11, kFour).substr(0, 20)).size, 28u);
}

TEST(ProxyProtocol, OtherBeginningsAreNoHeader) {
  for (const char* text :
       {"GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\n", "PROX?", "\r\n\r\nx", "\x16\x03\x01"}) {
    EXPECT_EQ(ParseProxyHeader(text).kind, Kind::kNone) << text;
  }
}

TEST(ProxyProtocol, WritesWhatItReads) {
  const std::pair<Address, Address> pairs[] = {{Ip("10.0.0.1", 8080), Ip("10.0.0.2", 80)},
                                               {Ip("2001:db8::1", 1), Ip("::1", 65535)}};
  for (const auto& [source, destination] : pairs) {
    for (int version : {1, 2}) {
      const std::string bytes = WriteProxyHeader(version, source, destination);
      const ProxyHeader header = ParseProxyHeader(bytes);
      ASSERT_EQ(header.kind, Kind::kHeader) << header.error;
      EXPECT_EQ(header.version, version);
      EXPECT_EQ(header.size, bytes.size());
      EXPECT_EQ(header.source, source);
      EXPECT_EQ(header.destination, destination);
    }
  }
  EXPECT_EQ(WriteProxyHeader(1, Ip("10.0.0.1", 8080), Ip("10.0.0.2", 80)),
            "PROXY TCP4 10.0.0.1 10.0.0.2 8080 80\r\n");
  EXPECT_EQ(WriteProxyHeader(2, Ip("10.0.0.1", 8080), Ip("10.0.0.2", 80)), V2(0x21, 0x11, kFour));
}

TEST(ProxyProtocol, WritesForItselfWhenAddressesDoNotFit) {
  const Address unix_address = *Address::Unix("/run/x.sock");
  EXPECT_EQ(WriteProxyHeader(1, unix_address, Ip("10.0.0.2", 80)), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(WriteProxyHeader(2, Ip("::1", 1), Ip("10.0.0.2", 80)), V2(0x20, 0x00, ""));
  EXPECT_EQ(WriteProxyHeader(1, Address(), Address()), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(WriteProxyHeader(2, Address(), Address()), V2(0x20, 0x00, ""));
}

}  // namespace
}  // namespace narthex
