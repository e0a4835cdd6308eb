// The bytes of an upstream, cut anywhere, to a whole HTTP/2 client connection with exchanges of several
// kinds. What is handed on is a response that HTTP/1 could forward; every exchange ends, with a response or
// an error; what is sent is HTTP/2 that a peer can read; and nothing is left over.

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/codec_fields.h"
#include "source/http/http1_fields.h"
#include "source/http/http2/http2_client.h"
#include "test/fuzz/pieces.h"
#include "test/http/http2/client_call.h"
#include "test/http/http2/raw_peer.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

constexpr uint8_t kWithoutSettings = 0x80;
constexpr uint8_t kSlowUpstream = 0x40;

Request MakeRequest(std::string_view kind, Exchange& exchange) {
  HeaderMap headers;
  headers.Add(Header::kMethod, kind == "websocket" ? "GET" : kind);
  headers.Add(Header::kAuthority, "up");
  headers.Add(Header::kPath, "/");
  headers.Add(Header::kScheme, "http");
  if (kind == "websocket") {
    headers.Add(Header::kConnection, "upgrade");
    headers.Add(Header::kUpgrade, kind);
  }
  Body body = kind == "POST" ? Body(std::string_view("data")) : Body();
  return Request(std::move(headers), std::move(body), exchange);
}

void CheckFields(const HeaderMap& headers, bool tunnel) {
  for (const HeaderMap::Field& field : headers) {
    if (field.known == Header::kStatus) continue;
    Require(!field.name.empty() && AllOf(field.name, kToken));
    Require(AllOf(field.value, kFieldText));
    const bool upgrade = field.known == Header::kConnection || field.known == Header::kUpgrade;
    Require(!IsCodecsOwn(field.known) || field.known == Header::kContentLength || (tunnel && upgrade));
  }
}

void CheckResponse(const ClientCall& call, std::string_view kind) {
  const HeaderMap& headers = call.response->headers();
  const int status = call.response->status();
  const bool tunnel = status == 101;
  Require(tunnel ? kind == "websocket" : status >= 200 && status <= 599);
  CheckFields(headers, tunnel);
  if (kind == "HEAD" || status == 204 || status == 304) Require(call.body.empty());
  const std::string_view length = headers.Get(Header::kContentLength);
  if (length.empty() || kind == "HEAD" || status == 304 || status == 204 || tunnel) return;
  // Never more than was said; and all of it, unless there is an error.
  uint64_t said = 0;
  std::from_chars(length.data(), length.data() + length.size(), said);
  Require(call.body.size() <= said && (call.error || call.body.size() == said));
}

class Upstream {
 public:
  explicit Upstream(uint8_t mode) {
    if ((mode & kSlowUpstream) != 0) peer_.window = 100;
    auto stream = std::make_unique<FakeStream>(peer_);
    socket_ = stream.get();
    connection_ = MakeHttp2ClientConnection(*loop_, std::move(stream), owner_, options_, stats_);
    for (const std::string_view kind : kKinds) {
      calls_.push_back(std::make_unique<ClientCall>(*loop_));
      ClientCall& call = *calls_.back();
      call.task = call.Run(*connection_, MakeRequest(kind, call.exchange));
      call.task.Start();
    }
    if ((mode & kWithoutSettings) == 0) {
      Say(RawSettings({{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}}));
    }
  }

  void Say(std::string_view bytes) {
    socket_->Deliver(bytes);
    Turn();
    if (peer_.window < 100) socket_->Drained(50);
  }

  void Leave() {
    socket_->Close();
    for (int i = 0; i < 3; ++i) {
      loop_->wheel().Advance(loop_->NowMs() + 100);
      Turn();
    }
  }

  void Check() {
    for (size_t i = 0; i < calls_.size(); ++i) {
      ClientCall& call = *calls_[i];
      Require(call.done && (call.error.has_value() || call.response.has_value()));
      if (!call.response) continue;
      Require(call.read);
      CheckResponse(call, kKinds[i]);
    }
    calls_.clear();
    Turn();
    Require(owner_.broken == 1 && connection_->active() == 0 && !connection_->usable());
    connection_.reset();
    RawReader reader;
    reader.Read(peer_.received);
  }

 private:
  static constexpr std::string_view kKinds[] = {"GET", "HEAD", "POST", "websocket"};

  void Turn() {
    loop_->RunOnce();
    for (const auto& call : calls_) {
      if (!call->response || std::exchange(call->reads, true)) continue;
      call->reading = call->ReadBody();
      call->reading.Start();
    }
    loop_->RunOnce();
  }

  static inline const Http2Stats stats_{"cluster.fuzz.http2."};
  const std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  const ClientCodecOptions options_;
  ClientOwner owner_;
  FakePeer peer_;
  FakeStream* socket_ = nullptr;
  std::vector<std::unique_ptr<ClientCall>> calls_;
  std::unique_ptr<ClientConnection> connection_;
};

}  // namespace
}  // namespace narthex

// The first byte says how the rest is cut, and how the upstream behaves.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 100'000) return 0;
  const size_t live = narthex::Block::LiveBlocks();
  {
    narthex::Upstream upstream(data[0]);
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    for (narthex::Pieces pieces(bytes, data[0]); !pieces.empty();) upstream.Say(pieces.Next());
    upstream.Leave();
    upstream.Check();
  }
  narthex::Require(narthex::Block::LiveBlocks() == live);
  return 0;
}
