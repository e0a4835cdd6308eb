#include "source/manager/header_policy.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "source/manager/request_id.h"

namespace narthex {
namespace {

std::string Authority(const AuthorityPolicy& policy, std::string_view authority,
                      std::string_view method = "GET") {
  HeaderMap headers;
  headers.Add(Header::kMethod, method);
  headers.Add(Header::kAuthority, authority);
  NormalizeAuthority(policy, 8080, headers);
  return std::string(headers.Get(Header::kAuthority));
}

TEST(HeaderPolicy, StripsPortsAsConfigured) {
  constexpr AuthorityPolicy kMatching{true, false, false};
  EXPECT_EQ(Authority(kMatching, "a.test:8080"), "a.test");
  EXPECT_EQ(Authority(kMatching, "a.test:81"), "a.test:81");
  constexpr AuthorityPolicy kAny{false, true, false};
  EXPECT_EQ(Authority(kAny, "a.test:81"), "a.test");
  EXPECT_EQ(Authority(kAny, "[2001:db8::1]:81"), "[2001:db8::1]");
  EXPECT_EQ(Authority(kAny, "[2001:db8::1]"), "[2001:db8::1]");
  EXPECT_EQ(Authority(kAny, "a.test:x"), "a.test:x");
  EXPECT_EQ(Authority(kAny, "a.test:81", "CONNECT"), "a.test:81");
}

TEST(HeaderPolicy, StripsATrailingDotAlsoBeforeAPort) {
  constexpr AuthorityPolicy kDot{false, false, true};
  EXPECT_EQ(Authority(kDot, "a.test."), "a.test");
  EXPECT_EQ(Authority(kDot, "a.test.:443"), "a.test:443");
  EXPECT_EQ(Authority(kDot, "."), ".");
}

TEST(HeaderPolicy, UnderscoresAreAllowedDroppedOrRefused) {
  auto make = [] {
    HeaderMap headers;
    headers.Add("x_a", "1");
    headers.Add("x-b", "2");
    headers.Add("x_c", "3");
    return headers;
  };
  uint32_t dropped = 0;
  HeaderMap allowed = make();
  EXPECT_FALSE(HasForbiddenUnderscore(UnderscorePolicy::kAllow, allowed, dropped));
  EXPECT_EQ(allowed.size(), 3u);
  HeaderMap refused = make();
  EXPECT_TRUE(HasForbiddenUnderscore(UnderscorePolicy::kReject, refused, dropped));
  HeaderMap cut = make();
  EXPECT_FALSE(HasForbiddenUnderscore(UnderscorePolicy::kDrop, cut, dropped));
  EXPECT_EQ(dropped, 2u);
  EXPECT_EQ(cut.size(), 1u);
}

TEST(HeaderPolicy, ForgedHeadersOfOursAreRemovedAndInternalClientsMaySteer) {
  HeaderPolicy policy;
  policy.internal_only = {"x-secret"};
  auto make = [] {
    HeaderMap headers;
    headers.Add("x-envoy-internal", "true");
    headers.Add("x-envoy-retry-on", "5xx");
    headers.Add("x-envoy-original-path", "/admin");
    headers.Add("x-envoy-external-address", "1.1.1.1");
    headers.Add("x-secret", "s");
    return headers;
  };
  ConnectionFacts connection;
  ClientAddress outside{*Address::Ip("203.0.113.9", 1), false, true, 0, ""};
  HeaderMap external = make();
  SanitizeRequest(policy, connection, outside, external);
  EXPECT_EQ(external.size(), 1u);
  EXPECT_EQ(external.Get("x-envoy-external-address"), "203.0.113.9");

  ClientAddress inside{*Address::Ip("10.0.0.1", 1), true, false, 0, ""};
  HeaderMap internal = make();
  SanitizeRequest(policy, connection, inside, internal);
  EXPECT_EQ(internal.Get("x-envoy-external-address"), "1.1.1.1");
  EXPECT_EQ(internal.Get("x-envoy-retry-on"), "5xx");
  EXPECT_EQ(internal.Get("x-secret"), "s");
  EXPECT_EQ(internal.Get(Header::kXEnvoyInternal), "true");
}

TEST(HeaderPolicy, NobodysWordOnClientCertificatesIsPassedOn) {
  for (const bool internal : {false, true}) {
    HeaderMap headers;
    headers.Add("x-forwarded-client-cert", "By=http://forged.test");
    SanitizeRequest(HeaderPolicy(), ConnectionFacts(), {*Address::Ip("10.0.0.1", 1), internal, false, 0, ""},
                    headers);
    EXPECT_FALSE(headers.Has("x-forwarded-client-cert"));
  }
}

TEST(HeaderPolicy, TheServerHeaderIsOverwrittenAddedOrLeft) {
  HeaderPolicy policy;
  policy.server_name = "gate";
  policy.via = "1.1 gate";
  HeaderMap overwritten;
  overwritten.Add(Header::kServer, "app");
  FinishResponse(policy, overwritten);
  EXPECT_EQ(overwritten.Get(Header::kServer), "gate");
  EXPECT_EQ(overwritten.Get(Header::kVia), "1.1 gate");
  policy.server = ServerHeaderPolicy::kAppendIfAbsent;
  HeaderMap kept;
  kept.Add(Header::kServer, "app");
  FinishResponse(policy, kept);
  EXPECT_EQ(kept.Get(Header::kServer), "app");
  policy.server = ServerHeaderPolicy::kPassThrough;
  HeaderMap none;
  FinishResponse(policy, none);
  EXPECT_FALSE(none.Has(Header::kServer));
}

TEST(HeaderPolicy, NamesTheGatewayToTheUpstream) {
  HeaderPolicy policy;
  policy.user_agent = "fleet";
  policy.service_node = "node-1";
  policy.via = "gate";
  HeaderMap headers;
  headers.Add(Header::kUserAgent, "");
  headers.Add(Header::kVia, "1.1 a");
  headers.Add("x-envoy-downstream-service-node", "forged");
  headers.Add(Header::kVia, "1.1 b");
  SanitizeRequest(policy, ConnectionFacts(), ClientAddress(), headers);
  EXPECT_EQ(headers.Get(Header::kUserAgent), "fleet");
  EXPECT_EQ(headers.Get("x-envoy-downstream-service-cluster"), "fleet");
  EXPECT_EQ(headers.Get("x-envoy-downstream-service-node"), "node-1");
  EXPECT_EQ(headers.Count(Header::kVia), 1u);
  EXPECT_EQ(headers.Get(Header::kVia), "1.1 a, 1.1 b, gate");
  headers.Set(Header::kUserAgent, "curl");
  SanitizeRequest(policy, ConnectionFacts(), ClientAddress(), headers);
  EXPECT_EQ(headers.Get(Header::kUserAgent), "curl");
}

TEST(RequestId, ReplacesAnIdFromOutsideUnlessItIsToBePreserved) {
  HeaderMap headers;
  headers.Add(Header::kXRequestId, "forged");
  SetRequestId({true, true, false}, /*edge=*/true, headers);
  EXPECT_EQ(headers.Get(Header::kXRequestId), "forged");
  SetRequestId({false, false, false}, /*edge=*/true, headers);
  EXPECT_EQ(headers.Get(Header::kXRequestId), "forged");
  SetRequestId({true, false, false}, /*edge=*/false, headers);
  EXPECT_EQ(headers.Get(Header::kXRequestId), "forged");
  SetRequestId({true, false, false}, /*edge=*/true, headers);
  std::string_view id = headers.Get(Header::kXRequestId);
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos);
}

}  // namespace
}  // namespace narthex
