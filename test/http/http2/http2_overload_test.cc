// What an overloaded process does to connections of HTTP/2.

#include <string>

#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

ReducedTimeouts To(ScaledTimeout which, int ms) {
  ReducedTimeouts reduced;
  reduced.least[static_cast<size_t>(which)] = LeastTimeout{.at_least = milliseconds(ms)};
  reduced.scale = 1;
  return reduced;
}

class Http2OverloadTest : public Http2ServerTest {
 protected:
  void EndLate(ScaledTimeout which, int ms) {
    connection_->EndLate(To(which, ms));
    Turn();
  }
  size_t ResetFrom(uint32_t smallest) {
    StreamAccounts accounts(smallest, 1);
    connection_->Weigh(accounts);
    const size_t resets = accounts.ResetLargest();
    Turn();
    return resets;
  }
};

TEST_F(Http2OverloadTest, AConnectionIdlesAsLongAsIsLeftOfItsTimeout) {
  Connect();
  Advance(10'000);
  EndLate(ScaledTimeout::kConnectionIdle, 15'000);
  EndLate(ScaledTimeout::kStreamIdle, 1);
  EXPECT_TRUE(reader_.goaways.empty());
  Advance(10'000);
  EndLate(ScaledTimeout::kConnectionIdle, 15'000);
  EXPECT_TRUE(refused(NGHTTP2_NO_ERROR));
  EXPECT_EQ(connection_->ended_by(), CloseCause::kIdleTimeout);
  EndLate(ScaledTimeout::kConnectionIdle, 0);
}

TEST_F(Http2OverloadTest, StreamsThatStandStillAreAnsweredSoonerEachForItself) {
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true));
  Advance(10'000);
  Send(RawHeaders(3, RawPost("/echo"), false));
  Advance(10'000);
  EndLate(ScaledTimeout::kConnectionIdle, 1);
  EXPECT_FALSE(At(1).ended);
  EndLate(ScaledTimeout::kStreamIdle, 15'000);
  EXPECT_EQ(At(1).status(), 504);
  EXPECT_FALSE(At(3).ended);
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].details, "stream_idle_timeout");
}

// Nobody reads the bodies of these requests, and the client takes nothing of the responses.
TEST_F(Http2OverloadTest, AStreamThatHoldsMuchIsResetAndTheOthersGoOn) {
  handler_.piece_size = 100;
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  Send(RawHeaders(1, RawPost("/endless"), false) + RawHeaders(3, RawPost("/endless"), false));
  for (int i = 0; i < 4; ++i) Send(RawData(1, std::string(10'000, 'x'), false));
  Send(RawData(3, std::string(2000, 'x'), false));
  EXPECT_EQ(ResetFrom(16), 0u) << "less than 64 KiB";
  EXPECT_EQ(ResetFrom(15), 1u);
  EXPECT_TRUE(At(1).reset);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_INTERNAL_ERROR));
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_TRUE(handler_.ended[0].Has(ResponseFlag::kOverloadManager));
  EXPECT_EQ(handler_.ended[0].details, "overload;high_memory_stream");
  Send(RawWindowUpdate(3, 100));
  EXPECT_FALSE(At(3).reset);
  EXPECT_EQ(At(3).body.size(), 100u);
}

TEST_F(Http2OverloadTest, WhatTheClientDoesNotReadCountsAsHeld) {
  handler_.piece_size = 40'000;
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  Send(RawHeaders(1, RawGet("/endless"), true));
  EXPECT_EQ(ResetFrom(15), 1u);
  EXPECT_TRUE(At(1).reset);
}

TEST_F(Http2OverloadTest, SeveralStreamsOfAConnectionAreResetAtOnce) {
  handler_.piece_size = 100;
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  for (uint32_t id = 1; id < 8; id += 2) {
    Send(RawHeaders(id, RawPost("/endless"), false) + RawData(id, std::string(5000, 'x'), false));
  }
  EXPECT_EQ(ResetFrom(10), 4u);
  EXPECT_EQ(handler_.ended.size(), 4u);
  EXPECT_FALSE(gone());
}

}  // namespace
}  // namespace narthex
