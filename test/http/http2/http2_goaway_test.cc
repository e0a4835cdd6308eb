// What comes behind the GOAWAY that ends a drain: it is not served, and harms nobody.

#include <string>

#include "source/stats/stats.h"
#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;
using Seen = std::vector<std::string>;

class Http2GoAwayTest : public Http2ServerTest {
 protected:
  // A connection that takes so many requests, of which the first waits.
  void ConnectFor(uint64_t requests) {
    options_.max_requests_per_connection = requests;
    Connect();
    Send(RawHeaders(1, RawGet("/wait"), true));
  }
  void FinishFirst() {
    handler_.go.Set();
    Turn();
    EXPECT_EQ(At(1).body, "hello");
    EXPECT_TRUE(refused(NGHTTP2_NO_ERROR));
    EXPECT_TRUE(peer_.write_shut);
  }
};

// The GOAWAY is only queued when they are read. What it says of them lets the client ask again elsewhere.
TEST_F(Http2GoAwayTest, StreamsAboveTheLastOneOfTheSameReadAreNotServed) {
  ConnectFor(2);
  Send(RawHeaders(3, RawPost("/b"), true) + RawHeaders(5, RawPost("/c"), true) +
       RawHeaders(7, RawPost("/d"), true));
  ASSERT_EQ(reader_.goaways.size(), 1u);
  EXPECT_EQ(reader_.goaways[0].first, 3u);
  EXPECT_EQ(handler_.seen, (Seen{"GET /wait", "POST /b"}));
  EXPECT_EQ(handler_.started, 2);
  FinishFirst();
}

TEST_F(Http2GoAwayTest, AStreamRightBehindThePongThatEndsADrainIsNotServed) {
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true));
  connection_->Drain();
  Turn();
  ASSERT_EQ(reader_.pings.size(), 1u);
  Send(RawHeaders(3, RawGet("/a"), true) + RawPing(reader_.pings[0], true) +
       RawHeaders(5, RawPost("/c"), true));
  ASSERT_EQ(reader_.goaways.size(), 2u);
  EXPECT_EQ(reader_.goaways[1].first, 3u);
  EXPECT_EQ(handler_.seen, (Seen{"GET /wait", "GET /a"}));
}

// Two of them wait behind what the client does not read, and a late stream has come between them.
TEST_F(Http2GoAwayTest, TheLastStreamNeverRises) {
  options_.max_requests_per_connection = 2;
  options_.http2.max_outbound_control_frames = 10;
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}});
  Send(RawWindowUpdate(0, 1 << 30));
  peer_.window = 0;
  Send(RawHeaders(1, RawGet("/endless"), true));
  Send(RawHeaders(3, RawGet("/a"), true) + RawHeaders(5, RawGet("/late"), true));
  for (int i = 0; i < 20; ++i) Send(RawPing("pingping"));
  stream_->Drained(1 << 20);
  Turn();
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
  ASSERT_EQ(reader_.goaways.size(), 2u);
  EXPECT_EQ(reader_.goaways[0].first, 3u);
  EXPECT_EQ(reader_.goaways[1].first, 3u);
}

TEST_F(Http2GoAwayTest, TheBodyOfALateStreamIsIgnored) {
  ConnectFor(2);
  Send(RawHeaders(3, RawGet("/a"), true) + RawHeaders(5, RawPost("/late"), false) +
       RawHeaders(7, RawPost("/late"), false) + RawData(7, "of the same read", false));
  const uint64_t window = reader_.window_updates[0];
  for (int i = 0; i < 40; ++i) Send(RawData(5, std::string(16'384, 'l'), false));
  Send(RawData(5, "", true) + RawData(7, "", false) + RawReset(7, NGHTTP2_CANCEL));
  // All streams share the connection's window.
  EXPECT_GT(reader_.window_updates[0], window);
  EXPECT_EQ(handler_.seen, (Seen{"GET /wait", "GET /a"}));
  FinishFirst();
}

TEST_F(Http2GoAwayTest, ALateHeadIsOverWithItsLastFrame) {
  options_.request_headers_timeout = milliseconds(100);
  ConnectFor(1);
  const std::string fields = RawFieldBlock(RawPost("/late"));
  Send(RawHeaders(3, RawGet("/late"), true) + RawFrame(NGHTTP2_HEADERS, 0, 5, fields.substr(0, 10)) +
       RawFrame(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 5, fields.substr(10)) +
       RawHeaders(5, {{"x-trailer", "late"}}, true));
  Advance(101);
  FinishFirst();
}

TEST_F(Http2GoAwayTest, ALateHeadMustEndInTimeAsOthers) {
  options_.request_headers_timeout = milliseconds(100);
  ConnectFor(1);
  Send(RawFrame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 3, RawFieldBlock(RawGet("/late"))));
  Advance(101);
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
}

// Another head that nghttp2 passes over in silence.
TEST_F(Http2ServerTest, TrailersOfAStreamThatIsResetAreNoOpenHead) {
  options_.request_headers_timeout = milliseconds(100);
  Connect();
  Send(RawHeaders(1, RawPost("/bad-field"), false) + RawHeaders(3, RawGet("/wait"), true));
  EXPECT_TRUE(At(1).reset);
  Send(RawHeaders(1, {{"x-trailer", "late"}}, true));
  Advance(101);
  EXPECT_TRUE(reader_.goaways.empty());
  handler_.go.Set();
  Turn();
  EXPECT_EQ(At(3).body, "hello");
}

// As many as the client may have open are late by no fault of its own.
TEST_F(Http2GoAwayTest, LateHeadsWithoutEndAreAFlood) {
  options_.http2.max_concurrent_streams = 10;
  options_.http2.stream_reset_burst = 20;
  options_.http2.stream_reset_rate = 0;
  ConnectFor(1);
  uint32_t id = 3;
  for (int i = 0; i < 30; ++i, id += 2) Send(RawHeaders(id, RawGet("/late"), true));
  EXPECT_EQ(reader_.goaways.size(), 1u);
  const uint64_t before = StatsStore::Process().ValueOf("http2.rx_reset_flood");
  Send(RawHeaders(id, RawGet("/late"), true));
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_EQ(StatsStore::Process().ValueOf("http2.rx_reset_flood"), before + 1);
}

}  // namespace
}  // namespace narthex
