// What a busy client does that looks like a flood, and how much of it is one.

#include <string>

#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

class Http2BusyClientTest : public Http2ServerTest {
 protected:
  void Answered() {
    Send(RawHeaders(id_, RawGet("/a"), true));
    id_ += 2;
  }
  void Cancelled() {
    Send(RawHeaders(id_, RawGet("/idle"), true));
    Send(RawReset(id_, NGHTTP2_CANCEL));
    id_ += 2;
  }

  uint32_t id_ = 1;
};

// With no time between them for new tokens to come.
TEST_F(Http2BusyClientTest, MayCancelSomeOfManyCalls) {
  Connect();
  for (int i = 0; i < 1000; ++i) {
    for (int k = 0; k < 4; ++k) Answered();
    Cancelled();
  }
  EXPECT_TRUE(reader_.goaways.empty());
  EXPECT_EQ(handler_.seen.size(), 5000u);
}

TEST_F(Http2BusyClientTest, SavesUpFewResets) {
  options_.http2.stream_reset_burst = 150;
  options_.http2.stream_reset_rate = 0;
  Connect();
  for (int i = 0; i < 1000; ++i) Answered();
  for (int i = 0; i < 250; ++i) Cancelled();
  EXPECT_TRUE(reader_.goaways.empty());
  Cancelled();
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
}

TEST_F(Http2BusyClientTest, MayNotCancelMoreThanItLetsBeAnswered) {
  options_.http2.stream_reset_rate = 0;
  Connect();
  for (int i = 0; i < 210 && reader_.goaways.empty(); ++i) {
    Answered();
    Cancelled();
    Cancelled();
  }
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
}

// Three times as many as it may send at once, over hours.
TEST_F(Http2BusyClientTest, MayPingForAsLongAsItLives) {
  options_.idle_timeout = std::chrono::milliseconds(0);
  Connect();
  for (int i = 0; i < 3000; ++i) {
    Send(RawPing("pingping"));
    Advance(10'000);
  }
  EXPECT_TRUE(reader_.goaways.empty());
  EXPECT_EQ(reader_.ping_acks.size(), 3000u);
}

}  // namespace
}  // namespace narthex
