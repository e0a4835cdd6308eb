// The table of raw HTTP/1 bytes against whole connections, both sides, on a fake stream.

#include <memory>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "source/http/client_codec.h"
#include "source/http/server_codec.h"
#include "source/http/tunnel.h"
#include "test/http/http1_raw_cases.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

std::string Fields(const HeaderMap* headers) {
  std::string text;
  if (headers == nullptr) return text;
  for (const HeaderMap::Field& field : *headers) {
    if (field.name[0] != ':') text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return text;
}

// Reads each request to its end, keeps what it said, and answers 200.
class Witness final : public RequestHandler {
 public:
  void OnStart(Exchange&) override {}
  Task<Response> Handle(Request request) override {
    ++handled;
    method = request.method();
    authority = request.headers().Get(Header::kAuthority);
    path = request.path();
    fields = Fields(&request.headers());
    // As it may be, the offer of another protocol is not taken up; a tunnel ends at once.
    if (AsksForTunnel(request.headers())) request.set_body(Body());
    WholeBody whole = co_await ReadAll(request.body(), 1 << 20);
    if (whole.error != nullptr) co_return LocalReply(400, whole.error->detail, "bad body");
    ++finished;
    body = whole.data.ToString();
    trailers = Fields(whole.trailers.get());
    co_return Response(200);
  }
  Response Refuse(Exchange&, int status, ExchangeError error) override {
    return LocalReply(status, error.detail, "refused");
  }
  void OnEnd(Exchange&, const HeaderMap*, const HeaderMap*, const HeaderMap*) override {}

  int handled = 0, finished = 0;
  std::string method, authority, path, fields, body, trailers;
};

void Deliver(FakeStream& stream, const FakePeer& peer, std::string_view bytes, size_t step) {
  for (size_t at = 0; at < bytes.size() && !peer.destroyed; at += step)
    stream.Deliver(bytes.substr(at, step));
}

void CheckRequest(const RawRequest& request, size_t step) {
  SCOPED_TRACE(request.name + " in pieces of " + std::to_string(step));
  const size_t blocks = Block::LiveBlocks();
  std::unique_ptr<EventLoop> loop = EventLoop::Make();
  Witness witness;
  ConnectionFacts facts;
  ServerCodecOptions options;
  options.accept_http_10 = true;
  FakePeer peer;
  auto stream = std::make_unique<FakeStream>(peer);
  FakeStream* const far_end = stream.get();
  {
    std::unique_ptr<ServerConnection> connection =
        MakeHttp1ServerConnection(std::move(stream), {*loop, witness, facts, options, [](void*) {}, nullptr});
    Deliver(*far_end, peer, request.bytes, step);
    switch (request.verdict) {
      case RawVerdict::kRefused:
        EXPECT_TRUE(peer.received.starts_with("HTTP/1.1 " + std::to_string(request.status) + " "))
            << peer.received;
        EXPECT_NE(peer.received.find("connection: close\r\n"), std::string::npos) << peer.received;
        EXPECT_TRUE(peer.write_shut);
        EXPECT_EQ(witness.handled, request.bad_body ? 1 : 0);
        EXPECT_EQ(witness.finished, 0);
        break;
      case RawVerdict::kIncomplete:
        EXPECT_EQ(peer.received, "");
        EXPECT_EQ(witness.finished, 0);
        break;
      case RawVerdict::kAccepted:
        EXPECT_NE(peer.received.find("HTTP/1.1 200 OK\r\n"), std::string::npos) << peer.received;
        EXPECT_EQ(witness.handled, 1);
        EXPECT_EQ(witness.finished, 1);
        EXPECT_EQ(witness.method, request.method);
        EXPECT_EQ(witness.authority, request.authority);
        EXPECT_EQ(witness.path, request.path);
        EXPECT_EQ(witness.fields, request.fields);
        EXPECT_EQ(witness.body, request.body);
        EXPECT_EQ(witness.trailers, request.trailers);
        break;
    }
  }
  EXPECT_EQ(Block::LiveBlocks(), blocks);
}

struct Owner final : ClientConnectionOwner {
  void OnIdle(ClientConnection&) override { ++idle; }
  void OnBroken(ClientConnection&) override { ++broken; }
  int idle = 0, broken = 0;
};

void CheckResponse(const RawResponse& expected, size_t step) {
  SCOPED_TRACE(expected.name + " in pieces of " + std::to_string(step));
  std::unique_ptr<EventLoop> loop = EventLoop::Make();
  ConnectionFacts facts;
  Exchange exchange(*loop, facts);
  FakePeer peer;
  Owner owner;
  auto stream = std::make_unique<FakeStream>(peer);
  FakeStream* const far_end = stream.get();
  std::unique_ptr<ClientConnection> connection =
      MakeHttp1ClientConnection(*loop, std::move(stream), owner, {});
  HeaderMap headers;
  headers.Add(Header::kMethod, expected.to_head ? "HEAD" : "GET");
  headers.Add(Header::kAuthority, "svc");
  headers.Add(Header::kPath, "/");
  Task<ClientConnection::Result> task = connection->Send(Request(std::move(headers), Body(), exchange));
  task.Start();
  size_t at = 0;
  for (; at < expected.bytes.size() && !task.done(); at += step) {
    far_end->Deliver(std::string_view(expected.bytes).substr(at, step));
  }
  if (!task.done()) far_end->Close();
  ASSERT_TRUE(task.done());
  ClientConnection::Result result = task.Result();
  if (auto* error = std::get_if<ExchangeError>(&result)) {
    EXPECT_NE(expected.verdict, RawVerdict::kAccepted) << error->detail;
    return;
  }
  auto& response = std::get<Response>(result);
  Task<WholeBody> reading = ReadAll(response.body(), 1 << 20);
  reading.Start();
  for (; at < expected.bytes.size() && !peer.destroyed; at += step) {
    far_end->Deliver(std::string_view(expected.bytes).substr(at, step));
  }
  if (!reading.done()) far_end->Close();
  ASSERT_TRUE(reading.done());
  const WholeBody whole = reading.Result();
  EXPECT_EQ(whole.error == nullptr, expected.verdict == RawVerdict::kAccepted);
  if (expected.verdict != RawVerdict::kAccepted || whole.error != nullptr) return;
  EXPECT_EQ(response.status(), expected.status);
  EXPECT_EQ(Fields(&response.headers()), expected.fields);
  EXPECT_EQ(whole.data.ToString(), expected.body);
  EXPECT_EQ(owner.idle, expected.keep_alive ? 1 : 0);
}

constexpr size_t kSteps[] = {1'000'000, 1};

TEST(Http1RawCasesOnAConnection, HeadsAreServedOrRefused) {
  for (const RawRequest& request : RawHeadCases()) {
    for (const size_t step : kSteps) CheckRequest(request, step);
  }
}

TEST(Http1RawCasesOnAConnection, BodiesAreServedOrRefused) {
  for (const RawRequest& request : RawBodyCases()) {
    for (const size_t step : kSteps) CheckRequest(request, step);
  }
}

TEST(Http1RawCasesOnAConnection, ConnectIsServedOrRefused) {
  for (const RawRequest& request : RawConnectCases()) {
    for (const size_t step : kSteps) CheckRequest(request, step);
  }
}

TEST(Http1RawCasesOnAConnection, BrokenResponsesAreNeverWholeAnswers) {
  for (const RawResponse& response : RawResponseCases()) {
    for (const size_t step : kSteps) CheckResponse(response, step);
  }
}

}  // namespace
}  // namespace narthex
