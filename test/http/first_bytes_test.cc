// How long a request may take to come, from its first byte on, also where that may be one of HTTP/2's.

#include <chrono>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/http/server_codec.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class FirstBytesTest : public ::testing::Test, private RequestHandler {
 protected:
  FirstBytesTest() { options_.request_headers_timeout = milliseconds(100); }

  void Connect() {
    auto stream = std::make_unique<FakeStream>(peer_);
    stream_ = stream.get();
    connection_ = MakeHttp1ServerConnection(
        std::move(stream), {.loop = *loop_,
                            .handler = *this,
                            .facts = facts_,
                            .options = options_,
                            .on_end = [](void* self) { static_cast<FirstBytesTest*>(self)->ended_ = true; },
                            .context = this,
                            .on_protocol = &FirstBytesTest::OnProtocol});
  }
  void Advance(int ms) { loop_->wheel().Advance(loop_->NowMs() + static_cast<uint64_t>(ms)); }
  // What came for HTTP/2; the rest of it stays with the stream.
  std::string TakenByHttp2() const { return http2_ == nullptr ? "nothing" : http2_input_.ToString(); }
  void ExpectRefused(std::string_view detail) {
    EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 408 ")) << peer_.received;
    EXPECT_EQ(refused_for_, detail);
    EXPECT_EQ(logged_, 1);
    EXPECT_TRUE(peer_.write_shut);
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ServerCodecOptions options_;
  ConnectionFacts facts_;
  FakePeer peer_;
  FakeStream* stream_ = nullptr;
  std::unique_ptr<Stream> http2_;
  Buffer http2_input_;
  std::string refused_for_, last_path_;
  int http1_ = 0, logged_ = 0;
  bool ended_ = false;
  std::unique_ptr<ServerConnection> connection_;

 private:
  void OnStart(Exchange&) override {}
  Task<Response> Handle(Request request) override {
    last_path_ = request.path();
    WholeBody whole = co_await ReadAll(request.body(), 1 << 20);
    co_return Response(whole.error == nullptr ? 200 : 500);
  }
  Response Refuse(Exchange&, int status, ExchangeError error) override {
    refused_for_ = error.detail;
    return LocalReply(status, error.detail, "refused");
  }
  void OnEnd(Exchange&, const HeaderMap*, const HeaderMap*, const HeaderMap*) override { ++logged_; }
  static void OnProtocol(void* self, std::unique_ptr<Stream> http2, Buffer received) {
    auto* test = static_cast<FirstBytesTest*>(self);
    if (http2 == nullptr) {
      ++test->http1_;
      return;
    }
    test->http2_ = std::move(http2);
    test->http2_input_ = std::move(received);
  }
};

TEST_F(FirstBytesTest, OfHttp2AreHandedOverInWhateverPiecesTheyCome) {
  Connect();
  for (const char c : kPreface) stream_->Deliver(std::string_view(&c, 1));
  EXPECT_EQ(TakenByHttp2(), kPreface);
  EXPECT_EQ(http1_, 0);
  EXPECT_EQ(logged_, 0);
  EXPECT_FALSE(ended_);
  EXPECT_EQ(peer_.received, "");
}

TEST_F(FirstBytesTest, OfHttp2AreHandedOverWithWhatFollows) {
  Connect();
  stream_->Deliver(std::string(kPreface) + "more");
  EXPECT_EQ(TakenByHttp2(), std::string(kPreface) + "more");
}

TEST_F(FirstBytesTest, ThatAreLikeThoseOfHttp2MayBecomeARequestOfHttp1) {
  Connect();
  for (const char c : std::string("PRINT /a HTTP/1.1\r\nHost: x\r\n\r\n"))
    stream_->Deliver(std::string_view(&c, 1));
  EXPECT_EQ(http1_, 1);
  EXPECT_EQ(last_path_, "/a");
  stream_->Deliver(std::string(kPreface));
  EXPECT_EQ(TakenByHttp2(), "nothing") << "not as a second request";
}

TEST_F(FirstBytesTest, ThatDripDoNotPutOffTheEnd) {
  Connect();
  for (const char c : std::string("PRI * ")) {
    stream_->Deliver(std::string_view(&c, 1));
    Advance(30);
    if (!peer_.received.empty()) break;
  }
  ExpectRefused("request_header_timeout");
  EXPECT_EQ(http1_, 1);
}

TEST_F(FirstBytesTest, HaveTheirTimeAlsoWhereTheRestIsOfHttp1) {
  Connect();
  stream_->Deliver("P");
  Advance(60);
  stream_->Deliver("OST / HTTP/1.1\r\n");
  Advance(60);
  ExpectRefused("request_header_timeout");
}

TEST_F(FirstBytesTest, BehindWhichNothingComesAreAnsweredAndLogged) {
  Connect();
  stream_->Deliver("P");
  Advance(101);
  ExpectRefused("request_header_timeout");
}

TEST_F(FirstBytesTest, OfAClientThatLeavesAreNoRequest) {
  Connect();
  stream_->Deliver("PRI");
  stream_->Close();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(logged_, 0);
  EXPECT_EQ(peer_.received, "");
}

TEST_F(FirstBytesTest, BeginTheTimeOfTheWholeRequest) {
  options_.request_headers_timeout = milliseconds(0);
  options_.request_timeout = milliseconds(100);
  Connect();
  stream_->Deliver("POST / HTTP/1.1\r\nHost: x\r\nX-A: ");
  Advance(101);
  ExpectRefused("request_overall_timeout");
}

TEST_F(FirstBytesTest, LeaveTheBodyWhatTheHeadHasNotTaken) {
  options_.request_timeout = milliseconds(100);
  Connect();
  stream_->Deliver("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n");
  Advance(60);
  stream_->Deliver("\r\na");
  EXPECT_EQ(peer_.received, "");
  Advance(41);
  ExpectRefused("request_overall_timeout");
}

TEST_F(FirstBytesTest, DoNotBoundARequestThatIsWhole) {
  options_.request_timeout = milliseconds(100);
  Connect();
  stream_->Deliver("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n");
  Advance(60);
  stream_->Deliver("\r\nabcde");
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 200 ")) << peer_.received;
  // The next has a time of its own.
  Advance(60);
  stream_->Deliver("GET / HT");
  Advance(60);
  stream_->Deliver("TP/1.1\r\nHost: x\r\n\r\n");
  Advance(1000);
  EXPECT_EQ(refused_for_, "");
  EXPECT_FALSE(ended_);
}

}  // namespace
}  // namespace narthex
