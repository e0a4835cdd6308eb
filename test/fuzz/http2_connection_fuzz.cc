// The bytes of a client, cut anywhere, to a whole HTTP/2 server connection. What reaches the handler is a
// request that HTTP/1 could forward; what is sent is HTTP/2 that a peer can read; every exchange that begins
// ends, and nothing is left over.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/http/http1_fields.h"
#include "source/http/http2/http2_server.h"
#include "test/fuzz/pieces.h"
#include "test/http/http2/raw_peer.h"
#include "test/http/http2/recorder.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

constexpr int kForEver = 5000;  // longer than every timeout of these options
constexpr uint8_t kWithoutPreface = 0x80;
constexpr uint8_t kSlowReader = 0x40;
constexpr uint8_t kDrains = 0x20;  // in the midst of it

ServerCodecOptions Options() {
  ServerCodecOptions options;
  options.stream_idle_timeout = options.idle_timeout = options.request_timeout = std::chrono::seconds(1);
  options.drain_timeout = std::chrono::seconds(0);
  options.http2.allow_connect = true;
  return options;
}

void CheckRequest(const RawFields& fields) {
  size_t methods = 0;
  size_t authorities = 0;
  // An extended CONNECT has both, in the form that HTTP/1 gives it.
  size_t upgrades = 0;
  size_t connections = 0;
  for (const auto& [name, value] : fields) {
    methods += name == ":method" ? 1 : 0;
    authorities += name == ":authority" ? 1 : 0;
    const std::string_view token = std::string_view(name).substr(name[0] == ':' ? 1 : 0);
    Require(!token.empty() && AllOf(token, kToken));
    Require(AllOf(value, kFieldText));
    Require(name != "transfer-encoding" && name != "host" && name != ":protocol");
    upgrades += name == "upgrade" ? 1 : 0;
    connections += name == "connection" && value == "upgrade" ? 1 : 0;
    Require(name != "connection" || value == "upgrade");
  }
  Require(upgrades <= 1 && connections == upgrades);
  Require(methods == 1 && authorities == 1);
}

void Run(std::string_view bytes, uint8_t mode) {
  const std::unique_ptr<EventLoop> loop = EventLoop::Make();
  Recorder recorder;
  const ConnectionFacts facts;
  const ServerCodecOptions options = Options();
  FakePeer peer;
  if ((mode & kSlowReader) != 0) peer.window = 100;
  bool ended = false;
  auto stream = std::make_unique<FakeStream>(peer);
  FakeStream& socket = *stream;
  std::unique_ptr<ServerConnection> connection = MakeHttp2ServerConnection(
      std::move(stream),
      {*loop, recorder, facts, options, [](void* over) { *static_cast<bool*>(over) = true; }, &ended});
  std::string all;
  if ((mode & kWithoutPreface) == 0) all = std::string(kHttp2Preface) + RawSettings({});
  all += bytes;
  size_t sent = 0;
  for (Pieces pieces(all, mode); !pieces.empty() && !ended;) {
    const std::string_view piece = pieces.Next();
    sent += piece.size();
    socket.Deliver(piece);
    loop->RunOnce();
    if ((mode & kDrains) != 0 && sent > all.size() / 2 && !ended) connection->Drain();
    if (peer.window < 100) socket.Drained(50);
  }
  recorder.go.Set();
  loop->RunOnce();
  if (!ended) socket.Drained(1 << 24);
  for (int i = 0; i < 3 && !ended; ++i) {
    loop->wheel().Advance(loop->NowMs() + kForEver);
    loop->RunOnce();
  }
  Require(ended);
  connection.reset();
  Require(recorder.started == static_cast<int>(recorder.ended.size()));
  for (const RawFields& fields : recorder.fields) CheckRequest(fields);
  RawReader reader;
  reader.Read(peer.received);
}

}  // namespace
}  // namespace narthex

// The first byte says how the rest is cut, and how the client behaves.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 100'000) return 0;
  const size_t live = narthex::Block::LiveBlocks();
  narthex::Run({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
  narthex::Require(narthex::Block::LiveBlocks() == live);
  return 0;
}
