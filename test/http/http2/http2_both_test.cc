// Both codecs on one wire.

#include <memory>
#include <string>
#include <variant>

#include "source/http/http2/http2_client.h"
#include "test/http/http2/client_call.h"
#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

// So many bytes in pieces, with a trailer.
struct Numbers final : BodySource {
  explicit Numbers(size_t n) : left(n) {}
  Task<BodyPiece> Read() override {
    BodyPiece piece;
    const size_t n = std::min<size_t>(left, 10'000);
    left -= n;
    piece.data.Append(std::string(n, static_cast<char>('a' + left % 26)));
    piece.end = left == 0;
    if (piece.end) {
      piece.trailers = std::make_unique<HeaderMap>();
      piece.trailers->Add("x-end", "yes");
    }
    co_return piece;
  }
  size_t left;
};

class Http2BothTest : public Http2ServerTest {
 protected:
  Http2BothTest() {
    Open();
    auto stream = std::make_unique<FakeStream>(client_peer_);
    client_stream_ = stream.get();
    client_ = MakeHttp2ClientConnection(*loop_, std::move(stream), owner_, {}, stats_);
  }
  // Carries bytes to and fro until neither side has anything to say.
  void Settle() {
    loop_->RunOnce();
    while (!peer_.received.empty() || !client_peer_.received.empty()) {
      stream_->Deliver(std::exchange(client_peer_.received, {}));
      client_stream_->Deliver(std::exchange(peer_.received, {}));
      loop_->RunOnce();
      most_blocks_ = std::max(most_blocks_, Block::LiveBlocks());
    }
  }
  Task<void> Call(std::string_view path, Body body, std::string* got) {
    HeaderMap headers;
    headers.Add(Header::kMethod, "POST");
    headers.Add(Header::kAuthority, "x");
    headers.Add(Header::kPath, path);
    Exchange exchange(*loop_, facts_);
    ClientConnection::Result result =
        co_await client_->Send(Request(std::move(headers), std::move(body), exchange));
    if (auto* error = std::get_if<ExchangeError>(&result)) {
      *got = error->detail;
      co_return;
    }
    WholeBody whole = co_await ReadAll(std::get<Response>(result).body(), 1 << 26);
    *got = whole.error == nullptr ? whole.data.ToString() : whole.error->detail;
  }

  ClientOwner owner_;
  const Http2Stats stats_{"cluster.both.http2."};
  FakePeer client_peer_;
  FakeStream* client_stream_ = nullptr;
  size_t most_blocks_ = 0;
  std::unique_ptr<ClientConnection> client_;
};

TEST_F(Http2BothTest, ABodyComesBackAsItWent) {
  constexpr size_t kSize = 3'000'000;
  std::string got;
  Task<void> call = Call("/echo", Body(Buffer(), std::make_unique<Numbers>(kSize), std::nullopt), &got);
  call.Start();
  Settle();
  EXPECT_TRUE(call.done());
  EXPECT_EQ(got.size(), kSize);
  EXPECT_EQ(handler_.request_trailers, (RawFields{{"x-end", "yes"}}));
  EXPECT_EQ(client_->active(), 0u);
  EXPECT_FALSE(connection_->busy());
}

TEST_F(Http2BothTest, ManyExchangesShareTheWire) {
  std::string got[100];
  std::vector<Task<void>> calls;
  for (std::string& answer : got) {
    ASSERT_GT(client_->room(), 0u);
    calls.push_back(Call("/echo", Body(Buffer(), std::make_unique<Numbers>(50'000), 50'000), &answer));
    calls.back().Start();
  }
  EXPECT_EQ(client_->room(), 0u);
  Settle();
  for (const std::string& answer : got) EXPECT_EQ(answer.size(), 50'000u);
  EXPECT_EQ(client_->room(), 100u);
  // What each side may hold of a connection, and the answers themselves.
  EXPECT_LE(most_blocks_, 100u * 5 + 200);
}

TEST_F(Http2BothTest, ADrainedServerAnswersWhatItHas) {
  std::string first, second;
  Task<void> waiting = Call("/wait", Body(), &first);
  waiting.Start();
  Settle();
  connection_->Drain();
  Settle();
  EXPECT_FALSE(client_->usable());
  EXPECT_EQ(client_->room(), 0u);
  handler_.go.Set();
  Settle();
  EXPECT_EQ(first, "hello");
  EXPECT_EQ(owner_.broken, 1);
}

TEST_F(Http2BothTest, ACancelledCallIsCancelledOnTheOtherSide) {
  std::string got;
  Task<void> call = Call("/wait", Body(), &got);
  call.Start();
  Settle();
  EXPECT_TRUE(handler_.go.has_waiter());
  call.Cancel();
  Settle();
  EXPECT_FALSE(handler_.go.has_waiter());
  EXPECT_EQ(handler_.ended.back().details, "http2.remote_reset");
}

}  // namespace
}  // namespace narthex
