// Tunnels of both kinds of connection, whose two directions end one after the other, or are cut.

#include <memory>
#include <string>
#include <utility>

#include "source/http/http2/http2_client.h"
#include "source/http/websocket_handshake.h"
#include "test/http/http2/client_call.h"
#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

RawFields Connect(std::string_view protocol, std::string_view path) {
  return {{":method", "CONNECT"},
          {":protocol", std::string(protocol)},
          {":scheme", "http"},
          {":path", std::string(path)},
          {":authority", "x"}};
}

class Http2ServerTunnelTest : public Http2ServerTest {
 protected:
  ~Http2ServerTunnelTest() override {
    reading_.Cancel();
    handler_.upload = Body();
  }
  void OpenTunnel() {
    options_.http2.allow_connect = true;
    Http2ServerTest::Connect();
    Send(RawHeaders(1, narthex::Connect("websocket", "/tunnel"), false));
  }
  void ReadUpload() {
    reading_ = Upload();
    reading_.Start();
    Turn();
  }
  Task<void> Upload() {
    WholeBody whole = co_await ReadAll(handler_.upload, 1 << 24);
    read_ = whole.data.ToString();
    failed_ = whole.error != nullptr;
    over_ = true;
    handler_.upload = Body();
  }

  std::string read_;
  bool over_ = false, failed_ = false;
  Task<void> reading_;
};

// The upstream's direction is over, so with the client's end the stream is closed.
TEST_F(Http2ServerTunnelTest, WhatTheClientSentBeforeItsEndIsRead) {
  OpenTunnel();
  EXPECT_EQ(At(1).status(), 200);
  EXPECT_TRUE(At(1).ended);
  Send(RawData(1, std::string(10'000, 'u'), false) + RawData(1, "end", true));
  EXPECT_TRUE(handler_.ended.empty());
  ReadUpload();
  EXPECT_EQ(read_, std::string(10'000, 'u') + "end");
  EXPECT_FALSE(failed_);
  Turn();
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].request_bytes, 10'003u);
}

TEST_F(Http2ServerTunnelTest, ATunnelThatIsCutDoesNotEndInGoodOrder) {
  OpenTunnel();
  Send(RawData(1, "half", false));
  ReadUpload();
  EXPECT_FALSE(over_);
  Send(RawReset(1, NGHTTP2_CANCEL));
  EXPECT_TRUE(over_);
  EXPECT_TRUE(failed_);
  Turn();
  EXPECT_EQ(handler_.ended.size(), 1u);
}

// Nothing else happens on the connection that would have it look at the stream again.
TEST_F(Http2ServerTunnelTest, AnUploadThatNobodyReadsAnyMoreEndsTheStreamAtOnce) {
  OpenTunnel();
  EXPECT_FALSE(At(1).reset);
  handler_.upload = Body();
  Turn();
  EXPECT_TRUE(At(1).reset);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_NO_ERROR));
  EXPECT_EQ(handler_.ended.size(), 1u);
}

TEST_F(Http2ServerTunnelTest, ATunnelIsOwedNothing) {
  options_.min_client_rate = 100;
  OpenTunnel();
  ReadUpload();
  Advance(30'000);
  EXPECT_TRUE(reader_.goaways.empty());
  EXPECT_FALSE(At(1).reset);
}

TEST_F(Http2ServerTunnelTest, AProtocolIsKnownByItsNameInAnyCase) {
  options_.http2.allow_connect = true;
  Http2ServerTest::Connect();
  Send(RawHeaders(1, narthex::Connect("WebSocket", "/a"), false));
  ASSERT_EQ(handler_.fields.size(), 1u);
  bool has_key = false;
  for (const auto& [name, value] : handler_.fields[0]) has_key |= name == kWebSocketKey;
  EXPECT_TRUE(has_key);
}

struct Said final : BodySource {
  explicit Said(Event& e, BodyPiece& n) : event(e), next(n) {}
  Task<BodyPiece> Read() override {
    co_await event.Wait();
    event.Reset();
    co_return std::move(next);
  }
  Event& event;
  BodyPiece& next;
};

class Http2ClientTunnelTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

  ~Http2ClientTunnelTest() override {
    call_.reset();
    connection_.reset();
  }
  void Ask() {
    auto stream = std::make_unique<FakeStream>(peer_);
    stream_ = stream.get();
    connection_ = MakeHttp2ClientConnection(*loop_, std::move(stream), owner_, options_, stats_);
    Deliver(RawSettings({{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}}));
    call_ = std::make_unique<ClientCall>(*loop_);
    HeaderMap headers;
    headers.Add(Header::kMethod, "GET");
    headers.Add(Header::kAuthority, "up");
    headers.Add(Header::kPath, "/ws");
    headers.Add(Header::kUpgrade, "websocket");
    headers.Add(kWebSocketKey, kKey);
    Body body(Buffer(), std::make_unique<Said>(event_, next_), std::nullopt);
    call_->task = call_->Run(*connection_, Request(std::move(headers), std::move(body), call_->exchange));
    call_->task.Start();
    Turn();
  }
  void Turn() {
    loop_->RunOnce();
    reader_.Read(peer_.received);
  }
  void Deliver(std::string_view bytes) {
    stream_->Deliver(bytes);
    Turn();
  }
  void Read() {
    call_->reading = call_->ReadBody();
    call_->reading.Start();
    Turn();
  }
  void Say(std::string_view text, bool end) {
    next_ = BodyPiece();
    next_.data.Append(text);
    next_.end = end;
    event_.Set();
    Turn();
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ClientOwner owner_;
  ClientCodecOptions options_;
  const Http2Stats stats_{"cluster.test.http2."};
  FakePeer peer_;
  FakeStream* stream_ = nullptr;
  RawReader reader_;
  Event event_;
  BodyPiece next_;
  std::unique_ptr<ClientConnection> connection_;
  std::unique_ptr<ClientCall> call_;
};

// What is sent again, on another connection, may go by HTTP/1.
TEST_F(Http2ClientTunnelTest, TheRequestKeepsItsKey) {
  Ask();
  EXPECT_EQ(reader_.streams[1].Get(":protocol"), "websocket");
  EXPECT_EQ(reader_.streams[1].Get(kWebSocketKey), "(none)");
  Deliver(RawReset(1, NGHTTP2_REFUSED_STREAM));
  ASSERT_TRUE(call_->again);
  EXPECT_EQ(call_->again->headers().Get(kWebSocketKey), kKey);
}

TEST_F(Http2ClientTunnelTest, TheUpstreamsEndLeavesTheClientsDirectionOpen) {
  Ask();
  Deliver(RawHeaders(1, {{":status", "200"}}, false));
  ASSERT_TRUE(call_->response);
  EXPECT_EQ(call_->response->headers().Get(kWebSocketAccept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  Deliver(RawData(1, "bye", true));
  Read();
  EXPECT_EQ(call_->body, "bye");
  EXPECT_FALSE(reader_.streams[1].reset);
  EXPECT_EQ(connection_->active(), 1u);
  Say("more", false);
  Say("last", true);
  EXPECT_EQ(reader_.streams[1].body, "morelast");
  EXPECT_TRUE(reader_.streams[1].ended);
  EXPECT_FALSE(reader_.streams[1].reset);
  EXPECT_EQ(connection_->active(), 0u);
}

// As a gateway does that goes away: the last word is sent, and whoever has said it is destroyed.
TEST_F(Http2ClientTunnelTest, TheLastOfTheUploadGoesAheadOfTheReset) {
  Ask();
  Deliver(RawHeaders(1, {{":status", "200"}}, false));
  ASSERT_TRUE(call_->response);
  next_.data.Append("goodbye");
  next_.end = true;
  event_.Set();
  call_.reset();
  // The loop may not turn any more.
  reader_.Read(peer_.received);
  EXPECT_EQ(reader_.streams[1].body, "goodbye");
  EXPECT_TRUE(reader_.streams[1].ended);
  EXPECT_FALSE(reader_.streams[1].reset);
  Turn();
  EXPECT_EQ(reader_.streams[1].reset_code, static_cast<uint32_t>(NGHTTP2_CANCEL));
}

TEST_F(Http2ClientTunnelTest, AResetEndsBothDirections) {
  Ask();
  Deliver(RawHeaders(1, {{":status", "200"}}, false) + RawData(1, "bye", true));
  Read();
  Deliver(RawReset(1, NGHTTP2_NO_ERROR));
  EXPECT_FALSE(event_.has_waiter());
  EXPECT_EQ(connection_->active(), 0u);
}

// The pool destroys a connection that is broken; the end of the response may be read only then, and its
// holder goes later still.
TEST_F(Http2ClientTunnelTest, AResponseMayOutliveItsConnection) {
  Ask();
  Deliver(RawHeaders(1, {{":status", "200"}}, false) + RawData(1, "bye", true));
  ASSERT_TRUE(call_->response);
  stream_->Close();
  EXPECT_EQ(owner_.broken, 0);
  Read();
  EXPECT_EQ(call_->body, "bye");
  EXPECT_EQ(owner_.broken, 1);
  connection_.reset();
  call_->response.reset();
}

}  // namespace
}  // namespace narthex
