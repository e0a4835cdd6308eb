// The bytes of an upstream, cut anywhere, as the answer to a request that came through a server connection. A
// response that is whole when it is read in one piece reaches the client with the same meaning; one that is
// not never looks whole to the client; and nothing is left over at the end.

#include <cstdint>
#include <string>
#include <string_view>

#include "test/fuzz/pieces.h"
#include "test/http/proxy_rig.h"
#include "test/http/whole_message.h"

namespace narthex {
namespace {

constexpr Http1Limits kRoomy{.max_head_bytes = 1 << 20, .max_headers = 1000};
// Longer than every timeout of these options.
constexpr int kForEver = 5000;
constexpr int kMaxInterim = 32;

// What the first byte of an input chooses.
struct Scene {
  explicit Scene(uint8_t byte)
      : method(byte % 3), ending(static_cast<Ending>(byte / 3 % 3)), seed(byte / 9) {}

  enum class Ending : uint8_t { kClose, kReset, kSilence };
  int method;  // GET, HEAD, or a POST that is not whole yet
  Ending ending;
  uint32_t seed;

  std::string_view request() const {
    switch (method) {
      case 0:
        return "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
      case 1:
        return "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n";
      default:
        return "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    }
  }
  bool to_head() const { return method == 1; }
};

// The first response in `bytes` that is not interim. Not complete when there is none that a gateway may pass
// on.
WholeMessage FinalResponse(std::string_view bytes, const Scene& scene) {
  WholeMessage message;
  for (int interim = 0; interim < kMaxInterim; ++interim) {
    message = ReadWholeResponse(bytes, scene.to_head(), scene.ending == Scene::Ending::kClose);
    if (message.status == 101) return WholeMessage();
    if (message.head_size == 0 || message.status >= 200) return message;
    bytes.remove_prefix(message.size);
  }
  return WholeMessage();
}

WholeMessage ClientsResponse(std::string_view received, const Scene& scene) {
  while (true) {
    WholeMessage message = ReadWholeResponse(received, scene.to_head(), false, kRoomy);
    Require(message.state != WholeMessage::State::kRefused);
    if (message.head_size == 0 || message.status >= 200) {
      if (message.complete()) Require(message.size == received.size());
      return message;
    }
    received.remove_prefix(message.size);
  }
}

void Check(const WholeMessage& sent, const WholeMessage& got, const Scene& scene) {
  if (sent.complete()) return Require(got.SameAs(sent));
  if (sent.head_size == 0) {
    const bool client_was_late = scene.method == 2 && got.status == 408;
    return Require(got.complete() && (client_was_late || (got.status >= 502 && got.status <= 504)));
  }
  // The head was passed on, and then the body broke off.
  Require(!got.complete() && got.status == sent.status && got.fields == sent.fields);
  Require(sent.body.starts_with(got.body));
}

void Run(std::string_view bytes, const Scene& scene) {
  ServerCodecOptions server;
  server.enable_trailers = true;
  server.stream_idle_timeout = server.idle_timeout = std::chrono::seconds(1);
  ClientCodecOptions client;
  client.enable_trailers = true;
  ProxyRig rig(server, client);
  rig.Send(scene.request());
  Require(rig.upstreams() == 1);
  for (Pieces pieces(bytes, scene.seed); !pieces.empty();) rig.Answer(0, pieces.Next());
  if (scene.ending == Scene::Ending::kClose) rig.CloseUpstream(0);
  if (scene.ending == Scene::Ending::kReset) rig.ResetUpstream(0);
  rig.Advance(kForEver);
  Check(FinalResponse(bytes, scene), ClientsResponse(rig.received(), scene), scene);
  rig.CloseSending();
  rig.Advance(kForEver);
  Require(rig.closed() && rig.started() == 1 && rig.finished() == 1);
}

}  // namespace
}  // namespace narthex

// The first byte says what was asked, how the connection ends, and how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 100'000) return 0;
  const size_t live = narthex::Block::LiveBlocks();
  narthex::Run({reinterpret_cast<const char*>(data) + 1, size - 1}, narthex::Scene(data[0]));
  narthex::Require(narthex::Block::LiveBlocks() == live);
  return 0;
}
