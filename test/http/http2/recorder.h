#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "source/coro/event.h"
#include "source/http/server_codec.h"
#include "test/http/http2/raw_peer.h"

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

  Event go;     // "/wait" and "/idle..." wait for it
  Event more;   // "/endless" waits for it with each piece
  Body upload;  // of "/tunnel", which is agreed to and whose other direction ends at once, until it is read
  int started = 0;
  std::vector<std::string> seen;  // "GET /path"
  std::vector<RawFields> fields;  // of each request
  RawFields request_trailers;     // of the last body that was read
  std::vector<Ended> ended;
  uint64_t body_read = 0;         // by "/endless-read", "/read-slowly"
  int pieces = 0;                 // of response bodies that were asked for
  size_t piece_size = 16 * 1024;  // of "/endless"
};

}  // namespace narthex
