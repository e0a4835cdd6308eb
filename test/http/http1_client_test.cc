#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/http/client_codec.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

using Result = ClientConnection::Result;

struct Owner final : ClientConnectionOwner {
  void OnIdle(ClientConnection&) override { ++idle; }
  void OnBroken(ClientConnection&) override { ++broken; }
  int idle = 0, broken = 0;
};

class Http1ClientTest : public ::testing::Test {
 protected:
  Http1ClientTest() {
    auto stream = std::make_unique<FakeStream>(peer_);
    stream_ = stream.get();
    connection_ = MakeHttp1ClientConnection(*loop_, std::move(stream), owner_, options_);
  }
  Request Make(std::string_view method, Body body = Body()) {
    HeaderMap headers;
    headers.Add(":method", method);
    headers.Add(":authority", "svc");
    headers.Add(":path", "/p");
    headers.Add("x-a", "1");
    return Request(std::move(headers), std::move(body), exchange_);
  }
  // Starts sending; done at once only when everything was ready.
  void Send(Request request) {
    task_ = connection_->Send(std::move(request), &unsent_);
    task_.Start();
  }
  Response Take() { return std::get<Response>(task_.Result()); }
  std::string ReadBody(Response& response, ExchangeError* error = nullptr) {
    Task<WholeBody> all = ReadAll(response.body(), 1 << 20);
    all.Start();
    EXPECT_TRUE(all.done());
    if (!all.done()) return "(waits)";
    WholeBody whole = all.Result();
    if (whole.error != nullptr && error != nullptr) *error = *whole.error;
    return whole.data.ToString();
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  Exchange exchange_{*loop_, facts_};
  ClientCodecOptions options_;
  FakePeer peer_;
  Owner owner_;
  FakeStream* stream_ = nullptr;
  std::optional<Request> unsent_;
  std::unique_ptr<ClientConnection> connection_;
  Task<Result> task_;
};

TEST_F(Http1ClientTest, SendsAndReceivesWithOneWriteAndOneRead) {
  Send(Make("GET"));
  EXPECT_TRUE(peer_.received.starts_with("GET /p HTTP/1.1\r\nhost: svc\r\n")) << peer_.received;
  EXPECT_EQ(peer_.writes, 1);
  stream_->Deliver("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_TRUE(task_.done());
  Response response = Take();
  EXPECT_EQ(response.status(), 200);
  EXPECT_TRUE(response.body().complete());
  EXPECT_EQ(ReadBody(response), "hi");
  EXPECT_EQ(owner_.idle, 1);
  EXPECT_TRUE(connection_->usable());
  EXPECT_EQ(peer_.reads, 1);
}

TEST_F(Http1ClientTest, UnderstandsChunksThatComeByteByByte) {
  Send(Make("GET"));
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
  size_t i = 0;
  for (; !task_.done(); ++i) stream_->Deliver(std::string_view(bytes).substr(i, 1));
  Response response = Take();
  stream_->Deliver(std::string_view(bytes).substr(i));
  EXPECT_EQ(ReadBody(response), "abcde");
  EXPECT_EQ(owner_.idle, 1);
}

TEST_F(Http1ClientTest, ReadsUntilCloseWhenNothingSaysTheLength) {
  Send(Make("GET"));
  stream_->Deliver("HTTP/1.1 200 OK\r\n\r\nall");
  Response response = Take();
  stream_->Close();
  EXPECT_EQ(ReadBody(response), "all");
  EXPECT_EQ(owner_.idle, 0);
}

TEST_F(Http1ClientTest, ReadsNoMoreOfABodyAtOnceThanItsBufferLimit) {
  options_.buffer_limit = 1000;
  auto stream = std::make_unique<FakeStream>(peer_);
  stream_ = stream.get();
  connection_ = MakeHttp1ClientConnection(*loop_, std::move(stream), owner_, options_);
  Send(Make("GET"));
  stream_->Deliver("HTTP/1.1 200 OK\r\nContent-Length: 2500\r\n\r\n");
  Response response = Take();
  stream_->Deliver(std::string(2500, 'x'));
  const auto next = [](Body& body) -> Task<BodyPiece> { co_return co_await body.Read(); };
  std::vector<size_t> sizes;
  for (bool end = false; !end;) {
    Task<BodyPiece> read = next(response.body());
    read.Start();
    ASSERT_TRUE(read.done());
    const BodyPiece piece = read.Result();
    ASSERT_EQ(piece.error, nullptr);
    sizes.push_back(piece.data.size());
    end = piece.end;
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{1000, 1000, 500}));
}

TEST_F(Http1ClientTest, SaysThatABodyWasCutShort) {
  Send(Make("GET"));
  stream_->Deliver("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  Response response = Take();
  stream_->Close();
  ExchangeError error;
  ReadBody(response, &error);
  EXPECT_EQ(error.flag, ResponseFlag::kUpstreamProtocolError);
}

TEST_F(Http1ClientTest, BreaksOffWhenTheResponseIsAbandoned) {
  Send(Make("GET"));
  stream_->Deliver("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  {
    Response response = Take();
  }
  EXPECT_EQ(owner_.broken, 1);
  EXPECT_FALSE(connection_->usable());
}

TEST_F(Http1ClientTest, BreaksOffWhenTheCallIsCancelled) {
  Send(Make("GET"));
  task_.Cancel();
  EXPECT_EQ(owner_.broken, 1);
}

TEST_F(Http1ClientTest, HandsTheRequestBackWhenTheConnectionDiesUnanswered) {
  Send(Make("POST", Body("data")));
  stream_->Close();
  ASSERT_TRUE(task_.done());
  const Result result = task_.Result();
  EXPECT_EQ(std::get<ExchangeError>(result).flag, ResponseFlag::kUpstreamConnectionTermination);
  ASSERT_TRUE(unsent_.has_value());
  EXPECT_EQ(unsent_->body().buffered().ToString(), "data");
  EXPECT_EQ(owner_.broken, 1);
}

TEST_F(Http1ClientTest, RefusesWhatIsNoResponse) {
  for (const char* bytes :
       {"HELLO\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 101 Switching\r\n\r\n"}) {
    FakePeer peer;
    Owner owner;
    auto stream = std::make_unique<FakeStream>(peer);
    FakeStream* fake = stream.get();
    auto connection = MakeHttp1ClientConnection(*loop_, std::move(stream), owner, options_);
    Task<Result> task = connection->Send(Make("GET"), nullptr);
    task.Start();
    fake->Deliver(bytes);
    ASSERT_TRUE(task.done()) << bytes;
    const Result result = task.Result();
    EXPECT_EQ(std::get<ExchangeError>(result).flag, ResponseFlag::kUpstreamProtocolError) << bytes;
    EXPECT_EQ(owner.broken, 1);
  }
}

TEST_F(Http1ClientTest, PassesInterimResponsesOn) {
  std::string interim;
  exchange_.SetInterim(
      [](void* context, const HeaderMap& headers) {
        *static_cast<std::string*>(context) += std::string(headers.Get(":status")) + " ";
      },
      &interim);
  Send(Make("GET"));
  stream_->Deliver(
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(task_.done());
  EXPECT_EQ(Take().status(), 200);
  EXPECT_EQ(interim, "103 ");
}

// A request body that the test feeds.
struct Feed final : BodySource {
  struct State {
    Event more;
    std::vector<std::string> pieces;
    bool end = false;
  };
  explicit Feed(State& s) : state(s) {}
  Task<BodyPiece> Read() override {
    while (state.pieces.empty() && !state.end) {
      co_await state.more.Wait();
      state.more.Reset();
    }
    BodyPiece piece;
    if (!state.pieces.empty()) {
      piece.data.Append(state.pieces.front());
      state.pieces.erase(state.pieces.begin());
    }
    piece.end = state.end && state.pieces.empty();
    co_return piece;
  }
  State& state;
};

TEST_F(Http1ClientTest, SendsABodyWhileTheResponseFlows) {
  Feed::State feed;
  Send(Make("POST", Body(Buffer(), std::make_unique<Feed>(feed), std::nullopt)));
  EXPECT_NE(peer_.received.find("transfer-encoding: chunked\r\n"), std::string::npos);
  stream_->Deliver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nr1\r\n");
  ASSERT_TRUE(task_.done());
  Response response = Take();
  feed.pieces.push_back("late");
  feed.end = true;
  feed.more.Set();
  EXPECT_TRUE(peer_.received.ends_with("4\r\nlate\r\n0\r\n\r\n")) << peer_.received;
  stream_->Deliver("2\r\nr2\r\n0\r\n\r\n");
  EXPECT_EQ(ReadBody(response), "r1r2");
  EXPECT_EQ(owner_.idle, 1);
}

TEST_F(Http1ClientTest, IsNotUsableAfterBytesThatNobodyAskedFor) {
  Send(Make("GET"));
  stream_->Deliver("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(task_.done());
  EXPECT_TRUE(connection_->usable());
  stream_->Deliver("HTTP/1.1 200 OK\r\n");
  EXPECT_FALSE(connection_->usable());
}

TEST_F(Http1ClientTest, TellsItsOwnerWhenThePeerClosesWhileIdle) {
  stream_->Close();
  EXPECT_EQ(owner_.broken, 1);
}

TEST_F(Http1ClientTest, AnAnswerComesWhileABodyThatIsHereWholeIsSent) {
  peer_.window = 100;
  const std::string data(1000, 'x');
  Send(Make("POST", Body(data)));
  stream_->Deliver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nr1\r\n");
  ASSERT_TRUE(task_.done());
  Response response = Take();
  stream_->Drained(10'000);
  EXPECT_TRUE(peer_.received.ends_with(data));
  stream_->Deliver("2\r\nr2\r\n0\r\n\r\n");
  EXPECT_EQ(ReadBody(response), "r1r2");
  EXPECT_EQ(owner_.idle, 1);
  EXPECT_TRUE(connection_->usable());
}

TEST_F(Http1ClientTest, AnAnswerBeforeTheRequestsEndBreaksTheConnectionOff) {
  peer_.window = 100;
  Send(Make("POST", Body(std::string(1000, 'x'))));
  stream_->Deliver("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(task_.done());
  EXPECT_EQ(Take().status(), 413);
  EXPECT_EQ(owner_.broken, 1);
  EXPECT_EQ(owner_.idle, 0);
}

TEST_F(Http1ClientTest, HandsARequestBackOfWhichAPartWasWritten) {
  peer_.window = 100;
  const std::string data(1000, 'x');
  Send(Make("POST", Body(data)));
  stream_->Close();
  ASSERT_TRUE(task_.done());
  ASSERT_TRUE(unsent_.has_value());
  EXPECT_EQ(unsent_->body().buffered().ToString(), data);
  EXPECT_FALSE(std::get<ExchangeError>(task_.Result()).retryable);
}

}  // namespace
}  // namespace narthex
