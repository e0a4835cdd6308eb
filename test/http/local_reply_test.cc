#include <string>

#include "gtest/gtest.h"
#include "source/http/exchange_error.h"
#include "source/http/message.h"

namespace narthex {
namespace {

std::string Text(Response& response) {
  return response.body().buffered().ToString();
}

TEST(ResponseFlags, NamesAreFoundAgain) {
  for (int i = 1; i < static_cast<int>(ResponseFlag::kCount); ++i) {
    const auto flag = static_cast<ResponseFlag>(i);
    EXPECT_EQ(FindResponseFlag(ShortName(flag)), flag);
  }
  EXPECT_EQ(LongName(ResponseFlag::kUpstreamConnectionFailure), "UpstreamConnectionFailure");
  EXPECT_EQ(ShortName(ResponseFlag::kUpstreamMaxStreamDurationReached), "UMSDR");
  EXPECT_EQ(FindResponseFlag("XX"), ResponseFlag::kNone);
}

TEST(LocalReplyFor, SaysWhyTheUpstreamStreamEnded) {
  Response reply = LocalReplyFor({.flag = ResponseFlag::kUpstreamConnectionFailure,
                                  .detail = "upstream_reset_before_response_started{remote_connection_"
                                            "failure|delayed_connect_error:_Connection_"
                                            "refused}"});
  EXPECT_EQ(reply.status(), 503);
  EXPECT_EQ(
      Text(reply),
      "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure");
  EXPECT_EQ(reply.headers().Get(Header::kContentLength), std::to_string(Text(reply).size()));
  EXPECT_EQ(reply.headers().Get(Header::kContentType), "text/plain");
}

TEST(LocalReplyFor, FallsBackToTheFlagsOwnWords) {
  Response overflow = LocalReplyFor({.flag = ResponseFlag::kUpstreamOverflow});
  EXPECT_EQ(overflow.status(), 503);
  EXPECT_EQ(overflow.local()->detail, "upstream_reset_before_response_started{overflow}");
  EXPECT_EQ(overflow.headers().Get("x-envoy-overloaded"), "true");
  Response protocol = LocalReplyFor({.flag = ResponseFlag::kUpstreamProtocolError, .detail = "}{"});
  EXPECT_EQ(protocol.status(), 502);
  EXPECT_EQ(Text(protocol),
            "upstream connect error or disconnect/reset before headers. reset reason: protocol error");
}

TEST(LocalReplyFor, AnswersEachFlagAsEnvoyDoes) {
  struct Case {
    ResponseFlag flag;
    int status;
    std::string body;
  };
  const Case cases[] = {
      {ResponseFlag::kNoHealthyUpstream, 503, "no healthy upstream"},
      {ResponseFlag::kUpstreamRequestTimeout, 504, "upstream request timeout"},
      {ResponseFlag::kNoRouteFound, 404, ""},
      {ResponseFlag::kNoClusterFound, 503, ""},
      {ResponseFlag::kStreamIdleTimeout, 504, "stream timeout"},
      {ResponseFlag::kDownstreamProtocolError, 400, "Bad Request"},
  };
  for (const Case& c : cases) {
    Response reply = LocalReplyFor({.flag = c.flag});
    EXPECT_EQ(reply.status(), c.status);
    EXPECT_EQ(Text(reply), c.body);
    EXPECT_EQ(reply.headers().Get(Header::kStatus), std::to_string(c.status));
    ASSERT_NE(reply.local(), nullptr);
    EXPECT_FALSE(reply.local()->detail.empty());
    EXPECT_EQ(reply.local()->flag, c.flag);
  }
  EXPECT_EQ(LocalReplyFor({.flag = ResponseFlag::kStreamIdleTimeout, .status = 408}).status(), 408);
  EXPECT_EQ(LocalReplyFor({.flag = ResponseFlag::kNoClusterFound, .status = 404}).status(), 404);
}

}  // namespace
}  // namespace narthex
