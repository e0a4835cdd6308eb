// Who asks for a body that the client holds back, and what becomes of one that nobody asks for.

#include <string>

#include "gtest/gtest.h"
#include "test/http/proxy_rig.h"

namespace narthex {
namespace {

constexpr std::string_view kExpecting =
    "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

ServerCodecOptions Proxied() {
  ServerCodecOptions options;
  options.proxy_100_continue = true;
  options.min_client_rate = 240;
  return options;
}

TEST(Expect, IsMetByTheGatewayItself) {
  ProxyRig rig;
  rig.Send(kExpecting);
  EXPECT_EQ(rig.received(), kContinue);
  EXPECT_EQ(rig.forwarded(0).find("expect"), std::string::npos) << rig.forwarded(0);
  rig.Answer(0, kContinue);
  EXPECT_EQ(rig.received(), kContinue) << "the upstream's own is not passed on";
}

TEST(ExpectThatIsPassedOn, IsMetByTheUpstream) {
  ProxyRig rig(Proxied());
  rig.Send(kExpecting);
  EXPECT_NE(rig.forwarded(0).find("expect: 100-continue\r\n"), std::string::npos) << rig.forwarded(0);
  rig.Advance(30'000);
  EXPECT_EQ(rig.received(), "") << "the client is waited for only once it was asked";
  rig.Answer(0, kContinue);
  EXPECT_EQ(rig.received(), kContinue);
  rig.Send("body");
  EXPECT_TRUE(rig.forwarded(0).ends_with("\r\n\r\nbody"));
  rig.Answer(0, kAnswer);
  EXPECT_TRUE(rig.received().ends_with("hello"));
  EXPECT_TRUE(rig.upstream_idle(0));
  EXPECT_FALSE(rig.closed());
}

TEST(ExpectThatIsPassedOn, EndsTheConnectionWhenTheUpstreamWantsNoBody) {
  ProxyRig rig(Proxied());
  rig.Send(kExpecting);
  rig.Answer(0, "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(rig.received().starts_with("HTTP/1.1 401 ")) << rig.received();
  EXPECT_NE(rig.received().find("connection: close\r\n"), std::string::npos) << rig.received();
  EXPECT_TRUE(rig.client().write_shut);
  // Whatever comes now can't be told from a body.
  rig.Send("GET /b HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_EQ(rig.upstreams(), 1u);
}

TEST(ExpectThatIsPassedOn, LimitsTheClientOnceItWasAsked) {
  ProxyRig rig(Proxied());
  rig.Send(kExpecting);
  rig.Answer(0, kContinue);
  rig.Advance(10'000);
  EXPECT_NE(rig.received().find("HTTP/1.1 408 "), std::string::npos) << rig.received();
}

TEST(ABodyThatNobodyWants, EndsTheConnectionWhenItIsLong) {
  for (const char* length : {"65537", "1000000"}) {
    ProxyRig rig;
    rig.Send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: " + std::string(length) + "\r\n\r\n");
    rig.Answer(0, "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n");
    EXPECT_NE(rig.received().find("connection: close\r\n"), std::string::npos) << rig.received();
  }
}

TEST(ABodyThatNobodyWants, IsReadWhenItIsShort) {
  ProxyRig rig;
  rig.Send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n");
  rig.Answer(0, "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(rig.received().find("connection: close\r\n"), std::string::npos) << rig.received();
  rig.Send(std::string(60'000, 'x') + "GET /b HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_EQ(rig.upstreams(), 2u);
}

}  // namespace
}  // namespace narthex
