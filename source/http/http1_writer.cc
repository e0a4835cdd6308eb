#include "source/http/http1_writer.h"

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "source/http/byte_scan.h"
#include "source/http/codec_fields.h"
#include "source/http/http1_fields.h"
#include "source/http/reason_phrase.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

// Writes pieces one behind the other into a buffer's reserved room; a piece that does not fit goes through
// Append.
class HeadWriter {
 public:
  explicit HeadWriter(Buffer& out) : out_(out), room_(out.Reserve()), at_(room_.data()) {}

  void Put(std::string_view text) {
    if (text.size() > left()) return Overflow(text);
    at_ = CopyShort(at_, text);
  }
  void Put(uint64_t number, int base = 10) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
    Put(std::string_view(digits.data(), static_cast<size_t>(end.ptr - digits.data())));
  }
  void Field(std::string_view name, std::string_view value) {
    if (name.size() + value.size() + 4 > left()) return FieldByParts(name, value);
    char* at = CopyShort(at_, name);
    std::memcpy(at, ": ", 2);
    at = CopyShort(at + 2, value);
    std::memcpy(at, "\r\n", 2);
    at_ = at + 2;
  }
  void Finish() { out_.Commit(static_cast<size_t>(at_ - room_.data())); }

 private:
  size_t left() const { return room_.size() - static_cast<size_t>(at_ - room_.data()); }
  void FieldByParts(std::string_view name, std::string_view value) {
    Put(name);
    Put(": ");
    Put(value);
    Put("\r\n");
  }
  void Overflow(std::string_view text) {
    Finish();
    out_.Append(text);
    room_ = out_.Reserve();
    at_ = room_.data();
  }

  Buffer& out_;
  std::span<char> room_;
  char* at_;
};

bool AreSafe(const HeaderMap& headers) {
  if (headers.all_checked()) return true;
  for (const HeaderMap::Field& field : headers) {
    if (field.checked) continue;
    if (HasLineEnd(field.value)) return false;
    // Known names are constants of ours.
    if (field.known == Header::kUnknown && (field.name.empty() || !AllOf(field.name, kToken))) return false;
  }
  return true;
}

// A rewrite that left a space in the target would let it end the request line early; what is no host could
// stand for another one behind us.
bool IsRequestLineSafe(const HeaderMap& headers, bool connect) {
  if (connect) return IsConnect(headers) && IsAuthorityForm(headers.Get(Header::kAuthority));
  const std::string_view method = headers.Get(Header::kMethod);
  const std::string_view path = headers.Get(Header::kPath);
  if (method.empty() || path.empty() || !AllOf(method, kToken)) return false;
  if (HasSpaceOrControl(path)) return false;
  return IsValidHost(headers.Get(Header::kAuthority));
}

void PutFields(const HeaderMap& headers, HeadWriter& writer) {
  for (const HeaderMap::Field& field : headers) {
    if (!IsCodecsOwn(field.known)) writer.Field(field.name, field.value);
  }
}

void PutStatusLine(int status, HeadWriter& writer) {
  if (status == 200) return writer.Put("HTTP/1.1 200 OK\r\n");
  writer.Put("HTTP/1.1 ");
  writer.Put(static_cast<uint64_t>(status));
  writer.Put(" ");
  writer.Put(ReasonPhrase(status));
  writer.Put("\r\n");
}

void PutLength(uint64_t length, HeadWriter& writer) {
  writer.Put("content-length: ");
  writer.Put(length);
  writer.Put("\r\n");
}

void PutUpgrade(const HeaderMap& headers, HeadWriter& writer) {
  writer.Put("connection: upgrade\r\n");
  writer.Field("upgrade", headers.Get(Header::kUpgrade));
}

}  // namespace

bool WriteRequestHead(const HeaderMap& headers, const RequestFraming& framing, Buffer& out) {
  if (!AreSafe(headers) || !IsRequestLineSafe(headers, framing.connect)) return false;
  HeadWriter writer(out);
  writer.Put(headers.Get(Header::kMethod));
  writer.Put(" ");
  writer.Put(headers.Get(framing.connect ? Header::kAuthority : Header::kPath));
  writer.Put(" HTTP/1.1\r\n");
  writer.Field("host", headers.Get(Header::kAuthority));
  PutFields(headers, writer);
  if (framing.upgrade) {
    PutUpgrade(headers, writer);
  } else if (framing.chunked) {
    writer.Put("transfer-encoding: chunked\r\n");
  } else if (framing.length) {
    PutLength(*framing.length, writer);
  }
  writer.Put("\r\n");
  writer.Finish();
  return true;
}

bool WriteResponseHead(const HeaderMap& headers, int status, const ResponseFraming& framing, Buffer& out) {
  if (!AreSafe(headers)) return false;
  HeadWriter writer(out);
  PutStatusLine(status, writer);
  PutFields(headers, writer);
  if (framing.upgrade) {
    PutUpgrade(headers, writer);
  } else if (framing.connect) {
    // Neither length nor coding (RFC 9110 section 9.3.6).
  } else if (framing.no_body) {
    const std::string_view length = headers.Get(Header::kContentLength);
    if (status != 204 && length.data() != nullptr) {
      writer.Field("content-length", length);
    } else if (status != 204 && status != 304 && framing.length.value_or(0) > 0) {
      PutLength(*framing.length, writer);
    }
  } else if (framing.length) {
    PutLength(*framing.length, writer);
  } else if (!framing.http_10) {
    writer.Put("transfer-encoding: chunked\r\n");
  }
  if (framing.close && !framing.upgrade && !framing.connect) {
    writer.Put("connection: close\r\n");
  } else if (framing.http_10) {
    writer.Put("connection: keep-alive\r\n");
  }
  writer.Put("\r\n");
  writer.Finish();
  return true;
}

bool WriteInterimHead(const HeaderMap& headers, int status, Buffer& out) {
  if (!AreSafe(headers)) return false;
  HeadWriter writer(out);
  PutStatusLine(status, writer);
  PutFields(headers, writer);
  writer.Put("\r\n");
  writer.Finish();
  return true;
}

void AppendChunk(Buffer payload, Buffer& out) {
  HeadWriter writer(out);
  writer.Put(payload.size(), 16);
  writer.Put("\r\n");
  writer.Finish();
  out.Append(std::move(payload));
  out.Append("\r\n");
}

void AppendLastChunk(const HeaderMap* trailers, Buffer& out) {
  HeadWriter writer(out);
  writer.Put("0\r\n");
  if (trailers != nullptr && AreSafe(*trailers)) PutFields(*trailers, writer);
  writer.Put("\r\n");
  writer.Finish();
}

}  // namespace narthex
