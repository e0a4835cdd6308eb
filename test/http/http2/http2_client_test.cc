// A client's connection: against frames by hand, and against a server's connection.

#include "source/http/http2/http2_client.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/http/http2/client_call.h"
#include "test/http/http2/raw_peer.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

// Says what a test tells it to.
struct Upload final : BodySource {
  explicit Upload(Event& e) : event(e) {}
  Task<BodyPiece> Read() override {
    co_await event.Wait();
    event.Reset();
    co_return std::move(next);
  }
  Event& event;
  BodyPiece next;
};

class Http2ClientTest : public ::testing::Test {
 protected:
  ~Http2ClientTest() override {
    calls_.clear();
    connection_.reset();
  }
  void Connect() {
    auto stream = std::make_unique<FakeStream>(peer_);
    stream_ = stream.get();
    connection_ = MakeHttp2ClientConnection(*loop_, std::move(stream), owner_, options_, stats_);
    Deliver(RawSettings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 3}}));
  }
  void Turn() {
    loop_->RunOnce();
    reader_.Read(peer_.received);
  }
  void Deliver(std::string_view bytes) {
    stream_->Deliver(bytes);
    Turn();
  }
  ClientCall& Start(std::string_view method, std::string_view path, Body body = {}) {
    calls_.push_back(std::make_unique<ClientCall>(*loop_));
    ClientCall& call = *calls_.back();
    HeaderMap headers;
    headers.Add(Header::kMethod, method);
    headers.Add(Header::kAuthority, "up");
    headers.Add(Header::kPath, path);
    headers.Add(Header::kScheme, "https");
    headers.Add("x-a", "1");
    headers.Add(Header::kConnection, "close");
    call.task = call.Run(*connection_, Request(std::move(headers), std::move(body), call.exchange));
    call.task.Start();
    Turn();
    return call;
  }
  void Read(ClientCall& call) {
    call.reads = true;
    call.reading = call.ReadBody();
    call.reading.Start();
    Turn();
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ClientOwner owner_;
  ClientCodecOptions options_;
  const Http2Stats stats_{"cluster.test.http2."};
  FakePeer peer_;
  FakeStream* stream_ = nullptr;
  RawReader reader_;
  std::vector<std::unique_ptr<ClientCall>> calls_;
  std::unique_ptr<ClientConnection> connection_;
};

const RawFields kOk = {{":status", "200"}, {"x-b", "2"}};

TEST_F(Http2ClientTest, MakesARequestOfTheFieldsThatBelongThere) {
  Connect();
  EXPECT_EQ(connection_->room(), 3u);
  Start("GET", "/a");
  EXPECT_EQ(reader_.settings[NGHTTP2_SETTINGS_ENABLE_PUSH], 0u);
  const RawFields expected = {
      {":method", "GET"}, {":scheme", "https"}, {":path", "/a"}, {":authority", "up"}, {"x-a", "1"}};
  EXPECT_EQ(reader_.streams[1].fields, expected);
  EXPECT_TRUE(reader_.streams[1].ended);
  EXPECT_EQ(connection_->room(), 2u);
  EXPECT_EQ(connection_->active(), 1u);
}

TEST_F(Http2ClientTest, TakesAWholeResponse) {
  Connect();
  ClientCall& call = Start("GET", "/a");
  Deliver(RawHeaders(1, kOk, false) + RawData(1, "hello", true));
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.response->status(), 200);
  EXPECT_EQ(call.response->headers().Get("x-b"), "2");
  EXPECT_TRUE(call.response->body().complete());
  EXPECT_EQ(call.response->body().buffered().ToString(), "hello");
  EXPECT_EQ(connection_->active(), 0u);
  EXPECT_EQ(owner_.idle, 2);  // when the settings came, and now
}

TEST_F(Http2ClientTest, MakesManyExchangesAtATime) {
  Connect();
  ClientCall& first = Start("GET", "/1");
  ClientCall& second = Start("GET", "/2");
  ClientCall& third = Start("GET", "/3");
  EXPECT_EQ(connection_->room(), 0u);
  EXPECT_TRUE(connection_->usable());
  Deliver(RawHeaders(3, {{":status", "202"}}, true));
  EXPECT_TRUE(second.done);
  EXPECT_EQ(second.response->status(), 202);
  EXPECT_FALSE(first.done);
  EXPECT_EQ(connection_->room(), 1u);
  Deliver(RawHeaders(1, kOk, true) + RawHeaders(5, kOk, true));
  EXPECT_TRUE(first.done && third.done);
}

TEST_F(Http2ClientTest, SendsABodyAndItsTrailers) {
  Connect();
  Body body(std::string_view("data"));
  auto trailers = std::make_unique<HeaderMap>();
  trailers->Add("x-sum", "9");
  body.set_trailers(std::move(trailers));
  Start("POST", "/a", std::move(body));
  EXPECT_EQ(reader_.streams[1].body, "data");
  EXPECT_EQ(reader_.streams[1].trailers, (RawFields{{"x-sum", "9"}}));
  EXPECT_TRUE(reader_.streams[1].ended);
  Start("POST", "/b");
  EXPECT_EQ(reader_.streams[3].Get("content-length"), "0");
}

TEST_F(Http2ClientTest, StreamsBothWaysAtOnce) {
  Connect();
  Event event;
  auto source = std::make_unique<Upload>(event);
  Upload* upload = source.get();
  ClientCall& call = Start("POST", "/a", Body(Buffer(), std::move(source), std::nullopt));
  EXPECT_FALSE(reader_.streams[1].ended);
  Deliver(RawHeaders(1, kOk, false));
  ASSERT_TRUE(call.response);
  Read(call);
  upload->next.data.Append("up");
  event.Set();
  Turn();
  EXPECT_EQ(reader_.streams[1].body, "up");
  Deliver(RawData(1, "down", false));
  upload->next = BodyPiece();
  upload->next.end = true;
  event.Set();
  Turn();
  EXPECT_TRUE(reader_.streams[1].ended);
  Deliver(RawHeaders(1, {{"grpc-status", "0"}}, true));
  EXPECT_TRUE(call.read);
  EXPECT_EQ(call.body, "down");
  EXPECT_EQ(call.trailer, "0");
  EXPECT_FALSE(reader_.streams[1].reset);
  EXPECT_EQ(connection_->active(), 0u);
}

TEST_F(Http2ClientTest, SendsNoMoreOfABodyThanTheUpstreamTakes) {
  Connect();
  Start("POST", "/a", Body(Buffer(std::string(200'000, 'u')), nullptr, 200'000));
  EXPECT_EQ(reader_.streams[1].body.size(), 65'535u);
  Deliver(RawWindowUpdate(0, 1000) + RawWindowUpdate(1, 1000));
  EXPECT_EQ(reader_.streams[1].body.size(), 66'535u);
}

TEST_F(Http2ClientTest, OpensTheWindowAsTheResponseIsRead) {
  Connect();
  ClientCall& call = Start("GET", "/a");
  Deliver(RawHeaders(1, kOk, false));
  ASSERT_TRUE(call.response);
  for (int i = 0; i < 3; ++i) Deliver(RawData(1, std::string(16'000, 'd'), false));
  EXPECT_EQ(reader_.window_updates.count(1), 0u);
  Read(call);
  EXPECT_GE(reader_.window_updates[1], 40'000u);
}

// An upload that is answered early, on a connection that ends before the answer is read.
TEST_F(Http2ClientTest, AnAnswerMayOutliveItsConnection) {
  Connect();
  Event event;
  ClientCall& call = Start("POST", "/a", Body(Buffer(), std::make_unique<Upload>(event), std::nullopt));
  Deliver(RawHeaders(1, kOk, false));
  ASSERT_TRUE(call.response);
  Deliver(RawData(1, "whole", true));
  stream_->Close();
  EXPECT_EQ(owner_.broken, 0);
  Read(call);
  EXPECT_EQ(call.body, "whole");
  EXPECT_EQ(owner_.broken, 1);
  connection_.reset();
  call.response.reset();
}

// Twenty that are not read, of a stream's window each, would fill the connection's.
TEST_F(Http2ClientTest, AnswersThatAreNotReadHoldUpNoOther) {
  Connect();
  Deliver(RawSettings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}}));
  uint64_t sent = 0;
  for (uint32_t i = 0; i < 20; ++i) {
    const ClientCall& call = Start("GET", "/a");
    Deliver(RawHeaders(2 * i + 1, kOk, false));
    ASSERT_TRUE(call.response);
    for (int n = 0; n < 4; ++n) Deliver(RawData(2 * i + 1, std::string(16'000, 'd'), false));
    sent += 4 * 16'000;
    ASSERT_GT(reader_.window_updates[0] + 65'535, sent);
    EXPECT_EQ(reader_.window_updates.count(2 * i + 1), 0u);
  }
  EXPECT_GT(sent, 1024u * 1024);
}

TEST_F(Http2ClientTest, CancelsWhatNobodyWantsAndGoesOn) {
  Connect();
  ClientCall& call = Start("GET", "/a");
  call.task.Cancel();
  Turn();
  EXPECT_EQ(reader_.streams[1].reset_code, static_cast<uint32_t>(NGHTTP2_CANCEL));
  EXPECT_EQ(owner_.broken, 0);
  ClientCall& other = Start("GET", "/b");
  Deliver(RawHeaders(3, kOk, false));
  ASSERT_TRUE(other.response);
  other.response.reset();
  Turn();
  EXPECT_TRUE(reader_.streams[3].reset);
  EXPECT_EQ(connection_->active(), 0u);
}

TEST_F(Http2ClientTest, AnEarlyAnswerEndsTheUpload) {
  Connect();
  Event event;
  ClientCall& call = Start("POST", "/a", Body(Buffer(), std::make_unique<Upload>(event), std::nullopt));
  Deliver(RawHeaders(1, {{":status", "413"}}, true) + RawReset(1, NGHTTP2_NO_ERROR));
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.response->status(), 413);
  EXPECT_FALSE(event.has_waiter());
  EXPECT_EQ(connection_->active(), 0u);
}

TEST_F(Http2ClientTest, SaysThatARefusedStreamMayBeTriedAgain) {
  Connect();
  ClientCall& call = Start("POST", "/a", Body(std::string_view("data")));
  Deliver(RawReset(1, NGHTTP2_REFUSED_STREAM));
  ASSERT_TRUE(call.error);
  EXPECT_TRUE(call.error->retryable);
  EXPECT_TRUE(call.retry_possible);
  EXPECT_EQ(call.error->flag, ResponseFlag::kUpstreamRemoteReset);
  EXPECT_EQ(call.error->detail, "upstream_reset_before_response_started{remote_refused_stream_reset}");
}

TEST_F(Http2ClientTest, TellsAResetForAWrongMessageFromOthers) {
  Connect();
  ClientCall& wrong = Start("GET", "/a");
  ClientCall& connect = Start("GET", "/b");
  Deliver(RawReset(1, NGHTTP2_PROTOCOL_ERROR) + RawReset(3, NGHTTP2_CONNECT_ERROR));
  ASSERT_TRUE(wrong.error && connect.error);
  EXPECT_EQ(wrong.error->flag, ResponseFlag::kUpstreamProtocolError);
  EXPECT_EQ(wrong.error->detail, "upstream_reset_before_response_started{protocol_error}");
  EXPECT_EQ(connect.error->flag, ResponseFlag::kUpstreamRemoteReset);
  EXPECT_EQ(connect.error->detail,
            "upstream_reset_before_response_started{remote_error_with_CONNECT_request}");
}

TEST_F(Http2ClientTest, ReportsAReset) {
  Connect();
  ClientCall& before = Start("GET", "/a");
  ClientCall& after = Start("GET", "/b");
  Deliver(RawReset(1, NGHTTP2_INTERNAL_ERROR) + RawHeaders(3, kOk, false) + RawData(3, "par", false));
  EXPECT_EQ(before.error->detail, "upstream_reset_before_response_started{remote_reset}");
  EXPECT_FALSE(before.error->retryable);
  Deliver(RawReset(3, NGHTTP2_INTERNAL_ERROR));
  Read(after);
  EXPECT_EQ(after.error->detail, "upstream_reset_after_response_started{remote_reset}");
  EXPECT_EQ(owner_.broken, 0);
}

TEST_F(Http2ClientTest, FailsAllWhenTheUpstreamCloses) {
  Connect();
  ClientCall& waiting = Start("GET", "/a");
  ClientCall& reading = Start("GET", "/b");
  Deliver(RawHeaders(3, kOk, false));
  stream_->Close();
  ASSERT_TRUE(waiting.error);
  EXPECT_EQ(waiting.error->flag, ResponseFlag::kUpstreamConnectionTermination);
  EXPECT_TRUE(waiting.retry_possible);
  EXPECT_FALSE(connection_->usable());
  EXPECT_EQ(owner_.going_away, 1);
  EXPECT_EQ(owner_.broken, 0);  // one still holds its response
  Read(reading);
  EXPECT_EQ(reading.error->detail, "upstream_reset_after_response_started{connection_termination}");
  reading.response.reset();
  EXPECT_EQ(owner_.broken, 1);
}

TEST_F(Http2ClientTest, BreaksWhenTheUpstreamClosesAnIdleConnection) {
  Connect();
  stream_->Close();
  EXPECT_EQ(owner_.broken, 1);
  EXPECT_EQ(connection_->room(), 0u);
}

TEST_F(Http2ClientTest, GoesOnWithWhatAGoawayLeaves) {
  Connect();
  ClientCall& kept = Start("GET", "/a");
  ClientCall& refused = Start("GET", "/b");
  std::string last("\0\0\0\x01\0\0\0\0", 8);
  Deliver(RawFrame(NGHTTP2_GOAWAY, 0, 0, last));
  EXPECT_EQ(owner_.going_away, 1);
  EXPECT_FALSE(connection_->usable());
  EXPECT_EQ(connection_->room(), 0u);
  ASSERT_TRUE(refused.error);
  EXPECT_TRUE(refused.error->retryable);
  EXPECT_FALSE(kept.done);
  Deliver(RawHeaders(1, kOk, true));
  EXPECT_TRUE(kept.response);
  Turn();
  EXPECT_EQ(owner_.broken, 1);
}

TEST_F(Http2ClientTest, FollowsTheUpstreamsLimit) {
  Connect();
  Start("GET", "/1");
  Start("GET", "/2");
  Deliver(RawSettings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}}));
  EXPECT_EQ(connection_->room(), 0u);
  const int before = owner_.idle;
  Deliver(RawSettings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000}}));
  EXPECT_EQ(connection_->room(), 98u);  // our own limit is 100
  EXPECT_EQ(owner_.idle, before + 1);
}

// Otherwise the exchange would wait for its head for ever.
TEST_F(Http2ClientTest, RefusesAResponseThatEndsBeforeItsHead) {
  Connect();
  ClientCall& call = Start("GET", "/a");
  Deliver(RawHeaders(1, {{":status", "103"}}, false));
  EXPECT_FALSE(call.done);
  Deliver(RawData(1, "", true));
  ASSERT_TRUE(call.error);
  EXPECT_EQ(call.error->flag, ResponseFlag::kUpstreamProtocolError);
  EXPECT_EQ(reader_.streams[1].reset_code, static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR));
}

TEST_F(Http2ClientTest, RefusesMalformedResponses) {
  const RawFields heads[] = {
      {{"x-a", "1"}},
      {{":status", "2x0"}},
      {{":status", "101"}},
      {{":status", "200"}, {":status", "200"}},
      {{":status", "200"}, {"X-A", "1"}},
      {{":status", "200"}, {"x-a", "1\r\nb: c"}},
      {{":status", "200"}, {"connection", "close"}},
      {{":status", "200"}, {"transfer-encoding", "chunked"}},
      {{":status", "200"}, {"content-length", "5"}},
      {{":status", "200"}, {"content-length", "0"}, {"content-length", "0"}},
      {{":status", "200"}, {":path", "/"}},
      {{":status", "103"}},
  };
  Connect();
  uint32_t id = 1;
  for (const RawFields& head : heads) {
    ClientCall& call = Start("GET", "/a");
    Deliver(RawHeaders(id, head, true));
    ASSERT_TRUE(call.error) << id;
    EXPECT_EQ(call.error->flag, ResponseFlag::kUpstreamProtocolError);
    EXPECT_EQ(reader_.streams[id].reset_code, static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR));
    id += 2;
  }
  EXPECT_EQ(connection_->active(), 0u);
}

TEST_F(Http2ClientTest, AHeadResponseHasNoBodyWhateverItsLength) {
  Connect();
  ClientCall& call = Start("HEAD", "/a");
  Deliver(RawHeaders(1, {{":status", "200"}, {"content-length", "5"}}, true));
  ASSERT_TRUE(call.response);
  EXPECT_TRUE(call.response->body().absent());
  EXPECT_EQ(call.response->headers().Get(Header::kContentLength), "5");
}

TEST_F(Http2ClientTest, HandsOnInterimResponses) {
  Connect();
  int hints = 0;
  ClientCall& call = Start("GET", "/a");
  call.exchange.SetInterim(
      [](void* count, const HeaderMap& headers) {
        *static_cast<int*>(count) += headers.Get(Header::kStatus) == "103" ? 1 : 100;
      },
      &hints);
  Deliver(RawHeaders(1, {{":status", "100"}}, false) + RawHeaders(1, {{":status", "103"}}, false));
  EXPECT_EQ(hints, 1);
  Deliver(RawHeaders(1, kOk, true));
  EXPECT_TRUE(call.response);
}

TEST_F(Http2ClientTest, FindsOutThatAnIdleConnectionIsDead) {
  options_.http2.keepalive.connection_idle_interval = std::chrono::milliseconds(100);
  options_.http2.keepalive.timeout = std::chrono::milliseconds(50);
  Connect();
  loop_->wheel().Advance(loop_->NowMs() + 101);
  ClientCall& call = Start("GET", "/a");
  EXPECT_EQ(reader_.pings.size(), 1u);
  loop_->wheel().Advance(loop_->NowMs() + 51);
  Turn();
  ASSERT_TRUE(call.error);
  EXPECT_EQ(call.error->cause, "http2.keepalive_timeout");
  EXPECT_EQ(owner_.broken, 1);
}

}  // namespace
}  // namespace narthex
