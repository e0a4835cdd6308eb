// Clients that hold a connection with as few bytes as they can, and those that are only slow.

#include <string>

#include "gtest/gtest.h"
#include "test/http/proxy_rig.h"
#include "test/http/whole_message.h"

namespace narthex {
namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";
constexpr std::string_view kPost = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 20000\r\n\r\n";
constexpr std::string_view kChunkedPost = "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
constexpr std::string_view kBigAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
constexpr const char* kTooSlow = "stream_idle_timeout;client_too_slow";

ServerCodecOptions With240() {
  ServerCodecOptions options;
  options.min_client_rate = 240;
  return options;
}

// A second in which the client sends `piece`.
void SendForASecond(ProxyRig& rig, std::string_view piece) {
  rig.Advance(1000);
  rig.Send(piece);
}

TEST(ASlowBody, IsRefusedAfterTenSeconds) {
  ProxyRig rig(With240());
  rig.Send(kPost);
  for (int i = 0; i < 9; ++i) SendForASecond(rig, "0123456789");
  EXPECT_EQ(rig.received(), "");
  rig.Advance(1000);
  EXPECT_TRUE(rig.received().starts_with("HTTP/1.1 408 ")) << rig.received();
  EXPECT_NE(rig.received().find("connection: close"), std::string::npos);
  EXPECT_EQ(rig.details(), kTooSlow);
  EXPECT_TRUE(rig.upstream_broken(0));
}

TEST(ASlowBody, OfTinyChunksOrAfterAQuickBeginningIsRefusedAsWell) {
  for (const bool quick : {false, true}) {
    ProxyRig rig(With240());
    rig.Send(kChunkedPost);
    if (quick) rig.Send("2710\r\n" + std::string(10'000, 'q') + "\r\n");
    for (int i = 0; i < 21 && rig.received().empty(); ++i)
      SendForASecond(rig, "1;x=yyyyyyyyyyyyyyyyyy\r\na\r\n");
    EXPECT_TRUE(rig.received().starts_with("HTTP/1.1 408 ")) << rig.received();
  }
}

TEST(ASlowBody, ThatKeepsTheRateIsTaken) {
  ProxyRig rig(With240());
  rig.Send(kPost);
  for (int i = 0; i < 50; ++i) SendForASecond(rig, std::string(400, 'y'));
  EXPECT_TRUE(rig.forwarded(0).ends_with(std::string(20'000, 'y')));
  rig.Answer(0, kAnswer);
  EXPECT_TRUE(rig.received().ends_with("hello"));
}

TEST(ASlowBody, IsNotBlamedOnAClientThatIsHeldBack) {
  ProxyRig rig(With240());
  rig.set_upstream_window(500);
  rig.Send(kPost);
  rig.Send(std::string(20'000, 'y'));
  for (int i = 0; i < 6; ++i) rig.Advance(10'000);
  EXPECT_EQ(rig.received(), "");
  rig.DrainUpstream(0, 100'000);
  rig.Answer(0, kAnswer);
  EXPECT_TRUE(rig.received().ends_with("hello"));
}

TEST(ASlowBody, IsNoMatterOnceTheResponseHasBegun) {
  ProxyRig rig(With240());
  rig.Send(kChunkedPost);
  rig.Answer(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
  for (int i = 0; i < 6; ++i) rig.Advance(10'000);
  ASSERT_FALSE(rig.closed());
  rig.Send("1\r\nb\r\n0\r\n\r\n");
  rig.Answer(0, "0\r\n\r\n");
  EXPECT_TRUE(rig.upstream_idle(0));
}

TEST(ASlowBody, ThatNobodyWantsAnyMoreEndsTheConnection) {
  ProxyRig rig(With240());
  rig.Send(kPost);
  rig.Answer(0, kAnswer);
  EXPECT_TRUE(rig.received().ends_with("hello"));
  SendForASecond(rig, "some of it");
  EXPECT_FALSE(rig.closed());
  rig.Advance(10'000);
  EXPECT_TRUE(rig.closed());
  EXPECT_EQ(rig.details(), "");
  EXPECT_EQ(rig.ended_by(), CloseCause::kIdleTimeout);
}

TEST(ASlowReader, IsBrokenOffAfterTenSeconds) {
  ProxyRig rig(With240());
  rig.client().window = 200;
  rig.Send(kGet);
  rig.Answer(0, kBigAnswer);
  rig.Answer(0, std::string(20'000, 'x'));
  for (int i = 0; i < 9; ++i) {
    rig.Advance(1000);
    rig.Drain(100);
    ASSERT_FALSE(rig.closed()) << i;
  }
  rig.Advance(1000);
  EXPECT_TRUE(rig.closed());
  EXPECT_TRUE(rig.client().aborted);
  EXPECT_EQ(rig.details(), kTooSlow);
  EXPECT_EQ(rig.started(), rig.finished());
}

TEST(ASlowReader, ThatKeepsTheRateGetsEverything) {
  ProxyRig rig(With240());
  rig.client().window = 200;
  rig.Send(kGet);
  rig.Answer(0, kBigAnswer);
  rig.Answer(0, std::string(20'000, 'x'));
  for (int i = 0; i < 100; ++i) {
    rig.Advance(1000);
    rig.Drain(300);
  }
  EXPECT_TRUE(ReadWholeResponse(rig.received(), false, false).complete());
  EXPECT_FALSE(rig.closed());
}

// A full socket tells only now and then that it has room: what the client has received counts.
TEST(ASlowReader, IsSeenToReceiveWhatTheSocketHolds) {
  ProxyRig rig(With240());
  rig.client().window = 10'000;
  rig.client().unreceived = 10'000;
  rig.Send(kGet);
  rig.Answer(0, kBigAnswer);
  rig.Answer(0, std::string(20'000, 'x'));
  for (int i = 0; i < 3; ++i) {
    rig.client().unreceived -= 2'500;
    rig.Advance(10'000);
    ASSERT_FALSE(rig.closed()) << i;
  }
  rig.client().unreceived -= 2'300;
  rig.Advance(10'000);
  EXPECT_TRUE(rig.closed());
}

TEST(ASlowReader, IsNotBlamedForAnUpstreamThatIsSlow) {
  ProxyRig rig(With240());
  rig.Send(kGet);
  rig.Answer(0, kBigAnswer);
  for (int i = 0; i < 10; ++i) {
    rig.Advance(20'000);
    rig.Answer(0, "x");
  }
  EXPECT_FALSE(rig.closed());
}

TEST(AHalfClosedReader, MayBeSlowWhileItReceives) {
  ServerCodecOptions options;
  options.half_close_timeout = std::chrono::seconds(10);
  ProxyRig rig(options);
  rig.client().window = 10'000;
  rig.client().unreceived = 10'000;
  rig.Send(kGet);
  rig.CloseSending();
  rig.Answer(0, kBigAnswer);
  rig.Answer(0, std::string(20'000, 'x'));
  for (int i = 0; i < 9; ++i) {
    rig.client().unreceived -= 1'000;
    rig.Advance(10'000);
    ASSERT_FALSE(rig.closed()) << i;
  }
  rig.Advance(10'001);
  EXPECT_TRUE(rig.closed());
}

TEST(AnIdleClient, ThatLeavesItsAnswerInTheSocketIsClosed) {
  ProxyRig rig(With240());
  rig.Send(kGet);
  rig.client().unreceived = 2'000;
  rig.Answer(0, kAnswer);
  rig.Advance(5'000);
  EXPECT_FALSE(rig.closed());
  rig.client().unreceived = 1'000;
  rig.Advance(5'000);
  EXPECT_TRUE(rig.closed());
  EXPECT_TRUE(rig.client().aborted);
}

TEST(AnIdleClient, MayStayAsLongAsTheIdleTimeoutSays) {
  ServerCodecOptions options = With240();
  options.idle_timeout = std::chrono::seconds(60);
  ProxyRig rig(options);
  rig.Send(kGet);
  rig.client().unreceived = 2'000;
  rig.Answer(0, kAnswer);
  rig.Advance(5'000);
  rig.client().unreceived = 0;
  rig.Advance(54'000);
  EXPECT_FALSE(rig.closed());
  rig.Advance(1'001);
  EXPECT_TRUE(rig.closed());
  EXPECT_FALSE(rig.client().aborted);
}

}  // namespace
}  // namespace narthex
