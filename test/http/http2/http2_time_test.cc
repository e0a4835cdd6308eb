// Timeouts, keepalive, and the ways in which a connection ends in good order.

#include <string>

#include "source/stats/stats.h"
#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

TEST_F(Http2ServerTest, ClosesAnIdleConnection) {
  options_.idle_timeout = milliseconds(100);
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true));
  Advance(200);
  EXPECT_TRUE(reader_.goaways.empty());
  handler_.go.Set();
  Turn();
  Advance(50);
  EXPECT_TRUE(reader_.goaways.empty());
  Advance(60);
  EXPECT_TRUE(refused(NGHTTP2_NO_ERROR));
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(connection_->ended_by(), CloseCause::kIdleTimeout);
  stream_->Close();
  EXPECT_TRUE(gone());
  EXPECT_FALSE(connection_->busy());
}

TEST_F(Http2ServerTest, ClosesAtOnceWhenItIsTold) {
  Connect();
  ASSERT_NE(connection_->idle_since(), 0u);
  connection_->Close();
  EXPECT_TRUE(gone());
  EXPECT_TRUE(peer_.destroyed);
  reader_.Read(peer_.received);
  EXPECT_TRUE(refused(NGHTTP2_NO_ERROR));
}

TEST_F(Http2ServerTest, AHeadMustEndInTime) {
  options_.request_headers_timeout = milliseconds(100);
  Connect();
  const std::string head = RawHeaders(1, RawGet("/a"), true);
  Send(head.substr(0, 20));
  Advance(50);
  Send(head.substr(20, 1));
  Advance(51);
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_TRUE(handler_.seen.empty());
  // It is logged and counted as one over HTTP/1 is.
  EXPECT_EQ(handler_.started, 1);
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].details, "request_header_timeout");
}

TEST_F(Http2ServerTest, ARequestMustComeWholeInTime) {
  options_.request_timeout = milliseconds(100);
  Connect();
  Send(RawHeaders(1, RawPost("/echo"), false) + RawHeaders(3, RawGet("/wait"), true));
  Advance(60);
  Send(RawData(1, "a", false));
  Advance(60);
  EXPECT_EQ(At(1).status(), 408);
  EXPECT_EQ(handler_.ended[0].details, "request_overall_timeout");
  EXPECT_FALSE(At(3).ended);
}

TEST_F(Http2ServerTest, AnExchangeThatStandsStillIsAnswered) {
  options_.stream_idle_timeout = milliseconds(100);
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true) + RawHeaders(3, RawPost("/echo"), false));
  Advance(101);
  EXPECT_EQ(At(1).status(), 504);
  EXPECT_EQ(At(3).status(), 408);
  ASSERT_EQ(handler_.ended.size(), 2u);
  EXPECT_EQ(handler_.ended[0].details, "stream_idle_timeout");
  EXPECT_FALSE(handler_.go.has_waiter());
}

TEST_F(Http2ServerTest, ARouteMayHaveAnIdleTimeoutOfItsOwn) {
  options_.stream_idle_timeout = milliseconds(10'000);
  Connect();
  Send(RawHeaders(1, RawGet("/idle-60"), true));
  Advance(61);
  EXPECT_EQ(At(1).status(), 504);
}

TEST_F(Http2ServerTest, AnUploadBehindTheResponsesHeadKeepsAnExchangeAlive) {
  options_.stream_idle_timeout = milliseconds(100);
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100}});
  Send(RawHeaders(1, RawPost("/endless"), false));
  for (int i = 0; i < 3; ++i) {
    Advance(90);
    Send(RawData(1, "on", false));
  }
  EXPECT_FALSE(At(1).reset);
  Advance(101);
  EXPECT_TRUE(At(1).reset);
}

TEST_F(Http2ServerTest, ResetsAStreamWhoseWindowStaysShut) {
  options_.stream_idle_timeout = milliseconds(100);
  Connect();
  Send(RawHeaders(1, RawGet("/endless"), true));
  EXPECT_EQ(At(1).body.size(), 65'535u);
  Advance(90);
  Send(RawWindowUpdate(0, 10) + RawWindowUpdate(1, 10));
  Advance(90);
  EXPECT_FALSE(At(1).reset);
  Advance(11);
  EXPECT_TRUE(At(1).reset);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_INTERNAL_ERROR));
  EXPECT_TRUE(handler_.ended[0].Has(ResponseFlag::kStreamIdleTimeout));
}

TEST_F(Http2ServerTest, AClientThatDripsItsBodyIsTooSlow) {
  options_.min_client_rate = 100;
  Connect();
  Send(RawHeaders(1, RawPost("/echo"), false));
  for (int i = 0; i < 11 && !At(1).ended; ++i) {
    Send(RawData(1, "a", false));
    Advance(1000);
  }
  EXPECT_EQ(At(1).status(), 408);
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].details, "stream_idle_timeout;client_too_slow");
  // What else it does on the connection goes on.
  Send(RawHeaders(3, RawGet("/a"), true));
  EXPECT_EQ(At(3).status(), 200);
  EXPECT_TRUE(reader_.goaways.empty());
}

// Its turn comes when it has had its time.
TEST_F(Http2ServerTest, AnUploadThatHasJustBegunIsNotTooSlow) {
  options_.min_client_rate = 100;
  Connect();
  Send(RawHeaders(1, RawPost("/echo"), false));
  Advance(6000);
  Send(RawHeaders(3, RawPost("/echo"), false));
  Advance(4500);
  EXPECT_EQ(At(1).status(), 408);
  EXPECT_FALSE(At(3).ended);
  Advance(10'500);
  EXPECT_EQ(At(3).status(), 408);
}

// The read of its body began before the response did.
TEST_F(Http2ServerTest, AClientMayBeSilentOnceTheResponseHasBegun) {
  options_.min_client_rate = 100;
  Connect();
  Send(RawHeaders(1, RawPost("/talk"), false));
  EXPECT_EQ(At(1).status(), 200);
  Advance(30'000);
  EXPECT_FALSE(At(1).reset);
  EXPECT_TRUE(reader_.goaways.empty());
}

TEST_F(Http2ServerTest, AClientThatDripsItsWindowIsTooSlow) {
  options_.min_client_rate = 100;
  Connect();
  Send(RawHeaders(1, RawGet("/endless"), true));
  for (int i = 0; i < 12 && reader_.goaways.empty(); ++i) {
    Send(RawWindowUpdate(1, 1));
    Advance(1000);
  }
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
}

TEST_F(Http2ServerTest, DrainsInTwoSteps) {
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true));
  connection_->Drain();
  Turn();
  ASSERT_EQ(reader_.goaways.size(), 1u);
  EXPECT_EQ(reader_.goaways[0].first, 0x7fffffffu);
  ASSERT_EQ(reader_.pings.size(), 1u);
  // What was on its way is served.
  Send(RawHeaders(3, RawGet("/a"), true));
  EXPECT_EQ(At(3).status(), 200);
  Send(RawPing(reader_.pings[0], true));
  ASSERT_EQ(reader_.goaways.size(), 2u);
  EXPECT_EQ(reader_.goaways[1].first, 3u);
  // What comes later is not, and is not told of either.
  Send(RawHeaders(5, RawGet("/late"), true));
  EXPECT_EQ(handler_.seen.size(), 2u);
  EXPECT_FALSE(peer_.write_shut);
  handler_.go.Set();
  Turn();
  EXPECT_EQ(At(1).body, "hello");
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(connection_->ended_by(), CloseCause::kDrain);
  stream_->Close();
  EXPECT_TRUE(gone());
}

TEST_F(Http2ServerTest, ADrainWaitsNoLongerThanItsTimeout) {
  options_.drain_timeout = milliseconds(100);
  Connect();
  connection_->Drain();
  Turn();
  EXPECT_FALSE(peer_.write_shut);
  Advance(101);
  EXPECT_EQ(reader_.goaways.back(), (std::pair<uint32_t, uint32_t>{0, 0}));
  EXPECT_TRUE(peer_.write_shut);
}

TEST_F(Http2ServerTest, ALateRequestDoesNotProlongADrain) {
  options_.drain_timeout = milliseconds(100);
  Connect();
  connection_->Drain();
  Turn();
  Send(RawHeaders(1, RawGet("/wait"), true));
  Advance(101);
  EXPECT_EQ(reader_.goaways.back(), (std::pair<uint32_t, uint32_t>{1, 0}));
}

TEST_F(Http2ServerTest, TakesSoManyRequestsAndNoMore) {
  options_.max_requests_per_connection = 2;
  Connect();
  Send(RawHeaders(1, RawGet("/a"), true));
  EXPECT_TRUE(reader_.goaways.empty());
  Send(RawHeaders(3, RawGet("/b"), true));
  EXPECT_EQ(At(3).status(), 200);
  ASSERT_FALSE(reader_.goaways.empty());
  EXPECT_EQ(reader_.goaways[0].first, 3u);
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(connection_->ended_by(), CloseCause::kMaxRequests);
}

TEST_F(Http2ServerTest, DrainsAtTheEndOfItsLife) {
  options_.max_connection_duration = milliseconds(100);
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true));
  Advance(101);
  EXPECT_EQ(reader_.goaways.size(), 1u);
  EXPECT_EQ(connection_->ended_by(), CloseCause::kMaxDuration);
  EXPECT_FALSE(At(1).reset);
}

TEST_F(Http2ServerTest, AsksWhetherTheClientIsStillThere) {
  options_.http2.keepalive.interval = milliseconds(1000);
  options_.http2.keepalive.timeout = milliseconds(100);
  options_.http2.keepalive.jitter_percent = 0;
  Connect();
  Advance(1001);
  ASSERT_EQ(reader_.pings.size(), 1u);
  Advance(90);
  Send(RawPing(reader_.pings[0], true));
  Advance(90);
  EXPECT_TRUE(reader_.goaways.empty());
  Advance(1001);
  ASSERT_EQ(reader_.pings.size(), 2u);
  const uint64_t before = StatsStore::Process().ValueOf("http2.keepalive_timeout");
  Advance(101);
  EXPECT_EQ(StatsStore::Process().ValueOf("http2.keepalive_timeout"), before + 1);
  EXPECT_TRUE(peer_.write_shut);
}

}  // namespace
}  // namespace narthex
