#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/http/server_codec.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

using ::testing::Test;

// Answers by path, and keeps what it was told.
class Recorder final : public RequestHandler {
 public:
  void OnStart(Exchange&) override { ++started; }
  Task<Response> Handle(Request request) override {
    const std::string path(request.path());
    seen.push_back(std::string(request.method()) + " " + path);
    if (path == "/wait") {
      waiting = true;
      co_await go.Wait();
      waiting = false;
    }
    if (path == "/echo") {
      WholeBody body = co_await ReadAll(request.body(), 1 << 20);
      if (body.error != nullptr) co_return LocalReply(400, body.error->detail, "bad body");
      Response response(200);
      response.set_body(Body(std::move(body.data)));
      co_return response;
    }
    if (path == "/idle-60") request.info().SetIdleTimeout(std::chrono::milliseconds(60));
    if (path == "/idle-0") request.info().SetIdleTimeout(std::chrono::milliseconds(0));
    if (path.starts_with("/idle")) co_await go.Wait();
    if (path == "/400") co_return LocalReply(400, "detail", "wrong");
    Response response(path == "/204" ? 204 : 200);
    if (path == "/stream") {
      response.set_body(Body(Buffer(), std::make_unique<Pieces>(), std::nullopt));
    } else if (path != "/204") {
      response.set_body(Body("hello"));
    }
    if (path == "/trailers") {
      auto trailers = std::make_unique<HeaderMap>();
      trailers->Add("x-t", "1");
      response.body().set_trailers(std::move(trailers));
    }
    co_return response;
  }
  Response Refuse(Exchange& exchange, int status, ExchangeError error) override {
    exchange.response_details = error.detail;
    return LocalReply(status, error.detail, "refused");
  }
  void OnEnd(Exchange& exchange, const HeaderMap*, const HeaderMap*, const HeaderMap*) override {
    ++ended;
    last_flags = exchange.flags();
    last_status = exchange.response_status;
    last_details = exchange.response_details;
  }

  struct Pieces final : BodySource {
    Task<BodyPiece> Read() override {
      BodyPiece piece;
      piece.data.Append(count == 0 ? "one" : "two");
      piece.end = ++count == 2;
      co_return piece;
    }
    int count = 0;
  };

  Event go;
  bool waiting = false;
  int started = 0, ended = 0, last_status = 0;
  uint64_t last_flags = 0;
  std::string last_details;
  std::vector<std::string> seen;
};

class Http1ServerTest : public Test {
 protected:
  void Connect() {
    auto stream = std::make_unique<FakeStream>(peer_);
    stream_ = stream.get();
    connection_ = MakeHttp1ServerConnection(
        std::move(stream), {*loop_, handler_, facts_, options_,
                            [](void* ended) { *static_cast<bool*>(ended) = true; }, &ended_});
  }
  void Advance(int ms) { loop_->wheel().Advance(loop_->NowMs() + static_cast<uint64_t>(ms)); }
  bool Received(std::string_view part) const { return peer_.received.find(part) != std::string::npos; }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  Recorder handler_;
  ConnectionFacts facts_;
  ServerCodecOptions options_;
  FakePeer peer_;
  FakeStream* stream_ = nullptr;
  bool ended_ = false;
  std::unique_ptr<ServerConnection> connection_;
};

TEST_F(Http1ServerTest, AnswersWithOneReadAndOneWrite) {
  Connect();
  stream_->Deliver("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 200 OK\r\n")) << peer_.received;
  EXPECT_TRUE(Received("content-length: 5\r\n"));
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\nhello"));
  EXPECT_EQ(peer_.reads, 1);
  EXPECT_EQ(peer_.writes, 1);
  EXPECT_EQ(handler_.ended, 1);
  EXPECT_FALSE(ended_);
}

TEST_F(Http1ServerTest, ServesPipelinedRequestsInOrder) {
  Connect();
  stream_->Deliver(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: "
      "x\r\n\r\n");
  EXPECT_EQ(handler_.seen, (std::vector<std::string>{"GET /1", "GET /2", "GET /3"}));
}

TEST_F(Http1ServerTest, UnderstandsBytesThatComeOneByOne) {
  Connect();
  for (const char c : std::string("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")) {
    stream_->Deliver(std::string_view(&c, 1));
  }
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\nabcde")) << peer_.received;
}

TEST_F(Http1ServerTest, SendsABodyOfUnknownLengthInChunks) {
  Connect();
  stream_->Deliver("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(Received("transfer-encoding: chunked\r\n"));
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")) << peer_.received;
}

TEST_F(Http1ServerTest, SendsAWholeBodyInChunksForTheSakeOfItsTrailers) {
  options_.enable_trailers = true;
  options_.accept_http_10 = true;
  Connect();
  stream_->Deliver("GET /trailers HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(Received("content-length")) << peer_.received;
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n")) << peer_.received;
  peer_.received.clear();
  stream_->Deliver("GET /trailers HTTP/1.0\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\nhello")) << peer_.received;
}

TEST_F(Http1ServerTest, DropsTrailersThatMayNotBeSent) {
  Connect();
  stream_->Deliver("GET /trailers HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(Received("content-length: 5\r\n"));
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\nhello")) << peer_.received;
}

TEST_F(Http1ServerTest, SendsNoBodyForHeadAnd204) {
  Connect();
  stream_->Deliver("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\n"));
  EXPECT_TRUE(Received("content-length: 5"));
  peer_.received.clear();
  stream_->Deliver("GET /204 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\n"));
  EXPECT_FALSE(Received("content-length"));
}

TEST_F(Http1ServerTest, ClosesAfterALocalReplyThatBlamesTheRequest) {
  Connect();
  stream_->Deliver("GET /400 HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(Received("connection: close"));
  EXPECT_EQ(handler_.seen.size(), 1u);
}

TEST_F(Http1ServerTest, GoesOnAfterALocalReplyThatBlamesTheRequestWhereItIsTold) {
  options_.keep_after_bad_request = true;
  Connect();
  stream_->Deliver("POST /400 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 400 ")) << peer_.received;
  EXPECT_FALSE(Received("connection: close"));
  stream_->Deliver("bcGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(handler_.seen, (std::vector<std::string>{"POST /400", "GET /next"}));
  // Where such a message ends, nobody knows.
  stream_->Deliver("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_TRUE(Received("connection: close"));
  EXPECT_TRUE(peer_.write_shut);
}

TEST_F(Http1ServerTest, RefusesBadRequestsAndCloses) {
  options_.keep_after_bad_request = true;
  Connect();
  stream_->Deliver("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 400 ")) << peer_.received;
  EXPECT_TRUE(Received("connection: close"));
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(handler_.started, 1);
  EXPECT_EQ(handler_.ended, 1);
  EXPECT_TRUE(handler_.seen.empty());
  stream_->Close();
  EXPECT_TRUE(ended_);
}

TEST_F(Http1ServerTest, LingersNoLongerThanItsTimeout) {
  Connect();
  stream_->Deliver("BAD\r\n\r\n");
  EXPECT_FALSE(ended_);
  Advance(1001);
  EXPECT_TRUE(ended_);
}

TEST_F(Http1ServerTest, ClosesAtOnceWhereThereIsNoTimeToLinger) {
  options_.delayed_close_timeout = std::chrono::milliseconds(0);
  Connect();
  stream_->Deliver("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\nhello"));
  EXPECT_TRUE(ended_);
}

TEST_F(Http1ServerTest, AsksForABodyWithContinue) {
  Connect();
  stream_->Deliver("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer_.received, "HTTP/1.1 100 Continue\r\n\r\n");
  stream_->Deliver("ok");
  EXPECT_TRUE(peer_.received.ends_with("\r\n\r\nok"));
}

TEST_F(Http1ServerTest, CancelsTheHandlerWhenTheClientLeaves) {
  Connect();
  stream_->Deliver("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(handler_.go.has_waiter());
  stream_->Close();
  EXPECT_FALSE(handler_.go.has_waiter());
  EXPECT_TRUE(ended_);
  EXPECT_EQ(handler_.ended, 1);
  EXPECT_EQ(handler_.last_flags,
            uint64_t{1} << static_cast<int>(ResponseFlag::kDownstreamConnectionTermination));
}

TEST_F(Http1ServerTest, StopsReadingABodyWhileTheClientDoesNotRead) {
  peer_.window = 10;
  Connect();
  stream_->Deliver("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(peer_.received.size(), 10u);
  stream_->Drained(100'000);
  EXPECT_TRUE(peer_.received.ends_with("two\r\n0\r\n\r\n"));
}

TEST_F(Http1ServerTest, ReadsNoMoreOfABodyAtOnceThanItsBufferLimit) {
  options_.buffer_limit = 1000;
  Connect();
  stream_->Deliver("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2500\r\n\r\n");
  const int reads = peer_.reads;
  stream_->Deliver(std::string(2500, 'x'));
  EXPECT_TRUE(Received("content-length: 2500\r\n"));
  EXPECT_EQ(peer_.reads - reads, 3);
}

TEST_F(Http1ServerTest, EndsAnIdleStreamWithTheTimeoutsReply) {
  options_.stream_idle_timeout = std::chrono::milliseconds(100);
  Connect();
  stream_->Deliver("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  Advance(101);
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 504 ")) << peer_.received;
  EXPECT_EQ(handler_.last_details, "stream_idle_timeout");
}

TEST_F(Http1ServerTest, LetsAnExchangeHaveAnIdleTimeoutOfItsOwn) {
  options_.stream_idle_timeout = std::chrono::milliseconds(100);
  Connect();
  stream_->Deliver("GET /idle-60 HTTP/1.1\r\nHost: x\r\n\r\n");
  Advance(59);
  EXPECT_EQ(peer_.received, "");
  Advance(2);
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 504 ")) << peer_.received;
  peer_.received.clear();
  stream_->Deliver("GET /idle-0 HTTP/1.1\r\nHost: x\r\n\r\n");
  Advance(1000);
  EXPECT_EQ(peer_.received, "");
  handler_.go.Set();
  EXPECT_TRUE(Received("hello"));
}

TEST_F(Http1ServerTest, ClosesWhenItAnswersWithoutAskingForTheBody) {
  Connect();
  stream_->Deliver("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(Received("connection: close\r\n")) << peer_.received;
  EXPECT_FALSE(Received("100 Continue"));
  EXPECT_TRUE(peer_.write_shut);
}

TEST_F(Http1ServerTest, RefusesAbsoluteFormWhereItIsNotAllowed) {
  options_.allow_absolute_url = false;
  Connect();
  stream_->Deliver("GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 404 ")) << peer_.received;
  EXPECT_EQ(handler_.last_details, "absolute_path_rejected");
  EXPECT_TRUE(handler_.seen.empty());
}

TEST_F(Http1ServerTest, SaysSinceWhenItIsIdle) {
  Connect();
  const uint64_t start = loop_->NowMs();
  EXPECT_EQ(connection_->idle_since(), start);
  Advance(10);
  stream_->Deliver("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(connection_->idle_since(), 0u);
  Advance(10);
  handler_.go.Set();
  EXPECT_EQ(connection_->idle_since(), start + 20);
  stream_->Deliver("GET /");
  EXPECT_EQ(connection_->idle_since(), 0u);
  stream_->Deliver("400 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(connection_->idle_since(), 0u) << "the client may still be receiving the answer";
}

TEST_F(Http1ServerTest, ClosesAnIdleConnectionAndItsStreamAtOnce) {
  Connect();
  stream_->Deliver("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_NE(connection_->idle_since(), 0u);
  connection_->Close();
  EXPECT_TRUE(ended_);
  EXPECT_TRUE(peer_.destroyed);
  Advance(10'000'000);  // nothing is left to fire
}

TEST_F(Http1ServerTest, LimitsHowLongAHeadMayTake) {
  options_.request_headers_timeout = std::chrono::milliseconds(100);
  Connect();
  stream_->Deliver("GET / HT");
  Advance(60);
  stream_->Deliver("TP/1.1\r\n");
  Advance(60);
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 408 ")) << peer_.received;
}

TEST_F(Http1ServerTest, ClosesAnIdleConnectionAfterItsTimeout) {
  options_.idle_timeout = std::chrono::milliseconds(50);
  Connect();
  Advance(51);
  EXPECT_TRUE(ended_);
  EXPECT_EQ(handler_.started, 0);
}

TEST_F(Http1ServerTest, DrainsABusyConnectionAfterItsResponse) {
  Connect();
  stream_->Deliver("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  connection_->Drain();
  EXPECT_FALSE(ended_);
  handler_.go.Set();
  EXPECT_TRUE(Received("connection: close\r\n"));
  EXPECT_TRUE(peer_.write_shut);
}

TEST_F(Http1ServerTest, ADrainServesARequestThatIsOnItsWay) {
  options_.drain_timeout = std::chrono::milliseconds(100);
  Connect();
  stream_->Deliver("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  connection_->Drain();
  EXPECT_FALSE(ended_);
  Advance(60);
  EXPECT_FALSE(Received("connection: close\r\n"));
  stream_->Deliver("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(Received("connection: close\r\n"));
  EXPECT_TRUE(peer_.write_shut);
}

TEST_F(Http1ServerTest, ADrainEndsAnIdleConnectionAfterTheDrainTimeout) {
  options_.drain_timeout = std::chrono::milliseconds(100);
  options_.idle_timeout = std::chrono::milliseconds(0);
  Connect();
  connection_->Drain();
  Advance(60);
  EXPECT_FALSE(ended_);
  connection_->Drain();  // puts nothing off
  Advance(41);
  EXPECT_TRUE(ended_);
}

TEST_F(Http1ServerTest, ADrainWithoutATimeoutEndsAnIdleConnectionAtOnce) {
  options_.drain_timeout = std::chrono::milliseconds(0);
  Connect();
  connection_->Drain();
  EXPECT_TRUE(ended_);
}

TEST_F(Http1ServerTest, HoldsNoBlockForTheBeginningOfAHead) {
  const size_t live = Block::LiveBlocks();
  Connect();
  for (const char c : std::string("GET /a HTTP/1.1\r\nHost: x\r\n\r")) {
    stream_->Deliver(std::string_view(&c, 1));
    ASSERT_EQ(Block::LiveBlocks(), live);
  }
  stream_->Deliver("\n");
  EXPECT_TRUE(Received("hello"));
}

TEST_F(Http1ServerTest, HoldsNoBlockBetweenRequests) {
  const size_t live = Block::LiveBlocks();
  Connect();
  stream_->Deliver("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(Block::LiveBlocks(), live);
}

}  // namespace
}  // namespace narthex
