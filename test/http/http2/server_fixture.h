#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/http/http2/http2_server.h"
#include "test/http/http2/raw_peer.h"
#include "test/net/fake_stream.h"

namespace narthex {

// Answers by path, and keeps what it was told.
class Recorder final : public RequestHandler {
 public:
  void OnStart(Exchange&) override { ++started; }
  Task<Response> Handle(Request request) override;
  Response Refuse(Exchange& exchange, int status, ExchangeError error) override;
  void OnEnd(Exchange& exchange, const HeaderMap* request, const HeaderMap* response,
             const HeaderMap* response_trailers) override;

  struct Ended {
    std::string details;
    uint64_t flags = 0;
    int status = 0;
    uint64_t request_bytes = 0;
    uint64_t response_bytes = 0;
    bool parsed = false;
    bool trailers = false;

    bool Has(ResponseFlag flag) const { return (flags >> static_cast<int>(flag) & 1) != 0; }
  };

  Event go;    // "/wait" and "/idle..." wait for it
  Event more;  // "/endless" waits for it with each piece
  int started = 0;
  std::vector<std::string> seen;  // "GET /path"
  std::vector<RawFields> fields;  // of each request
  RawFields request_trailers;     // of the last body that was read
  std::vector<Ended> ended;
  uint64_t body_read = 0;         // by "/endless-read", "/read-slowly"
  int pieces = 0;                 // of response bodies that were asked for
  size_t piece_size = 16 * 1024;  // of "/endless"
};

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
