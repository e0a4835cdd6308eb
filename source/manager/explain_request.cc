#include "source/manager/explain_request.h"

#include <algorithm>
#include <charconv>

#include "source/base/ascii.h"
#include "source/http/http1_head_rules.h"

namespace narthex {
namespace {

absl::Status NoUrl(std::string_view url, std::string_view expected) {
  std::string message = "\"";
  message.append(url).append("\" is no URL: expected ").append(expected);
  return absl::InvalidArgumentError(message);
}

// The port in `authority`, or the scheme's; none when it is no port. An address in brackets has colons too.
std::optional<uint16_t> PortOf(std::string_view authority, bool secure) {
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) {
    return secure ? 443 : 80;
  }
  uint16_t port = 0;
  const char* const end = authority.data() + authority.size();
  const auto [at, error] = std::from_chars(authority.data() + colon + 1, end, port);
  if (error != std::errc() || at != end) return std::nullopt;
  return port;
}

// The host for a question that names none: that of a client which has nothing but the listener's address.
std::string ListenerHost(const ExchangeQuestion& question) {
  return question.local.is_ip() ? question.local.ToString() : "localhost";
}

void MakeHead(const ExchangeQuestion& question, UnsentHead& unsent) {
  std::string fields;
  bool has_host = false;
  for (const auto& [name, value] : question.headers) {
    has_host = has_host || EqualsLower(name, "host");
    fields.append(name).append(": ").append(value).append("\r\n");
  }
  unsent.host_added = !has_host && question.url.authority.empty();
  unsent.bytes = question.method + " " + question.url.target + " HTTP/1.1\r\n";
  // A host that is given beside the URL takes the place of the URL's, as with curl.
  if (!has_host) {
    const std::string host = unsent.host_added ? ListenerHost(question) : question.url.authority;
    unsent.bytes.append("host: ").append(host).append("\r\n");
  }
  unsent.bytes.append(fields).append("\r\n");
}

}  // namespace

absl::StatusOr<ExplainUrl> ExplainUrl::Parse(std::string_view url) {
  ExplainUrl parts;
  if (url.starts_with('/') || url == "*") {
    parts.target = url;
    return parts;
  }
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return NoUrl(url, "http://host/path, https://host/path or /path");
  const std::string name = ToLowerAscii(url.substr(0, scheme));
  if (name != "http" && name != "https") return NoUrl(url, "the scheme http or https");
  parts.secure = name == "https";
  std::string_view rest = url.substr(scheme + 3);
  const size_t fragment = std::min(rest.find('#'), rest.size());
  parts.fragment = rest.substr(fragment);
  rest = rest.substr(0, fragment);
  const size_t path = std::min(rest.find_first_of("/?"), rest.size());
  if (path == 0) return NoUrl(url, "a host after ://");
  parts.authority = rest.substr(0, path);
  parts.port = PortOf(parts.authority, parts.secure);
  if (path == rest.size()) return parts;
  parts.target = rest[path] == '?' ? "/" : "";
  parts.target.append(rest.substr(path));
  return parts;
}

ExplainUrl ExplainUrl::OfConnect(std::string_view target) {
  ExplainUrl parts;
  parts.authority = parts.target = target;
  return parts;
}

void ReadUnsentHead(const ServerCodecOptions& options, const ExchangeQuestion& question, UnsentHead& unsent) {
  MakeHead(question, unsent);
  Http1RequestParser parser(HeadLimits(options));
  switch (parser.Parse(unsent.bytes, unsent.head)) {
    case Http1ParseResult::kDone:
      unsent.refused = RefuseHead(options, unsent.head);
      return;
    case Http1ParseResult::kError:
      unsent.refused = parser.error();
      return;
    case Http1ParseResult::kNeedMore:  // a head that has its empty line needs no more
      unsent.refused = Http1ParseError{400, "http1.invalid_request_line"};
      return;
  }
}

}  // namespace narthex
