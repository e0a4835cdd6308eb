#include "source/http/http2/http2_field_writer.h"

#include <array>
#include <charconv>
#include <string_view>

#include "source/base/ascii.h"
#include "source/http/byte_scan.h"
#include "source/http/codec_fields.h"
#include "source/http/http1_fields.h"
#include "source/http/tunnel.h"
#include "source/http/websocket_handshake.h"

namespace narthex {
namespace {

bool IsSafe(const HeaderMap::Field& field) {
  if (field.checked) return true;
  if (HasLineEnd(field.value)) return false;
  // Known names are constants of ours.
  return field.known != Header::kUnknown || (!field.name.empty() && AllOf(field.name, kToken));
}

uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
}

// nghttp2 copies what it is not told to leave: a stream, and its fields, may go while they wait to be sent.
void Put(Header known, std::string_view value, Http2Fields& out) {
  const std::string_view name = HeaderName(known);
  out.push_back({Bytes(name), Bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME});
}

void Put(const HeaderMap::Field& field, Http2Fields& out) {
  if (field.known != Header::kUnknown) return Put(field.known, field.value, out);
  out.push_back(
      {Bytes(field.name), Bytes(field.value), field.name.size(), field.value.size(), NGHTTP2_NV_FLAG_NONE});
}

void PutPseudo(const HeaderMap& headers, Header known, Http2Fields& out) {
  const std::string_view value = headers.Get(known);
  if (value.data() != nullptr) Put(known, value, out);
}

// `without`: the name of a field that stays out, in lower case; empty for none.
bool PutFields(const HeaderMap& headers, Http2Fields& out, std::string_view without = {}) {
  for (const HeaderMap::Field& field : headers) {
    if (!without.empty() && EqualsLower(field.name, without)) continue;
    if (!IsSafe(field)) return false;
    // RFC 9113 section 8.2.2.
    if (!IsCodecsOwn(field.known)) Put(field, out);
  }
  return true;
}

// The digits live as long as the thread's next call, and nghttp2 copies them before.
void PutLength(uint64_t length, Http2Fields& out) {
  static thread_local std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), length);
  Put(Header::kContentLength, {digits.data(), static_cast<size_t>(end.ptr - digits.data())}, out);
}

}  // namespace

bool WriteHttp2Request(const HeaderMap& headers, std::optional<uint64_t> length, Http2Fields& out) {
  out.clear();
  const std::string_view method = headers.Get(Header::kMethod);
  const std::string_view path = headers.Get(Header::kPath);
  const bool connect = IsConnect(headers);
  // RFC 9113 section 8.5.
  if (connect && !IsAuthorityForm(headers.Get(Header::kAuthority))) return false;
  if (method.empty() || !AllOf(method, kToken) || (path.empty() && !connect) || HasSpaceOrControl(path))
    return false;
  if (!IsValidHost(headers.Get(Header::kAuthority))) return false;
  const std::string_view protocol = connect ? std::string_view() : headers.Get(Header::kUpgrade);
  if (protocol.empty()) {
    Put(Header::kMethod, method, out);
  } else {
    // RFC 8441 section 4.
    Put(Header::kMethod, "CONNECT", out);
    Put(Header::kProtocol, protocol, out);
  }
  if (!connect) {
    const std::string_view scheme = headers.Get(Header::kScheme);
    Put(Header::kScheme, scheme.empty() ? "http" : scheme, out);
    Put(Header::kPath, path, out);
  }
  PutPseudo(headers, Header::kAuthority, out);
  // The answer to an extended CONNECT proves nothing of the key, which is HTTP/1's (RFC 8441 section 5.1).
  if (!PutFields(headers, out, protocol.empty() ? std::string_view() : kWebSocketKey)) return false;
  if (length) PutLength(*length, out);
  return true;
}

bool WriteHttp2Response(const HeaderMap& headers, int status, Http2ResponseFraming framing,
                        Http2Fields& out) {
  out.clear();
  PutPseudo(headers, Header::kStatus, out);
  if (!PutFields(headers, out)) return false;
  if (!framing.no_body) {
    if (framing.length) PutLength(*framing.length, out);
    return true;
  }
  if (status == 204) return true;
  if (headers.Has(Header::kContentLength)) {
    PutPseudo(headers, Header::kContentLength, out);
  } else if (status != 304 && framing.length.value_or(0) > 0) {
    PutLength(*framing.length, out);
  }
  return true;
}

bool WriteHttp2Interim(const HeaderMap& headers, Http2Fields& out) {
  out.clear();
  PutPseudo(headers, Header::kStatus, out);
  return PutFields(headers, out);
}

bool WriteHttp2Trailers(const HeaderMap& trailers, Http2Fields& out) {
  out.clear();
  return PutFields(trailers, out);
}

}  // namespace narthex
