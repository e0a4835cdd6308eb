#include "source/manager/client_address.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace narthex {
namespace {

Cidr Range(std::string_view ip, uint32_t prefix) {
  return *Cidr::Make(ip, prefix);
}

ConnectionFacts From(std::string_view ip) {
  ConnectionFacts connection;
  connection.remote = *Address::Ip(ip, 4000);
  connection.local = *Address::Ip("192.0.2.1", 8443);
  return connection;
}

HeaderMap Forwarded(std::string_view xff) {
  HeaderMap headers;
  if (!xff.empty()) headers.Add(Header::kXForwardedFor, xff);
  return headers;
}

// An edge with this many proxies of ours before it.
ClientAddressPolicy Edge(uint32_t hops) {
  ClientAddressPolicy policy;
  policy.use_remote_address = true;
  policy.trusted_hops = hops;
  return policy;
}

std::string Resolve(const ClientAddressPolicy& policy, std::string_view peer, std::string_view xff) {
  HeaderMap headers = Forwarded(xff);
  return ResolveClientAddress(policy, From(peer), headers).address.IpString();
}

TEST(ClientAddress, TheEdgeBelievesNobodyByDefault) {
  EXPECT_EQ(Resolve(Edge(0), "203.0.113.9", "10.0.0.1"), "203.0.113.9");
}

TEST(ClientAddress, HopsCountFromTheRight) {
  constexpr std::string_view kXff = "6.6.6.6, 198.51.100.1, 198.51.100.2";
  EXPECT_EQ(Resolve(Edge(1), "203.0.113.9", kXff), "198.51.100.2");
  EXPECT_EQ(Resolve(Edge(2), "203.0.113.9", kXff), "198.51.100.1");
  // Too short a list, or no address where it should be: somebody came past our proxies.
  EXPECT_EQ(Resolve(Edge(2), "203.0.113.9", "198.51.100.2"), "203.0.113.9");
  EXPECT_EQ(Resolve(Edge(1), "203.0.113.9", "198.51.100.1, not-an-address"), "203.0.113.9");
}

TEST(ClientAddress, SeveralFieldsAreOneList) {
  HeaderMap headers = Forwarded("198.51.100.1");
  headers.Add(Header::kXForwardedFor, "198.51.100.2, 198.51.100.3");
  ClientAddress client = ResolveClientAddress(Edge(2), From("203.0.113.9"), headers);
  EXPECT_EQ(client.address.IpString(), "198.51.100.2");
}

// Or the next hop, which believes the last entry, would believe what the client wrote.
TEST(ClientAddress, WhatIsAppendedIsLastOfAllFields) {
  HeaderMap headers = Forwarded("198.51.100.1");
  headers.Add("x-other", "1");
  headers.Add(Header::kXForwardedFor, "6.6.6.6");
  ResolveClientAddress(Edge(0), From("203.0.113.9"), headers);
  EXPECT_EQ(headers.Count(Header::kXForwardedFor), 1u);
  EXPECT_EQ(headers.Get(Header::kXForwardedFor), "198.51.100.1,6.6.6.6,203.0.113.9");
}

TEST(ClientAddress, TheEdgeTellsTheNextHopWhatItSaw) {
  HeaderMap headers = Forwarded("10.0.0.1");
  headers.Add(Header::kXForwardedProto, "https");
  ClientAddressPolicy policy = Edge(0);
  policy.append_x_forwarded_port = true;
  ResolveClientAddress(policy, From("203.0.113.9"), headers);
  std::string_view xff = headers.Get(Header::kXForwardedFor);
  EXPECT_TRUE(xff.starts_with("10.0.0.1")) << xff;
  EXPECT_TRUE(xff.ends_with("203.0.113.9")) << xff;
  EXPECT_EQ(headers.Get(Header::kXForwardedProto), "http");
  EXPECT_EQ(headers.Get(Header::kXForwardedPort), "8443");
}

TEST(ClientAddress, SkipAppendLeavesTheListAlone) {
  ClientAddressPolicy policy = Edge(0);
  policy.skip_xff_append = true;
  HeaderMap headers = Forwarded("10.0.0.1");
  ResolveClientAddress(policy, From("203.0.113.9"), headers);
  EXPECT_EQ(headers.Get(Header::kXForwardedFor), "10.0.0.1");
}

TEST(ClientAddress, NobodyIsInternalUnlessConfiguredAndAForwardedListNeverMakesOneSo) {
  ClientAddressPolicy policy = Edge(0);
  HeaderMap none = Forwarded("");
  EXPECT_FALSE(ResolveClientAddress(policy, From("10.0.0.5"), none).internal);
  policy.internal = {Range("10.0.0.0", 8)};
  HeaderMap direct = Forwarded("");
  EXPECT_TRUE(ResolveClientAddress(policy, From("10.0.0.5"), direct).internal);
  HeaderMap forwarded = Forwarded("10.0.0.7");
  EXPECT_FALSE(ResolveClientAddress(policy, From("10.0.0.5"), forwarded).internal);
}

TEST(ClientAddress, BehindAProxyTheListIsBelievedAndNotExtended) {
  ClientAddressPolicy policy;
  policy.detections.emplace_back();
  HeaderMap headers = Forwarded("198.51.100.1, 198.51.100.2");
  ClientAddress client = ResolveClientAddress(policy, From("10.0.0.5"), headers);
  EXPECT_EQ(client.address.IpString(), "198.51.100.2");
  EXPECT_FALSE(client.edge);
  EXPECT_EQ(headers.Get(Header::kXForwardedFor), "198.51.100.1, 198.51.100.2");
}

TEST(ClientAddress, TrustedRangesAreWalkedOutwardsFromATrustedPeerOnly) {
  ClientAddressPolicy policy;
  AddressDetection& detection = policy.detections.emplace_back();
  detection.trusted_cidrs = {Range("10.0.0.0", 8)};
  EXPECT_EQ(Resolve(policy, "10.0.0.5", "6.6.6.6, 198.51.100.1, 10.1.1.1"), "198.51.100.1");
  EXPECT_EQ(Resolve(policy, "203.0.113.9", "198.51.100.1"), "203.0.113.9");
  EXPECT_EQ(Resolve(policy, "10.0.0.5", "6.6.6.6, junk, 10.1.1.1"), "10.1.1.1");
}

TEST(ClientAddress, ACustomHeaderMayBeRequired) {
  ClientAddressPolicy policy;
  AddressDetection& detection = policy.detections.emplace_back();
  detection.kind = AddressDetection::Kind::kCustomHeader;
  detection.header = "x-real-ip";
  detection.reject_status = 403;
  HeaderMap headers;
  headers.Add("x-real-ip", "2001:db8::1");
  EXPECT_EQ(ResolveClientAddress(policy, From("10.0.0.5"), headers).address.IpString(), "2001:db8::1");
  HeaderMap without;
  EXPECT_EQ(ResolveClientAddress(policy, From("10.0.0.5"), without).reject_status, 403);
}

}  // namespace
}  // namespace narthex
