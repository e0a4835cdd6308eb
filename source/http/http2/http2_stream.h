#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "source/base/buffer.h"
#include "source/coro/event.h"
#include "source/http/header_map.h"
#include "source/http/http2/http2_fields.h"

namespace narthex {

class Http2Session;

// What both ends of a connection keep of a stream, beside what nghttp2 does. The session fills it in while it
// reads and writes frames, and notes in `ready` what has happened; only later, outside nghttp2, the owner is
// told. The owner destroys it, which unlinks it from the session.
struct Http2Stream {
  // What has happened since the owner was told last.
  enum Ready : uint8_t {
    kHead = 1,      // its head, or a refusal of it
    kReadable = 2,  // something of its body, or its end
    kSendable = 4,  // all that was given to be sent is on its way, and more may be given
    kProgress = 8,  // some of it is
    kSent = 16,     // its last frame is
    kClosed = 32,   // nghttp2 has forgotten it, or was told to
  };

  explicit Http2Stream(Http2Session& s) : session(s) {}
  Http2Stream(const Http2Stream&) = delete;
  ~Http2Stream();

  Http2Session& session;  // may be gone once this is not linked
  int32_t id = -1;
  uint8_t ready = 0;
  bool linked = true;     // the session may still have notes of it
  bool attached = false;  // nghttp2 knows it, and this is its user data

  // Received. What nobody has read is at most its window.
  Buffer received;
  size_t pinned = 0;  // so much of the blocks of `received` may be others'
  uint64_t received_bytes = 0;
  std::optional<uint64_t> content_length;
  std::unique_ptr<HeaderMap> trailers;
  bool head_done = false;
  bool no_payload = false;  // a response to HEAD, 204, 304
  bool remote_ended = false;
  Event readable;

  // To be sent.
  Buffer to_send;
  const HeaderMap* trailers_to_send = nullptr;  // lasts as long as this
  bool send_ended = false;                      // nothing follows `to_send`
  bool deferred = false;                        // nghttp2 waits for more
  bool head_pending = false;                    // its head waits in nghttp2
  bool sent = false;
  Event sendable;

  // How it ended before its time.
  bool reset_by_peer = false;
  uint32_t error_code = 0;  // of the reset, either side's
  Http2FieldError failure;  // what the peer did wrong
};

}  // namespace narthex
