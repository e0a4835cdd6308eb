#include "source/http/http1_head_rules.h"

namespace narthex {
namespace {

// HTTP/1.0 is served where the configuration says so, with a host of its choice when the request names none.
bool ServesHttp10(const ServerCodecOptions& options, RequestHead& head) {
  if (!options.accept_http_10) return false;
  if (head.headers.Has(Header::kAuthority)) return true;
  if (options.default_host_for_http_10.empty()) return false;
  head.headers.Add(Header::kAuthority, options.default_host_for_http_10);
  return true;
}

}  // namespace

Http1Limits HeadLimits(const ServerCodecOptions& options) {
  Http1Limits limits;
  limits.max_head_bytes = size_t{options.max_header_kb} * 1024;
  limits.max_headers = options.max_headers;
  return limits;
}

std::optional<Http1ParseError> RefuseHead(const ServerCodecOptions& options, RequestHead& head) {
  if (head.http_10 && !ServesHttp10(options, head)) return Http1ParseError{426, "low_version"};
  if (head.absolute_form && !options.allow_absolute_url) {
    return Http1ParseError{404, "absolute_path_rejected"};
  }
  return std::nullopt;
}

}  // namespace narthex
