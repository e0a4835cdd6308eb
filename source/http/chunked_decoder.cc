#include "source/http/chunked_decoder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "source/http/http1_fields.h"

namespace narthex {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Chunk extensions (RFC 9112 section 7.1.1): well-formed as text, otherwise without meaning to us.
bool IsExtension(std::string_view text) {
  return text.empty() || (text[0] == ';' && AllOf(text, kFieldText));
}

}  // namespace

ChunkedDecoder::Result ChunkedDecoder::Decode(Buffer& in, Buffer& out) {
  bool waits = false;
  while (true) {
    bool good = true;
    switch (state_) {
      case State::kSize:
        good = TakeSizeLine(in, waits);
        break;
      case State::kPayload: {
        const size_t n = std::min<uint64_t>(left_, in.size());
        out.Append(in.Take(n));
        left_ -= n;
        waits = left_ > 0;
        if (!waits) state_ = State::kPayloadEnd;
        break;
      }
      case State::kPayloadEnd:
        good = TakePayloadEnd(in, waits);
        break;
      case State::kTrailers:
        good = TakeTrailerSection(in, waits);
        break;
      case State::kDone:
        return Result::kDone;
      case State::kError:
        return Result::kError;
    }
    if (!good) state_ = State::kError;
    if (waits) return Result::kNeedMore;
  }
}

bool ChunkedDecoder::TakeSizeLine(Buffer& in, bool& waits) {
  in.Linearize(std::min(in.size(), kMaxLine));
  const std::string_view front = in.Front();
  const size_t lf = front.find('\n');
  if (lf == std::string_view::npos) {
    waits = true;
    return front.size() < kMaxLine;
  }
  if (lf == 0 || front[lf - 1] != '\r') return false;
  std::string_view line = front.substr(0, lf - 1);
  size_t digits = 0;
  uint64_t size = 0;
  for (; digits < line.size() && HexDigit(line[digits]) >= 0; ++digits) {
    if (digits == 15) return false;  // 2^60 is more than any body
    size = size * 16 + static_cast<uint64_t>(HexDigit(line[digits]));
  }
  line.remove_prefix(digits);
  extension_bytes_ += line.size();
  if (digits == 0 || !IsExtension(line) || extension_bytes_ > kMaxExtensionBytes) return false;
  in.Consume(lf + 1);
  left_ = size;
  state_ = size == 0 ? State::kTrailers : State::kPayload;
  return true;
}

bool ChunkedDecoder::TakePayloadEnd(Buffer& in, bool& waits) {
  if (in.size() < 2) {
    waits = true;
    return in.empty() || in.Front()[0] == '\r';
  }
  in.Linearize(2);
  if (in.Front()[0] != '\r' || in.Front()[1] != '\n') return false;
  in.Consume(2);
  state_ = State::kSize;
  return true;
}

bool ChunkedDecoder::TakeTrailerSection(Buffer& in, bool& waits) {
  in.Linearize(std::min(in.size(), kMaxTrailerBytes));
  const std::string_view front = in.Front();
  if (front.starts_with("\r\n")) {
    in.Consume(2);
    state_ = State::kDone;
    return true;
  }
  const size_t size = FindEndOfHead(front, scanned_);
  if (size == 0) {
    scanned_ = front.size();
    waits = true;
    // A section that can't begin a field is refused before more of it comes.
    const bool plausible = front.empty() || front[0] == '\r' || IsClass(front[0], kToken);
    return plausible && front.size() < kMaxTrailerBytes;
  }
  trailers_ = std::make_unique<HeaderMap>();
  FieldFacts facts;
  const std::span<char> lines(const_cast<char*>(front.data()), size - 2);
  constexpr uint32_t kMaxTrailers = 64;
  if (ParseFields(lines, kMaxTrailers, *trailers_, facts)) return false;
  // Fields that frame or route a message have no place here (RFC 9110 section 6.5.1).
  if (facts.content_length || facts.has_transfer_encoding || facts.hosts > 0) return false;
  trailers_->Pin(in.FrontBlock());
  in.Consume(size);
  state_ = State::kDone;
  return true;
}

}  // namespace narthex
