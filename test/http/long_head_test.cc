// Heads that are longer than a block of a buffer, on both sides.

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/http/client_codec.h"
#include "source/http/server_codec.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

constexpr size_t kKiB = 1024;

// `start` and fields of 512 bytes each, the last of them shorter, so that the head has exactly `size` bytes.
std::string HeadOf(std::string start, size_t size) {
  std::string head = std::move(start);
  const size_t fields_end = size - 2;
  for (int i = 0; head.size() < fields_end; ++i) {
    const std::string name = "x-" + std::to_string(i) + ": ";
    size_t line = std::min<size_t>(512, fields_end - head.size());
    // What would be left over is too short for a field of its own.
    if (fields_end - head.size() - line < 32) line = fields_end - head.size();
    head += name + std::string(line - name.size() - 2, 'v') + "\r\n";
  }
  return head + "\r\n";
}
std::string RequestOf(size_t size) {
  return HeadOf("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n", size);
}
std::string ResponseOf(size_t size) {
  return HeadOf("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n", size);
}

// Answers with what it saw: the number of fields, the bytes of their values, and the body.
class Counter final : public RequestHandler {
 public:
  void OnStart(Exchange&) override {}
  Task<Response> Handle(Request request) override {
    fields = request.headers().size();
    bytes = request.headers().ByteSize();
    WholeBody whole = co_await ReadAll(request.body(), 1 << 20);
    body = whole.data.ToString();
    co_return Response(200);
  }
  Response Refuse(Exchange&, int status, ExchangeError error) override {
    return LocalReply(status, error.detail, error.detail);
  }
  void OnEnd(Exchange& exchange, const HeaderMap*, const HeaderMap*, const HeaderMap*) override {
    head_bytes = exchange.request_header_bytes;
  }

  size_t fields = 0, bytes = 0, head_bytes = 0;
  std::string body;
};

class LongRequestHead : public ::testing::Test {
 protected:
  LongRequestHead() { options_.max_headers = 20'000; }
  void Connect() {
    auto stream = std::make_unique<FakeStream>(peer_);
    stream_ = stream.get();
    connection_ = MakeHttp1ServerConnection(std::move(stream),
                                            {*loop_, handler_, facts_, options_, [](void*) {}, nullptr});
  }
  void Deliver(std::string_view bytes, size_t step) {
    for (size_t at = 0; at < bytes.size() && peer_.received.empty(); at += step)
      stream_->Deliver(bytes.substr(at, step));
  }
  // The status line that a request with a head of `size` bytes gets.
  std::string Answer(size_t size, size_t step) {
    peer_ = FakePeer();
    Connect();
    Deliver(RequestOf(size) + "body", step);
    return peer_.received.substr(0, peer_.received.find("\r\n"));
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  Counter handler_;
  ConnectionFacts facts_;
  ServerCodecOptions options_;
  FakePeer peer_;
  FakeStream* stream_ = nullptr;
  std::unique_ptr<ServerConnection> connection_;
};

TEST_F(LongRequestHead, IsTakenUpToTheLimit) {
  for (const size_t step : {size_t{1} << 20, size_t{7}, size_t{1}}) {
    for (const size_t size : {15 * kKiB, 16 * kKiB, 17 * kKiB, 33 * kKiB, 59 * kKiB, 60 * kKiB}) {
      EXPECT_EQ(Answer(size, step), "HTTP/1.1 200 OK") << size << " in pieces of " << step;
      EXPECT_EQ(handler_.head_bytes, size);
      EXPECT_EQ(handler_.body, "body");
      EXPECT_GT(handler_.bytes, size - 12 * handler_.fields);
    }
  }
}

TEST_F(LongRequestHead, IsRefusedBeyondTheLimit) {
  for (const size_t step : {size_t{1} << 20, size_t{1}}) {
    EXPECT_EQ(Answer(60 * kKiB + 1, step), "HTTP/1.1 431 Request Header Fields Too Large");
    EXPECT_EQ(Answer(61 * kKiB, step), "HTTP/1.1 431 Request Header Fields Too Large");
  }
}

TEST_F(LongRequestHead, WithATargetBeyondTheLimitIsA414) {
  Connect();
  Deliver("GET /" + std::string(61 * kKiB, 'a'), 1000);
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 414 ")) << peer_.received;
}

TEST_F(LongRequestHead, LeavesTheNextRequestWhereItIs) {
  Connect();
  stream_->Deliver(RequestOf(40 * kKiB) + "body" + RequestOf(20 * kKiB) + "more" +
                   "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(handler_.body, "");
  EXPECT_LT(handler_.head_bytes, 100u);
  size_t answers = 0;
  for (size_t at = 0; (at = peer_.received.find("HTTP/1.1 200 OK", at)) != std::string::npos; ++at) ++answers;
  EXPECT_EQ(answers, 3u);
}

TEST_F(LongRequestHead, MayBeAsLongAsEnvoyAllows) {
  options_.max_header_kb = 8192;
  EXPECT_EQ(Answer(8192 * kKiB, 64 * kKiB), "HTTP/1.1 200 OK");
  EXPECT_EQ(Answer(8192 * kKiB + 1, 64 * kKiB), "HTTP/1.1 431 Request Header Fields Too Large");
}

// If each byte made the parser look at all before it, this would take minutes.
TEST_F(LongRequestHead, CostsNoMoreWhenItComesByteByByte) {
  options_.max_header_kb = 8192;
  EXPECT_EQ(Answer(2048 * kKiB, 1), "HTTP/1.1 200 OK");
}

TEST_F(LongRequestHead, HoldsNoBlocksWhileItIsGatheredNorAfterwards) {
  const size_t live = Block::LiveBlocks();
  Connect();
  const std::string request = RequestOf(50 * kKiB) + "body";
  stream_->Deliver(std::string_view(request).substr(0, 40 * kKiB));
  EXPECT_EQ(Block::LiveBlocks(), live);
  stream_->Deliver(std::string_view(request).substr(40 * kKiB));
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(Block::LiveBlocks(), live);
}

TEST_F(LongRequestHead, MustBeWholeInTimeToo) {
  options_.request_headers_timeout = std::chrono::milliseconds(100);
  Connect();
  stream_->Deliver(RequestOf(50 * kKiB).substr(0, 40 * kKiB));
  loop_->wheel().Advance(loop_->NowMs() + 101);
  EXPECT_TRUE(peer_.received.starts_with("HTTP/1.1 408 ")) << peer_.received;
}

struct Owner final : ClientConnectionOwner {
  void OnIdle(ClientConnection&) override { ++idle; }
  void OnBroken(ClientConnection&) override { ++broken; }
  int idle = 0, broken = 0;
};

// What the client codec makes of `bytes`: the response's body, or the error's detail and cause.
std::string Received(std::string_view bytes, size_t step, uint32_t limit_kb = 60) {
  std::unique_ptr<EventLoop> loop = EventLoop::Make();
  ConnectionFacts facts;
  Exchange exchange(*loop, facts);
  FakePeer peer;
  Owner owner;
  auto stream = std::make_unique<FakeStream>(peer);
  FakeStream* const upstream = stream.get();
  ClientCodecOptions options;
  options.max_response_header_kb = limit_kb;
  options.max_headers = 20'000;
  std::unique_ptr<ClientConnection> connection =
      MakeHttp1ClientConnection(*loop, std::move(stream), owner, options);
  HeaderMap headers;
  headers.Add(Header::kMethod, "GET");
  headers.Add(Header::kAuthority, "svc");
  headers.Add(Header::kPath, "/");
  Task<ClientConnection::Result> task = connection->Send(Request(std::move(headers), Body(), exchange));
  task.Start();
  size_t at = 0;
  for (; at < bytes.size() && !task.done(); at += step) upstream->Deliver(bytes.substr(at, step));
  if (!task.done()) return "waits";
  ClientConnection::Result result = task.Result();
  if (auto* error = std::get_if<ExchangeError>(&result)) return error->detail + " " + error->cause;
  Task<WholeBody> reading = ReadAll(std::get<Response>(result).body(), 1 << 20);
  reading.Start();
  for (; at < bytes.size(); at += step) upstream->Deliver(bytes.substr(at, step));
  return reading.done() ? reading.Result().data.ToString() : "waits for the body";
}

TEST(LongResponseHead, IsTakenUpToTheLimit) {
  for (const size_t step : {size_t{1} << 20, size_t{7}, size_t{1}}) {
    for (const size_t size : {15 * kKiB, 16 * kKiB, 17 * kKiB, 33 * kKiB, 59 * kKiB, 60 * kKiB}) {
      EXPECT_EQ(Received(ResponseOf(size) + "body", step), "body") << size << " in pieces of " << step;
    }
  }
}

TEST(LongResponseHead, IsAProtocolErrorBeyondTheLimit) {
  for (const size_t step : {size_t{1} << 20, size_t{1}}) {
    EXPECT_EQ(Received(ResponseOf(61 * kKiB), step),
              "upstream_reset_before_response_started{protocol_error} http1.headers_too_large");
  }
}

TEST(LongResponseHead, MayBeAsLongAsEnvoyAllows) {
  EXPECT_EQ(Received(ResponseOf(8192 * kKiB) + "body", 64 * kKiB, 8192), "body");
  EXPECT_EQ(Received(ResponseOf(2048 * kKiB) + "body", 1, 8192), "body");
}

}  // namespace
}  // namespace narthex
