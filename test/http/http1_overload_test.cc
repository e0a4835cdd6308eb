// What an overloaded process does to connections of HTTP/1.

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/coro/event.h"
#include "source/http/server_codec.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

// Reads the body of a POST to its end, waits for ever with another request but "/now", and keeps what became
// of the last one.
class Waiting final : public RequestHandler {
 public:
  void OnStart(Exchange& exchange) override { exchange.close_connection = close; }
  Task<Response> Handle(Request request) override {
    if (request.path() == "/route") request.info().SetIdleTimeout(milliseconds(600));
    if (request.method() == "POST") {
      WholeBody whole = co_await ReadAll(request.body(), 1 << 20, &request.info());
    } else if (request.path() != "/now") {
      co_await never.Wait();
    }
    co_return Response(200);
  }
  Response Refuse(Exchange& exchange, int status, ExchangeError error) override {
    exchange.response_details = error.detail;
    return LocalReply(status, error.detail, "refused");
  }
  void OnEnd(Exchange& exchange, const HeaderMap*, const HeaderMap*, const HeaderMap*) override {
    ++ended;
    flagged = exchange.HasFlag(ResponseFlag::kOverloadManager);
    details = exchange.response_details;
  }

  Event never;
  bool close = false;
  int ended = 0;
  bool flagged = false;
  std::string details;
};

ReducedTimeouts To(ScaledTimeout which, int ms) {
  ReducedTimeouts reduced;
  reduced.least[static_cast<size_t>(which)] = LeastTimeout{.at_least = milliseconds(ms)};
  reduced.scale = 1;
  return reduced;
}

class Http1OverloadTest : public ::testing::Test {
 protected:
  void Connect() {
    auto stream = std::make_unique<FakeStream>(peer_);
    stream_ = stream.get();
    connection_ = MakeHttp1ServerConnection(
        std::move(stream), {*loop_, handler_, facts_, options_,
                            [](void* ended) { *static_cast<bool*>(ended) = true; }, &ended_});
  }
  void Get(std::string_view path) {
    stream_->Deliver("GET " + std::string(path) + " HTTP/1.1\r\nhost: x\r\n\r\n");
  }
  void Advance(int ms) { loop_->wheel().Advance(loop_->NowMs() + static_cast<uint64_t>(ms)); }
  size_t ResetFrom(uint32_t smallest) {
    StreamAccounts accounts(smallest, 1);
    connection_->Weigh(accounts);
    return accounts.ResetLargest();
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  Waiting handler_;
  ConnectionFacts facts_;
  ServerCodecOptions options_;
  FakePeer peer_;
  FakeStream* stream_ = nullptr;
  bool ended_ = false;
  std::unique_ptr<ServerConnection> connection_;
};

TEST_F(Http1OverloadTest, AConnectionIdlesAsLongAsIsLeftOfItsTimeout) {
  for (const bool used : {false, true}) {
    ended_ = false;
    Connect();
    if (used) Get("/now");
    Advance(99);
    connection_->EndLate(To(ScaledTimeout::kConnectionIdle, 100));
    EXPECT_FALSE(ended_);
    Advance(1);
    connection_->EndLate(To(ScaledTimeout::kStreamIdle, 100));
    EXPECT_FALSE(ended_) << "that is another timeout";
    connection_->EndLate(To(ScaledTimeout::kConnectionIdle, 100));
    EXPECT_TRUE(ended_);
    EXPECT_EQ(connection_->ended_by(), CloseCause::kIdleTimeout);
    connection_->EndLate(To(ScaledTimeout::kConnectionIdle, 0));
  }
}

TEST_F(Http1OverloadTest, AConnectionThatMayIdleForEverDoes) {
  options_.idle_timeout = milliseconds(0);
  Connect();
  Advance(100'000);
  connection_->EndLate(To(ScaledTimeout::kConnectionIdle, 1));
  EXPECT_FALSE(ended_);
}

TEST_F(Http1OverloadTest, AnExchangeThatStandsStillIsAnsweredSooner) {
  Connect();
  Get("/slow");
  Advance(100);
  connection_->EndLate(To(ScaledTimeout::kConnectionIdle, 1));
  connection_->EndLate(To(ScaledTimeout::kStreamIdle, 101));
  EXPECT_EQ(peer_.received, "");
  connection_->EndLate(To(ScaledTimeout::kStreamIdle, 100));
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 504 ")) << peer_.received;
  EXPECT_EQ(handler_.details, "stream_idle_timeout");
}

TEST_F(Http1OverloadTest, TheTimeoutOfARouteIsScaledFromItsOwn) {
  Connect();
  Get("/route");
  ReducedTimeouts half = To(ScaledTimeout::kStreamIdle, 0);
  half.scale = 0.5;
  Advance(299);
  connection_->EndLate(half);
  EXPECT_EQ(peer_.received, "");
  Advance(1);
  connection_->EndLate(half);
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 504 ")) << peer_.received;
}

TEST_F(Http1OverloadTest, WhatMovesIsNotLate) {
  Connect();
  stream_->Deliver("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
  for (int i = 0; i < 5; ++i) {
    Advance(90);
    stream_->Deliver("12345");
    connection_->EndLate(To(ScaledTimeout::kStreamIdle, 80));
  }
  EXPECT_EQ(peer_.received, "");
  EXPECT_FALSE(ended_);
}

TEST_F(Http1OverloadTest, AnAnswerMayBeTheLastOfItsConnection) {
  handler_.close = true;
  Connect();
  Get("/now");
  EXPECT_NE(peer_.received.find("connection: close"), std::string::npos) << peer_.received;
  EXPECT_TRUE(peer_.write_shut);
}

TEST_F(Http1OverloadTest, AStreamThatHoldsMuchIsReset) {
  Connect();
  stream_->Deliver("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n" + std::string(50'000, 'x'));
  EXPECT_EQ(ResetFrom(16), 0u) << "less than 64 KiB";
  EXPECT_FALSE(ended_);
  EXPECT_EQ(ResetFrom(15), 1u);
  EXPECT_TRUE(ended_);
  EXPECT_TRUE(peer_.aborted);
  EXPECT_EQ(handler_.ended, 1);
  EXPECT_TRUE(handler_.flagged);
  EXPECT_EQ(handler_.details, "overload;high_memory_stream");
  EXPECT_EQ(ResetFrom(10), 0u) << "nothing is left of it";
}

TEST_F(Http1OverloadTest, AnIdleConnectionHasNoStreamToReset) {
  Connect();
  Get("/now");
  EXPECT_EQ(ResetFrom(10), 0u);
  EXPECT_FALSE(ended_);
}

}  // namespace
}  // namespace narthex
