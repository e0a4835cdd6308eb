#include "source/http/http1_parser.h"

#include <cstring>
#include <string_view>
#include <utility>

#include "source/http/http1_fields.h"
#include "source/http/reason_phrase.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

// The start line without its CRLF; null data when the line does not end in CRLF.
std::string_view StartLine(std::string_view head) {
  const size_t lf = head.find('\n');
  if (lf == std::string_view::npos || lf == 0 || head[lf - 1] != '\r') return {};
  return head.substr(0, lf - 1);
}

std::span<char> FieldLines(std::span<char> head, size_t start_line) {
  return head.subspan(start_line + 2, head.size() - start_line - 4);
}

struct Target {
  std::string_view scheme;
  std::string_view authority;  // takes the place of Host; empty when the form has none
  std::string_view path;       // empty for CONNECT alone
  bool absolute = false;
};

bool HasPrefixIgnoreCase(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] | 0x20) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Splits a request target by its form (RFC 9112 section 3.2); false when it has none of them.
bool SplitTarget(std::string_view method, std::string_view target, Target& out) {
  if (target.empty() || !AllOf(target, kTarget)) return false;
  if (method == "CONNECT") {
    out.authority = target;
    return IsAuthorityForm(target);
  }
  if (target[0] == '/') {
    out.path = target;
    return true;
  }
  if (target == "*") {
    out.path = target;
    return method == "OPTIONS";
  }
  for (const std::string_view scheme : {std::string_view("http"), std::string_view("https")}) {
    if (!HasPrefixIgnoreCase(target, scheme) || target.substr(scheme.size(), 3) != "://") continue;
    const std::string_view rest = target.substr(scheme.size() + 3);
    const size_t path = rest.find_first_of("/?");
    out.absolute = true;
    out.scheme = scheme;
    out.authority = rest.substr(0, path);
    out.path = path == std::string_view::npos ? "/" : rest.substr(path);
    return !out.authority.empty() && out.authority.find('@') == std::string_view::npos &&
           IsValidHost(out.authority);
  }
  return false;
}

// The path of an absolute form may be empty before its query, that of an origin form may not (RFC 9112
// section 3.2.1).
std::string_view OriginForm(std::string_view path, HeaderMap& headers) {
  if (path[0] != '?') return path;
  char* rooted = headers.Allocate(path.size() + 1);
  rooted[0] = '/';
  std::memcpy(rooted + 1, path.data(), path.size());
  return {rooted, path.size() + 1};
}

struct RequestLine {
  std::string_view method, target;
  bool http_10 = false;
};

// method SP request-target SP HTTP-version, with nothing to spare (RFC 9112 section 3).
std::optional<FieldError> ParseRequestLine(std::string_view line, RequestLine& out) {
  const size_t first = line.find(' ');
  if (first == std::string_view::npos || first == 0) return FieldError{400, "http1.invalid_request_line"};
  const size_t last = line.find(' ', first + 1);
  if (last == std::string_view::npos) return FieldError{400, "http1.invalid_request_line"};
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!AllOf(out.method, kToken)) return FieldError{400, "http1.invalid_method"};
  if (version == "HTTP/1.1") return std::nullopt;
  if (version == "HTTP/1.0") {
    out.http_10 = true;
    return std::nullopt;
  }
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
                           version[5] >= '0' && version[5] <= '9' && version[7] >= '0' && version[7] <= '9';
  return well_formed ? FieldError{505, "http1.unsupported_version"}
                     : FieldError{400, "http1.invalid_version"};
}

// Whether the message is about a change of protocol; then that is kept in the fields.
bool KeepUpgrade(const FieldFacts& facts, HeaderMap& headers) {
  if (!facts.connection_upgrade || facts.upgrade.empty()) return false;
  headers.AddView(Header::kConnection, HeaderName(Header::kConnection), "upgrade");
  headers.AddView(Header::kUpgrade, HeaderName(Header::kUpgrade), facts.upgrade);
  return true;
}

// Whether the head of a CONNECT is one: its content has no meaning (RFC 9110 section 9.3.6), and what can't
// be read by everybody in the same way is refused. HTTP/1.0 knows no CONNECT.
std::optional<FieldError> CheckConnect(const FieldFacts& facts, RequestHead& head) {
  if (head.http_10) return FieldError{400, "http1.connect_in_http_10"};
  if (facts.has_transfer_encoding || facts.content_length.value_or(0) > 0) {
    return FieldError{400, "http1.connect_with_body"};
  }
  head.headers.Remove(Header::kContentLength);
  head.framing = {};
  head.expect_continue = false;
  head.tunnel = true;
  return std::nullopt;
}

// Rules of RFC 9112 section 6.3 for a request.
std::optional<FieldError> RequestFraming(const FieldFacts& facts, RequestHead& head) {
  if (facts.has_transfer_encoding) {
    if (facts.content_length) return FieldError{400, "http1.content_length_with_transfer_encoding"};
    if (head.http_10) return FieldError{400, "http1.transfer_encoding_in_http_10"};
    head.framing.kind = Framing::Kind::kChunked;
  } else if (facts.content_length) {
    head.framing = {Framing::Kind::kLength, *facts.content_length};
  }
  if (facts.expect && !facts.expect_continue) return FieldError{417, "http1.unknown_expectation"};
  head.expect_continue = facts.expect_continue && !head.http_10;
  head.keep_alive = !facts.connection_close && (!head.http_10 || facts.connection_keep_alive);
  if (IsConnect(head.headers)) return CheckConnect(facts, head);
  // One with a body of its own is answered as any other request; that there is none may be said.
  const bool bodiless = !facts.has_transfer_encoding && facts.content_length.value_or(0) == 0;
  // An answer to HEAD has no content, and so no place for a tunnel's bytes either (RFC 9110 section 9.3.2).
  const bool has_answer = head.headers.Get(Header::kMethod) != "HEAD";
  head.tunnel = !head.http_10 && bodiless && has_answer && KeepUpgrade(facts, head.headers);
  if (head.tunnel) head.framing = {};
  return std::nullopt;
}

std::optional<FieldError> RequestAuthority(const FieldFacts& facts, const Target& target, RequestHead& head) {
  if (facts.hosts > 1) return FieldError{400, "http1.host_repeated"};
  if (facts.hosts == 0 && !head.http_10) return FieldError{400, "http1.host_missing"};
  if (facts.hosts == 1 && !IsValidHost(facts.host)) return FieldError{400, "http1.host_invalid"};
  if (facts.host.empty() && facts.hosts == 1 && target.authority.empty()) {
    return FieldError{400, "http1.host_empty"};
  }
  // The target's authority replaces Host (RFC 9112 section 3.2.2).
  const std::string_view authority = target.authority.empty() ? facts.host : target.authority;
  if (authority.data() != nullptr) {
    head.headers.AddView(Header::kAuthority, HeaderName(Header::kAuthority), authority);
  }
  return std::nullopt;
}

}  // namespace

Http1ParseResult Http1RequestParser::Refuse(int status, const char* detail) {
  error_ = {status, detail};
  return Http1ParseResult::kError;
}

Http1ParseResult Http1RequestParser::RefuseSize(std::string_view message) {
  // Which part of the head is too much?
  const bool in_request_line = message.substr(0, limits_.max_head_bytes).find('\n') == std::string_view::npos;
  return in_request_line ? Refuse(414, "http1.target_too_long") : Refuse(431, "http1.headers_too_large");
}

Http1ParseResult Http1RequestParser::Parse(std::span<char> bytes, RequestHead& head) {
  // One empty line before a request is forgiven (RFC 9112 section 2.2).
  const size_t skip = bytes.size() >= 2 && bytes[0] == '\r' && bytes[1] == '\n' ? 2 : 0;
  std::span<char> message = bytes.subspan(skip);
  const size_t size = FindEndOfHead(message, scanned_);
  if (size == 0) {
    scanned_ = message.size();
    if (message.size() > limits_.max_head_bytes) return RefuseSize({message.data(), message.size()});
    // What can't become a request is refused before it has come whole.
    if (!message.empty() && message[0] != '\r' && !IsClass(message[0], kToken)) {
      return Refuse(400, "http1.invalid_request_line");
    }
    return Http1ParseResult::kNeedMore;
  }
  if (size > limits_.max_head_bytes) return RefuseSize({message.data(), size});
  const std::string_view line = StartLine({message.data(), size});
  if (line.data() == nullptr || size < line.size() + 4) return Refuse(400, "http1.invalid_request_line");
  RequestLine request;
  if (auto error = ParseRequestLine(line, request)) return Refuse(error->status, error->detail);
  head.http_10 = request.http_10;
  Target target;
  if (!SplitTarget(request.method, request.target, target)) return Refuse(400, "http1.invalid_target");
  head.absolute_form = target.absolute;
  head.headers.AddView(Header::kMethod, HeaderName(Header::kMethod), request.method);
  if (!target.path.empty()) {
    head.headers.AddView(Header::kPath, HeaderName(Header::kPath), OriginForm(target.path, head.headers));
  }
  FieldFacts facts;
  if (auto error = ParseFields(FieldLines(message.first(size), line.size()), limits_.max_headers,
                               head.headers, facts)) {
    return Refuse(error->status, error->detail);
  }
  if (auto error = RequestAuthority(facts, target, head)) return Refuse(error->status, error->detail);
  if (auto error = RequestFraming(facts, head)) return Refuse(error->status, error->detail);
  head.size = size + skip;
  return Http1ParseResult::kDone;
}

Http1ParseResult Http1ResponseParser::Refuse(const char* detail) {
  error_ = {502, detail};
  return Http1ParseResult::kError;
}

Http1ParseResult Http1ResponseParser::Parse(std::span<char> bytes, ResponseHead& head) {
  const size_t size = FindEndOfHead(bytes, scanned_);
  if (size == 0) {
    scanned_ = bytes.size();
    if (bytes.size() > limits_.max_head_bytes) return Refuse("http1.headers_too_large");
    return Http1ParseResult::kNeedMore;
  }
  if (size > limits_.max_head_bytes) return Refuse("http1.headers_too_large");
  const std::string_view line = StartLine({bytes.data(), size});
  // HTTP/1.x SP 3DIGIT [SP reason]
  if (line.size() < 12 || size < line.size() + 4 || !line.starts_with("HTTP/1.") || line[8] != ' ' ||
      (line[7] != '0' && line[7] != '1') || (line.size() > 12 && line[12] != ' ') ||
      !AllOf(line.substr(12), kFieldText)) {
    return Refuse("http1.invalid_status_line");
  }
  const std::string_view digits = line.substr(9, 3);
  head.status = ParseStatus(digits);
  if (head.status < 100 || head.status > 599) return Refuse("http1.invalid_status");
  head.headers.AddView(Header::kStatus, HeaderName(Header::kStatus), digits);
  FieldFacts facts;
  if (auto error =
          ParseFields(FieldLines(bytes.first(size), line.size()), limits_.max_headers, head.headers, facts)) {
    return Refuse(error->detail);
  }
  const bool http_10 = line[7] == '0';
  if (facts.has_transfer_encoding && (facts.content_length || http_10))
    return Refuse("http1.ambiguous_length");
  head.upgrade = head.status == kSwitchingProtocols && KeepUpgrade(facts, head.headers);
  // RFC 9110 section 8.6, RFC 9112 section 6.1: what follows is not of HTTP, whose length would this be?
  if (head.upgrade && (facts.content_length || facts.has_transfer_encoding))
    return Refuse("http1.switch_with_length");
  if (to_head_ || head.status < 200 || head.status == 204 || head.status == 304) {
    head.framing.kind = Framing::Kind::kNone;
  } else if (facts.chunked) {
    head.framing.kind = Framing::Kind::kChunked;
  } else if (facts.content_length) {
    head.framing = {Framing::Kind::kLength, *facts.content_length};
  } else {
    head.framing.kind = Framing::Kind::kUntilClose;
  }
  head.keep_alive = !facts.connection_close && (!http_10 || facts.connection_keep_alive) &&
                    head.framing.kind != Framing::Kind::kUntilClose;
  head.size = size;
  return Http1ParseResult::kDone;
}

}  // namespace narthex
