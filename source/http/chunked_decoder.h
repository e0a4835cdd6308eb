#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "source/base/buffer.h"
#include "source/http/header_map.h"

namespace narthex {

// Takes out of a trailer section the fields that RFC 9110 section 6.5.1 forbids there.
void DropMisplaced(HeaderMap& trailers);

// Undoes the chunked coding (RFC 9112 section 7.1), strictly: CRLF everywhere, hexadecimal digits only,
// extensions well-formed, bounded and dropped, no framing fields among the trailers; other trailers that
// RFC 9110 section 6.5.1 forbids are dropped. Payload moves without being copied.
// Loop-confined.
class ChunkedDecoder {
 public:
  enum class Result : uint8_t { kNeedMore, kDone, kError };

  // Takes what it can from `in` and appends payload to `out`. After kDone `in` begins behind the body.
  Result Decode(Buffer& in, Buffer& out);
  // The trailer section, null when nothing of it is left. REQUIRES: kDone.
  std::unique_ptr<HeaderMap> TakeTrailers() { return std::move(trailers_); }

  // What the lines of one body that are not payload may hold beyond their sizes, and one line or trailer
  // section.
  static constexpr size_t kMaxExtensionBytes = 16 * 1024;
  static constexpr size_t kMaxLine = 4 * 1024;
  static constexpr size_t kMaxTrailerBytes = 8 * 1024;

 private:
  enum class State : uint8_t { kSize, kPayload, kPayloadEnd, kTrailers, kDone, kError };

  bool TakeSizeLine(Buffer& in, bool& waits);
  bool TakePayloadEnd(Buffer& in, bool& waits);
  bool TakeTrailerSection(Buffer& in, bool& waits);

  State state_ = State::kSize;
  uint64_t left_ = 0;
  size_t extension_bytes_ = 0;
  size_t scanned_ = 0;
  std::unique_ptr<HeaderMap> trailers_;
};

}  // namespace narthex
