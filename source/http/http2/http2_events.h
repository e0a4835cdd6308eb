#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/http2/http2_fields.h"
#include "source/http/http2/http2_stream.h"

namespace narthex {

// What a session tells its owner, a server's or a client's connection. Loop-confined.
class Http2Events {
 public:
  virtual ~Http2Events() = default;

  // From inside nghttp2: nothing but notes may be taken.

  // The peer opens a stream; null: it is not wanted.
  virtual Http2Stream* OnNewStream(int32_t id) = 0;
  // A head has come; `error` is null when it is good. Takes the fields out of `head`.
  virtual void OnHead(Http2Stream& stream, Http2FieldReader& head, const Http2FieldError* error,
                      bool end_stream) = 0;
  // The peer will take no new streams.
  virtual void OnGoAway() = 0;
  // The peer's settings are known, or have changed. From inside nghttp2.
  virtual void OnSettings() {}
  // A PING came back.
  virtual void OnPong(const uint8_t* opaque) = 0;

  // From outside: coroutines may be resumed, streams destroyed.

  // `what`: bits of Http2Stream::Ready.
  virtual void OnReady(Http2Stream& stream, uint8_t what) = 0;
  // All that has come so far has been dealt with and written.
  virtual void OnTurn() = 0;
  // The session is about to close the connection: streams must be ended now. `failure` is what the peer did
  // wrong, or empty.
  virtual void OnClosing(std::string_view failure) = 0;
  // The connection is over, and so are its streams; `remote`: the peer ended it.
  virtual void OnEnd(bool remote) = 0;
};

}  // namespace narthex
