#include "source/http/http2/http2_fields.h"

#include <cstring>

#include "source/http/byte_scan.h"
#include "source/http/chunked_decoder.h"
#include "source/http/http1_fields.h"

namespace narthex {
namespace {

bool IsLowerToken(std::string_view name) {
  for (const char c : name) {
    if (!IsClass(c, kToken) || (c >= 'A' && c <= 'Z')) return false;
  }
  return !name.empty();
}

bool IsSpace(char c) {
  return c == ' ' || c == '\t';
}

bool IsFieldValue(std::string_view value) {
  if (value.empty()) return true;
  if (IsSpace(value.front()) || IsSpace(value.back())) return false;
  char* const begin = const_cast<char*>(value.data());
  return FieldTextEnd(begin, begin + value.size()) == begin + value.size();
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace

void Http2FieldReader::Add(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kOverhead;
  if (++count_ > limits_.fields || bytes_ > limits_.bytes) {
    too_large_ = true;
    return;
  }
  if (error_.detail != nullptr) return;
  if (!name.empty() && name.front() == ':') return TakePseudo(name, value);
  fields_begun_ = true;
  if (!IsLowerToken(name)) {
    Malformed(kHttp2InvalidField, "a field name that is no token in lower case");
  } else if (!IsFieldValue(value)) {
    Malformed(kHttp2InvalidField, "a field value with bytes that no value may have");
  } else {
    TakeField(name, value);
  }
}

void Http2FieldReader::TakePseudo(std::string_view name, std::string_view value) {
  if (kind_ == Kind::kTrailers) {
    Malformed(kHttp2Messaging, "a pseudo-header among the trailers");
    return;
  }
  const Header known = FindHeader(name);
  const bool repeated = known != Header::kUnknown && headers.Has(known);
  if (fields_begun_ || repeated) {
    Malformed(kHttp2InvalidField, repeated ? "a pseudo-header twice" : "a pseudo-header behind other fields");
    return;
  }
  if (kind_ == Kind::kRequest) {
    TakeRequestPseudo(name, value);
  } else if (known != Header::kStatus || value.size() != 3 || value < "100" || value > "599" ||
             value[1] < '0' || value[1] > '9' || value[2] < '0' || value[2] > '9') {
    Malformed(kHttp2Messaging, "no valid :status");
  } else {
    Store(known, HeaderName(known), value);
  }
}

bool Http2FieldReader::TakeRequestPseudo(std::string_view name, std::string_view value) {
  const Header known = FindHeader(name);
  bool good = !value.empty();
  switch (known) {
    case Header::kMethod:
    case Header::kProtocol:
      good = good && AllOf(value, kToken);
      break;
    case Header::kPath:
      good = good && AllOf(value, kTarget);
      break;
    case Header::kAuthority:
      good = good && IsValidHost(value);
      break;
    case Header::kScheme:
      if (scheme_.data() != nullptr) return Malformed(kHttp2InvalidField, "a pseudo-header twice");
      if (EqualsIgnoreCase(value, "http")) {
        scheme_ = "http";
      } else if (EqualsIgnoreCase(value, "https")) {
        scheme_ = "https";
      } else {
        return Malformed(kHttp2InvalidField, "a scheme other than http and https");
      }
      return true;
    default:
      return Malformed(kHttp2InvalidField, "an unknown pseudo-header");
  }
  if (!good) return Malformed(kHttp2InvalidField, "a pseudo-header with a value that it must not have");
  Store(known, HeaderName(known), value);
  return true;
}

void Http2FieldReader::TakeField(std::string_view name, std::string_view value) {
  const Header known = FindHeader(name);
  if (known == Header::kUnknown || TakeSpecial(known, value)) Store(known, name, value);
}

// False when the field is not to be stored: it means something to this connection, or must not be there.
bool Http2FieldReader::TakeSpecial(Header known, std::string_view value) {
  switch (known) {
    case Header::kConnection:
    case Header::kKeepAlive:
    case Header::kProxyConnection:
    case Header::kTransferEncoding:
    case Header::kUpgrade:
      return Malformed(kHttp2InvalidField, "a field of HTTP/1 connections");
    case Header::kTe:
      if (!EqualsIgnoreCase(value, "trailers")) return Malformed(kHttp2InvalidField, "te without trailers");
      return !headers.Has(Header::kTe);
    case Header::kHost:
      TakeHost(value);
      return false;
    case Header::kContentLength:
      TakeContentLength(value);
      return error_.detail == nullptr;
    case Header::kExpect:
      if (kind_ != Kind::kRequest) return true;
      TakeExpect(value);
      return false;
    case Header::kCookie:
      ++cookies_;
      return true;
    default:
      return true;
  }
}

void Http2FieldReader::TakeHost(std::string_view value) {
  // In a response it means nothing; among trailers it would come too late to be checked.
  if (kind_ == Kind::kResponse) return;
  if (kind_ == Kind::kTrailers || host_.data() != nullptr || value.empty() || !IsValidHost(value)) {
    Malformed(kHttp2InvalidField, "a host that is repeated, misplaced or invalid");
    return;
  }
  char* copy = headers.Allocate(value.size());
  std::memcpy(copy, value.data(), value.size());
  host_ = {copy, value.size()};
}

void Http2FieldReader::TakeContentLength(std::string_view value) {
  if (kind_ == Kind::kTrailers || content_length_) {
    Malformed(kHttp2InvalidField, "a content-length that is repeated or misplaced");
    return;
  }
  content_length_ = ParseContentLength(value);
  if (!content_length_) Malformed(kHttp2InvalidField, "a content-length that is no number");
}

void Http2FieldReader::TakeExpect(std::string_view value) {
  const bool known = EqualsIgnoreCase(value, "100-continue");
  expects_continue_ = known;
  unknown_expectation_ |= !known;
}

const Http2FieldError* Http2FieldReader::Finish() {
  if (error_.detail == nullptr && too_large_) {
    const char* detail = count_ > limits_.fields ? "http2.too_many_headers" : "http2.headers_too_large";
    error_ = {431, detail, "more header fields than the limit"};
  }
  if (error_.detail == nullptr) {
    if (kind_ == Kind::kRequest) CheckRequest();
    if (kind_ == Kind::kResponse && !headers.Has(Header::kStatus)) Malformed(kHttp2Messaging, "no :status");
    if (kind_ == Kind::kResponse && headers.Get(Header::kStatus) == "101") {
      Malformed(kHttp2Messaging, "101 in HTTP/2");
    }
    if (kind_ == Kind::kTrailers) DropMisplaced(headers);
    if (cookies_ > 1 && kind_ == Kind::kRequest) JoinCookies();
  }
  return error_.detail == nullptr ? nullptr : &error_;
}

void Http2FieldReader::CheckRequest() {
  const std::string_view method = headers.Get(Header::kMethod);
  if (method.empty()) {
    Malformed(kHttp2Messaging, "no :method");
    return;
  }
  const std::string_view authority = headers.Get(Header::kAuthority);
  if (authority.empty() && host_.empty()) {
    Malformed(kHttp2Messaging, "neither :authority nor host");
    return;
  }
  if (!authority.empty() && !host_.empty() && !EqualsIgnoreCase(authority, host_)) {
    Malformed(kHttp2Messaging, "a host other than :authority");
    return;
  }
  if (authority.empty()) headers.AddView(Header::kAuthority, host_);
  if (method == "CONNECT") {
    CheckConnect();
  } else if (headers.Has(Header::kProtocol)) {
    Malformed(kHttp2InvalidField, ":protocol without CONNECT");
  } else {
    CheckTarget();
  }
  if (unknown_expectation_)
    Refuse({417, "http2.unknown_expectation", "an expectation other than 100-continue"});
}

void Http2FieldReader::CheckConnect() {
  const bool extended = headers.Has(Header::kProtocol);
  // RFC 8441 section 4: a client must not send :protocol to a server that has not said that it takes it.
  if (extended && !limits_.allow_connect) {
    Malformed(kHttp2InvalidField, ":protocol, which is not allowed here");
  } else if (extended) {
    CheckTarget();
  } else if (headers.Has(Header::kPath) || scheme_.data() != nullptr) {
    Malformed(kHttp2Messaging, "CONNECT with :path or :scheme");
  } else if (!IsAuthorityForm(headers.Get(Header::kAuthority))) {
    Malformed(kHttp2Messaging, "CONNECT to something other than a host and a port");
  } else if (content_length_) {
    Malformed(kHttp2Messaging, "CONNECT with content-length");
  }
  if (!limits_.allow_connect) Refuse({501, "http2.connect_not_supported", "CONNECT is not allowed here"});
}

void Http2FieldReader::CheckTarget() {
  const std::string_view path = headers.Get(Header::kPath);
  if (scheme_.data() == nullptr || path.empty()) {
    Malformed(kHttp2Messaging, "no :scheme or no :path");
    return;
  }
  const bool asterisk = path == "*" && headers.Get(Header::kMethod) == "OPTIONS";
  if (path.front() != '/' && !asterisk)
    Malformed(kHttp2Messaging, "a :path that does not begin with a slash");
}

// RFC 9113 section 8.2.3.
void Http2FieldReader::JoinCookies() {
  constexpr std::string_view kBetween = "; ";
  size_t size = (cookies_ - 1) * kBetween.size();
  for (const HeaderMap::Field& field : headers) {
    if (field.known == Header::kCookie) size += field.value.size();
  }
  char* const joined = headers.Allocate(size);
  char* at = joined;
  for (const HeaderMap::Field& field : headers) {
    if (field.known != Header::kCookie) continue;
    if (at != joined) at = CopyShort(at, kBetween);
    std::memcpy(at, field.value.data(), field.value.size());
    at += field.value.size();
  }
  headers.Remove(Header::kCookie);
  headers.AddView(Header::kCookie, {joined, static_cast<size_t>(at - joined)});
}

void Http2FieldReader::Store(Header known, std::string_view name, std::string_view value) {
  const size_t named = known == Header::kUnknown ? name.size() : 0;
  char* copy = headers.Allocate(named + value.size());
  CopyShort(copy, name.substr(0, named));
  CopyShort(copy + named, value);
  const std::string_view kept = known == Header::kUnknown ? std::string_view(copy, named) : HeaderName(known);
  headers.AddView(known, kept, {copy + named, value.size()});
}

}  // namespace narthex
