#include "test/http/http2/server_fixture.h"

#include <utility>

namespace narthex {

void Http2ServerTest::Open() {
  auto stream = std::make_unique<FakeStream>(peer_);
  stream_ = stream.get();
  connection_ = MakeHttp2ServerConnection(
      std::move(stream),
      {*loop_, handler_, facts_, options_, [](void* ended) { *static_cast<bool*>(ended) = true; }, &ended_});
}

void Http2ServerTest::Connect(const std::vector<std::pair<uint16_t, uint32_t>>& settings) {
  Open();
  Send(std::string(kHttp2Preface) + RawSettings(settings) +
       RawFrame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
}

void Http2ServerTest::Send(std::string_view bytes) {
  if (!ended_ && !peer_.destroyed) stream_->Deliver(bytes);
  Turn();
}

void Http2ServerTest::Turn() {
  loop_->RunOnce();
  reader_.Read(peer_.received);
}

void Http2ServerTest::Advance(int ms) {
  loop_->wheel().Advance(loop_->NowMs() + static_cast<uint64_t>(ms));
  Turn();
}

}  // namespace narthex
