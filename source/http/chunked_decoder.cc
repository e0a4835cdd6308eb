#include "source/http/chunked_decoder.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/http1_fields.h"

namespace narthex {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Reads chunk extensions (RFC 9112 section 7.1.1) from the front of what is left; they have no meaning to us.
class Extensions {
 public:
  explicit Extensions(std::string_view text) : left_(text) {}

  // *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), and nothing behind it.
  bool Valid() {
    while (!left_.empty()) {
      if (!Delimiter(';') || !Token()) return false;
      if (Delimiter('=') && !Token() && !QuotedString()) return false;
    }
    return true;
  }

 private:
  // Takes nothing when the delimiter is not there: space before something else is none of the grammar's.
  bool Delimiter(char delimiter) {
    const size_t at = left_.find_first_not_of(" \t");
    if (at == std::string_view::npos || left_[at] != delimiter) return false;
    left_.remove_prefix(at + 1);
    left_.remove_prefix(std::min(left_.find_first_not_of(" \t"), left_.size()));
    return true;
  }

  bool Token() {
    size_t size = 0;
    while (size < left_.size() && IsClass(left_[size], kToken)) ++size;
    left_.remove_prefix(size);
    return size > 0;
  }

  bool QuotedString() {
    if (left_.empty() || left_[0] != '"') return false;
    for (size_t at = 1; at < left_.size() && IsClass(left_[at], kFieldText); ++at) {
      if (left_[at] == '\\') {
        ++at;
        if (at == left_.size() || !IsClass(left_[at], kFieldText)) return false;
      } else if (left_[at] == '"') {
        left_.remove_prefix(at + 1);
        return true;
      }
    }
    return false;
  }

  std::string_view left_;
};

// What only proxies say of a request, however CGI would spell it ("x_forwarded_for").
bool IsProxysClaim(std::string_view name) {
  constexpr std::string_view kPrefixes[] = {"x-envoy-", "x-forwarded-"};
  const auto begins = [name](std::string_view prefix) {
    return name.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), name.begin(),
                      [](char wanted, char c) { return c == wanted || (c == '_' && wanted == '-'); });
  };
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes), begins);
}

}  // namespace

// Fields that say how to treat, route or trust a message come too late in a trailer section; a recipient that
// merged them into the head would be misled (RFC 9110 section 6.5.1).
void DropMisplaced(HeaderMap& trailers) {
  for (const Header header :
       {Header::kAccept, Header::kAcceptEncoding, Header::kAuthorization, Header::kCacheControl,
        Header::kContentEncoding, Header::kContentType, Header::kCookie, Header::kForwarded,
        Header::kLocation, Header::kOrigin, Header::kRetryAfter, Header::kSetCookie, Header::kTe,
        Header::kTrailer, Header::kVia, Header::kXRequestId}) {
    trailers.Remove(header);
  }
  for (const std::string_view name :
       {"proxy-authorization", "range", "content-range", "max-forwards", "x-real-ip"}) {
    trailers.Remove(name);
  }
  std::vector<std::string_view> claims;  // the map keeps the bytes of what is removed
  for (const HeaderMap::Field& field : trailers) {
    if (IsProxysClaim(field.name)) claims.push_back(field.name);
  }
  for (const std::string_view name : claims) trailers.Remove(name);
}

namespace {

// Moves `n` bytes of payload. A piece that shares its block with what stands around it costs more than a few
// bytes are worth: a body of tiny chunks would take ten times its size in memory, and a write for every few.
void TakePayload(size_t n, Buffer& in, Buffer& out) {
  constexpr size_t kCopied = 512;
  if (n > kCopied || in.Front().size() < n) return out.Append(in.Take(n));
  out.Append(in.Front().substr(0, n));
  in.Consume(n);
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
        TakePayload(n, in, out);
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
    if (!good) {
      state_ = State::kError;
    } else if (waits) {
      return Result::kNeedMore;
    }
  }
}

bool ChunkedDecoder::TakeSizeLine(Buffer& in, bool& waits) {
  std::string_view front = in.Front().substr(0, kMaxLine);
  size_t lf = front.find('\n');
  // Joined only when the line's end lies in the next block: joining for each line would copy all that
  // follows.
  if (lf == std::string_view::npos && front.size() < std::min(in.size(), kMaxLine)) {
    in.Linearize(std::min(in.size(), kMaxLine));
    front = in.Front().substr(0, kMaxLine);
    lf = front.find('\n');
  }
  if (lf == std::string_view::npos) {
    waits = true;
    return front.size() < kMaxLine;
  }
  if (lf == 0 || lf >= kMaxLine || front[lf - 1] != '\r') return false;
  std::string_view line = front.substr(0, lf - 1);
  size_t digits = 0;
  uint64_t size = 0;
  for (; digits < line.size() && HexDigit(line[digits]) >= 0; ++digits) {
    if (digits == 15) return false;  // 2^60 is more than any body
    size = size * 16 + static_cast<uint64_t>(HexDigit(line[digits]));
  }
  line.remove_prefix(digits);
  extension_bytes_ += line.size();
  if (digits == 0 || extension_bytes_ > kMaxExtensionBytes || !Extensions(line).Valid()) return false;
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
  if (front.empty() || front == "\r") {
    waits = true;
    return true;
  }
  // What can't begin a field is refused before more of it comes; bare line feeds are not an empty section
  // either.
  if (!IsClass(front[0], kToken)) return false;
  const size_t size = FindEndOfHead(front, scanned_);
  if (size == 0) {
    scanned_ = front.size();
    waits = true;
    return front.size() < kMaxTrailerBytes;
  }
  if (size > kMaxTrailerBytes) return false;
  trailers_ = std::make_unique<HeaderMap>();
  FieldFacts facts;
  const std::span<char> lines(const_cast<char*>(front.data()), size - 2);
  constexpr uint32_t kMaxTrailers = 64;
  if (ParseFields(lines, kMaxTrailers, *trailers_, facts)) return false;
  // Fields that frame or route a message have no place here (RFC 9110 section 6.5.1).
  if (facts.content_length || facts.has_transfer_encoding || facts.hosts > 0) return false;
  DropMisplaced(*trailers_);
  if (trailers_->empty()) trailers_.reset();
  if (trailers_ != nullptr) trailers_->Pin(in.FrontBlock());
  in.Consume(size);
  state_ = State::kDone;
  return true;
}

}  // namespace narthex
