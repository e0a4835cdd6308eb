// Clients that do not read: a stream, or nothing at all.

#include <string>

#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

constexpr int kWindowMs = 10'001;

class Http2SlowReaderTest : public Http2ServerTest {
 protected:
  Http2SlowReaderTest() { options_.min_client_rate = 100; }
};

TEST_F(Http2SlowReaderTest, AStreamThatIsNotReadIsGivenUpAlone) {
  Connect();
  Send(RawWindowUpdate(0, 1 << 20) + RawHeaders(1, RawGet("/endless"), true) +
       RawHeaders(3, RawGet("/wait"), true));
  Advance(kWindowMs);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].details, "stream_idle_timeout;client_too_slow");
  EXPECT_TRUE(handler_.ended[0].Has(ResponseFlag::kStreamIdleTimeout));
  EXPECT_TRUE(reader_.goaways.empty());
  handler_.go.Set();
  Turn();
  EXPECT_EQ(At(3).body, "hello");
}

TEST_F(Http2SlowReaderTest, AStreamThatIsReadDropByDropIsNotRead) {
  Connect();
  Send(RawWindowUpdate(0, 1 << 20) + RawHeaders(1, RawGet("/endless"), true));
  // The first drop makes room for the next piece of the body, whose time begins then: two windows at most.
  for (int i = 0; i < 21; ++i) {
    Advance(1000);
    Send(RawWindowUpdate(1, 10));
  }
  EXPECT_TRUE(At(1).reset);
  EXPECT_TRUE(reader_.goaways.empty());
}

TEST_F(Http2SlowReaderTest, OneThatHasJustBegunToWaitGetsItsTime) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  Send(RawHeaders(1, RawGet("/endless"), true));
  Advance(6000);
  Send(RawHeaders(3, RawGet("/endless"), true));
  Advance(4500);
  EXPECT_TRUE(At(1).reset);
  EXPECT_FALSE(At(3).reset);
  Advance(kWindowMs);
  EXPECT_TRUE(At(3).reset);
  EXPECT_TRUE(reader_.goaways.empty());
}

TEST_F(Http2SlowReaderTest, AClientThatShutsTheWindowOfAllStreamsIsCutOff) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}});
  Send(RawHeaders(1, RawGet("/endless"), true) + RawHeaders(3, RawGet("/wait"), true));
  EXPECT_EQ(At(1).body.size(), 65'535u);
  Advance(kWindowMs);
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_EQ(handler_.ended.size(), 2u);
}

// The kernel has taken all, but the client has not.
TEST_F(Http2SlowReaderTest, AClientThatDoesNotReadItsSocketIsCutOff) {
  Connect();
  peer_.unreceived = 60'000;
  Send(RawWindowUpdate(0, 1 << 20) + RawHeaders(1, RawGet("/endless"), true));
  Advance(kWindowMs);
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
}

// What has been sent a moment ago is on its way.
TEST_F(Http2SlowReaderTest, AClientToWhomSomethingIsOnItsWayReads) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  Send(RawHeaders(1, RawGet("/endless"), true));
  Advance(9900);
  Send(RawPing("pingping"));
  peer_.unreceived = 17;
  Advance(101);
  EXPECT_TRUE(At(1).reset);
  EXPECT_TRUE(reader_.goaways.empty());
}

}  // namespace
}  // namespace narthex
