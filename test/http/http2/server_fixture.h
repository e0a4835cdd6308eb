#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/http/http2/http2_server.h"
#include "test/http/http2/raw_peer.h"
#include "test/http/http2/recorder.h"
#include "test/net/fake_stream.h"

namespace narthex {

// A server's connection on a stream without a socket; the test is the client, frame by frame.
class Http2ServerTest : public ::testing::Test {
 protected:
  ~Http2ServerTest() override { connection_.reset(); }

  // Opens the connection, and sends preface and SETTINGS, and agrees to the server's.
  void Connect(const std::vector<std::pair<uint16_t, uint32_t>>& settings = {});
  void Open();
  // Sends bytes, and lets a turn of the loop pass. Nothing when the connection is gone.
  void Send(std::string_view bytes);
  void Turn();
  void Advance(int ms);
  bool gone() const { return ended_; }
  RawReader::Message& At(uint32_t id) { return reader_.streams[id]; }
  bool refused(uint32_t code) const {
    return !reader_.goaways.empty() && reader_.goaways.back().second == code;
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  Recorder handler_;
  ConnectionFacts facts_;
  ServerCodecOptions options_;
  FakePeer peer_;
  FakeStream* stream_ = nullptr;
  RawReader reader_;
  bool ended_ = false;
  std::unique_ptr<ServerConnection> connection_;
};

}  // namespace narthex
