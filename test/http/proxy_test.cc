// Both codecs together against slow, broken and impatient peers, byte by byte where that is the point.

#include <string>

#include "gtest/gtest.h"
#include "test/http/proxy_rig.h"
#include "test/http/whole_message.h"

namespace narthex {
namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";
constexpr std::string_view kPost =
    "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
constexpr std::string_view kChunkedAnswer =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";

ServerCodecOptions WithHalfClose() {
  ServerCodecOptions options;
  options.half_close_timeout = std::chrono::seconds(10);
  return options;
}

size_t HeldBytes(size_t live_before) {
  return (Block::LiveBlocks() - live_before) * Block::kSize;
}

size_t CountOf(std::string_view part, std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++count;
  return count;
}

TEST(HalfClosedClient, GetsItsAnswer) {
  ProxyRig rig(WithHalfClose());
  rig.Send(kGet);
  rig.CloseSending();
  ASSERT_FALSE(rig.closed());
  rig.Answer(0, kAnswer);
  EXPECT_TRUE(rig.received().ends_with("\r\n\r\nhello")) << rig.received();
  EXPECT_TRUE(rig.closed());
  EXPECT_TRUE(rig.upstream_idle(0));
}

TEST(HalfClosedClient, GetsAnAnswerToEachRequestThatItSentBefore) {
  ProxyRig rig(WithHalfClose());
  rig.Send(std::string(kGet) + std::string(kPost) + std::string(kGet));
  rig.CloseSending();
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(rig.upstreams(), i + 1);
    rig.Answer(i, i == 1 ? kChunkedAnswer : kAnswer);
  }
  EXPECT_EQ(CountOf("HTTP/1.1 200 OK", rig.received()), 3u);
  EXPECT_TRUE(rig.closed());
}

TEST(HalfClosedClient, IsGivenUpWhenItsExchangeStandsStill) {
  ProxyRig rig(WithHalfClose());
  rig.Send(kGet);
  rig.CloseSending();
  rig.Advance(9'000);
  EXPECT_FALSE(rig.closed());
  rig.Advance(1'001);
  EXPECT_TRUE(rig.closed());
  EXPECT_TRUE(rig.upstream_broken(0));
  EXPECT_EQ(rig.received(), "");
  EXPECT_EQ(rig.details(), "downstream_remote_disconnect");
}

TEST(HalfClosedClient, MayReadAsSlowlyAsOthers) {
  ProxyRig rig(WithHalfClose());
  rig.client().window = 60;
  rig.Send(kGet);
  rig.CloseSending();
  rig.Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + std::string(1000, 'x'));
  for (int i = 0; i < 10; ++i) {
    rig.Advance(9'000);
    rig.Drain(80);
    ASSERT_FALSE(rig.closed()) << "after " << i;
  }
  rig.Drain(1000);
  EXPECT_EQ(CountOf("x", rig.received()), 1000u);
  EXPECT_TRUE(rig.closed());
}

TEST(HalfClosedClient, ThatResetsIsGoneAtOnce) {
  ProxyRig rig(WithHalfClose());
  rig.Send(kGet);
  rig.CloseSending();
  rig.Reset();
  EXPECT_TRUE(rig.closed());
  EXPECT_TRUE(rig.upstream_broken(0));
}

TEST(HalfClosedClient, IsGoneAtOnceWhereNoTimeIsGiven) {
  ProxyRig rig;
  rig.Send(kGet);
  rig.CloseSending();
  EXPECT_TRUE(rig.closed());
  EXPECT_TRUE(rig.upstream_broken(0));
}

TEST(HalfClosedClient, WithARequestThatIsNotWholeIsGone) {
  ProxyRig rig(WithHalfClose());
  rig.Send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc");
  rig.CloseSending();
  EXPECT_TRUE(rig.closed());
  EXPECT_TRUE(rig.upstream_broken(0));
}

TEST(SlowReader, HoldsTheUpstreamBackAndGetsEverything) {
  constexpr size_t kLength = 10 << 20;
  const size_t live = Block::LiveBlocks();
  ProxyRig rig;
  rig.client().window = 1000;
  rig.Send(kGet);
  rig.Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kLength) + "\r\n\r\n");
  const std::string piece(64 << 10, 'y');
  for (size_t sent = 0; sent < kLength; sent += piece.size()) {
    rig.Answer(0, piece);
    ASSERT_LE(HeldBytes(live), 256u << 10) << "after " << sent;
  }
  while (!rig.upstream_idle(0)) {
    rig.Drain(50'000);
    ASSERT_LE(HeldBytes(live), 256u << 10);
  }
  rig.Drain(kLength);
  EXPECT_EQ(CountOf("y", rig.received()), kLength);
  EXPECT_EQ(HeldBytes(live), 0u);
}

TEST(SlowUpstream, HoldsTheClientBackAndGetsEverything) {
  constexpr size_t kLength = 10 << 20;
  const size_t live = Block::LiveBlocks();
  ProxyRig rig;
  rig.set_upstream_window(1000);
  rig.Send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: " + std::to_string(kLength) + "\r\n\r\n");
  const std::string piece(64 << 10, 'y');
  for (size_t sent = 0; sent < kLength; sent += piece.size()) {
    rig.Send(piece);
    ASSERT_LE(HeldBytes(live), 256u << 10) << "after " << sent;
  }
  rig.DrainUpstream(0, 2 * kLength);
  EXPECT_EQ(CountOf("y", rig.forwarded(0)), kLength);
  rig.Answer(0, kAnswer);
  EXPECT_TRUE(rig.received().ends_with("hello"));
  EXPECT_EQ(HeldBytes(live), 0u);
}

TEST(SlowBody, IsTakenAsLongAsItMoves) {
  ServerCodecOptions options;
  options.stream_idle_timeout = std::chrono::seconds(5);
  ProxyRig rig(options);
  rig.Send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    rig.Advance(4'000);
    rig.Send("z");
  }
  EXPECT_EQ(CountOf("z", rig.forwarded(0)), 20u);
  EXPECT_EQ(rig.received(), "");
  rig.Advance(5'001);
  EXPECT_TRUE(rig.received().starts_with("HTTP/1.1 408 ")) << rig.received();
  EXPECT_NE(rig.received().find("connection: close"), std::string::npos);
  EXPECT_TRUE(rig.upstream_broken(0));
}

TEST(PartialWrites, LeaveEveryMessageWhole) {
  ProxyRig rig;
  rig.client().window = 0;
  rig.set_upstream_window(0);
  rig.Send(kPost);
  for (int i = 0; i < 300; ++i) rig.DrainUpstream(0, 1);
  const WholeMessage forwarded = ReadWholeRequest(rig.forwarded(0));
  ASSERT_TRUE(forwarded.complete()) << rig.forwarded(0);
  EXPECT_EQ(forwarded.body, "abc");
  rig.Answer(0, kChunkedAnswer);
  for (int i = 0; i < 300; ++i) rig.Drain(1);
  const WholeMessage answer = ReadWholeResponse(rig.received(), false, false);
  ASSERT_TRUE(answer.complete()) << rig.received();
  EXPECT_EQ(answer.body, "hello");
  EXPECT_TRUE(rig.upstream_idle(0));
}

// Where in an exchange a peer breaks off: after each byte of the request, or of the response.
struct Break {
  std::string_view request;
  std::string_view response;
};
constexpr Break kBreaks[] = {
    {kGet, kAnswer}, {kGet, kChunkedAnswer}, {kPost, kAnswer}, {kPost, kChunkedAnswer}};

TEST(AClientThatResets, LeavesNothingBehindWhereverItDoes) {
  for (const Break& at : kBreaks) {
    for (size_t cut = 0; cut <= at.request.size() + at.response.size(); ++cut) {
      SCOPED_TRACE(std::string(at.request.substr(0, 4)) + std::to_string(cut));
      const size_t live = Block::LiveBlocks();
      {
        ProxyRig rig(WithHalfClose());
        rig.Send(at.request.substr(0, cut));
        if (cut > at.request.size()) rig.Answer(0, at.response.substr(0, cut - at.request.size()));
        rig.Reset();
        EXPECT_TRUE(rig.closed());
        EXPECT_EQ(rig.started(), rig.finished());
        for (size_t i = 0; i < rig.upstreams(); ++i)
          EXPECT_TRUE(rig.upstream_idle(i) || rig.upstream_broken(i));
      }
      EXPECT_EQ(Block::LiveBlocks(), live);
    }
  }
}

// What a client may see of an upstream that sent `sent` bytes of its response and then broke off.
void CheckCutAnswer(const WholeMessage& got, size_t sent, std::string_view response) {
  if (sent == response.size()) {
    EXPECT_TRUE(got.complete());
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "hello");
  } else if (response.substr(0, sent).find("\r\n\r\n") == std::string_view::npos) {
    EXPECT_TRUE(got.complete());
    EXPECT_EQ(got.status, sent == 0 ? 503 : 502);
  } else {
    EXPECT_FALSE(got.complete());
    EXPECT_EQ(got.status, 200);
  }
}

TEST(AnUpstreamThatBreaksOff, IsNeverAWholeAnswerWhereverItDoes) {
  for (const Break& at : kBreaks) {
    for (const bool reset : {false, true}) {
      for (size_t cut = 0; cut <= at.response.size(); ++cut) {
        SCOPED_TRACE(std::string(at.response.substr(17, 8)) + std::to_string(cut));
        const size_t live = Block::LiveBlocks();
        {
          ProxyRig rig;
          rig.Send(at.request);
          if (cut > 0) rig.Answer(0, at.response.substr(0, cut));
          reset ? rig.ResetUpstream(0) : rig.CloseUpstream(0);
          EXPECT_EQ(rig.started(), rig.finished());
          CheckCutAnswer(ReadWholeResponse(rig.received(), false, false), cut, at.response);
        }
        EXPECT_EQ(Block::LiveBlocks(), live);
      }
    }
  }
}

TEST(AnUpstreamThatBreaksOff, IsNeverAWholeAnswerToAClientOfHttp10) {
  ServerCodecOptions options;
  options.accept_http_10 = true;
  for (const std::string_view cut : {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
                                     "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc"}) {
    ProxyRig rig(options);
    rig.Send("GET /a HTTP/1.0\r\nhost: x\r\n\r\n");
    rig.Answer(0, cut);
    rig.CloseUpstream(0);
    EXPECT_TRUE(rig.received().ends_with("\r\n\r\nabc")) << rig.received();
    EXPECT_TRUE(rig.closed());
    EXPECT_TRUE(rig.client().aborted);
    EXPECT_FALSE(rig.client().write_shut) << "a FIN would end the response";
  }
}

TEST(ARequestThatBreaksOff, IsNoEndOfAResponseThatLastsUntilTheUpstreamCloses) {
  ProxyRig rig;
  rig.Send("POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
  rig.Answer(0, "HTTP/1.1 200 OK\r\n\r\nthe first part");
  rig.Send("no chunk\r\n");
  EXPECT_TRUE(rig.closed());
  EXPECT_EQ(rig.started(), rig.finished());
  const WholeMessage got = ReadWholeResponse(rig.received(), false, false);
  EXPECT_FALSE(got.complete()) << rig.received();
  EXPECT_TRUE(rig.client().aborted);
}

TEST(AnUpstreamThatAnswersEarly, IsBelievedAndItsConnectionNotUsedAgain) {
  ProxyRig rig;
  rig.Send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nthe beginning");
  rig.Answer(0, "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
  rig.CloseUpstream(0);
  EXPECT_TRUE(rig.received().starts_with("HTTP/1.1 413 ")) << rig.received();
  EXPECT_TRUE(rig.received().ends_with("\r\n\r\nbig"));
  EXPECT_NE(rig.received().find("connection: close\r\n"), std::string::npos) << "for the body is long";
  EXPECT_TRUE(rig.upstream_broken(0));
  EXPECT_FALSE(rig.upstream_idle(0));
}

}  // namespace
}  // namespace narthex
