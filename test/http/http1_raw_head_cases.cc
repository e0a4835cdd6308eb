#include "test/http/http1_raw_cases.h"

namespace narthex {
namespace {

using namespace std::string_literals;

RawRequest Refused(std::string name, std::string bytes, int status = 400) {
  return {.name = std::move(name), .bytes = std::move(bytes), .status = status};
}

// The rest of a head that is good but for its request line.
RawRequest BadLine(std::string name, std::string line, int status = 400) {
  return Refused(std::move(name), line + "\r\nHost: h\r\n\r\n", status);
}

// A head that is good but for one line among its fields.
RawRequest BadField(std::string name, std::string line, int status = 400) {
  return Refused(std::move(name), "GET / HTTP/1.1\r\nHost: h\r\n" + line + "\r\nX-Last: z\r\n\r\n", status);
}

RawRequest BadHost(std::string name, std::string host) {
  return Refused(std::move(name), "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
}

RawRequest Incomplete(std::string name, std::string bytes) {
  return {.name = std::move(name), .bytes = std::move(bytes), .verdict = RawVerdict::kIncomplete};
}

RawRequest Line(std::string name, std::string method, std::string target, std::string authority,
                std::string path) {
  RawRequest request{.name = std::move(name),
                     .bytes = method + " " + target + " HTTP/1.1\r\nHost: h\r\n\r\n",
                     .verdict = RawVerdict::kAccepted};
  request.method = std::move(method);
  request.authority = std::move(authority);
  request.path = std::move(path);
  return request;
}

RawRequest GoodHost(std::string name, std::string host) {
  RawRequest request = Line(std::move(name), "GET", "/", host, "/");
  request.bytes = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  return request;
}

RawRequest Field(std::string name, std::string line, std::string fields) {
  RawRequest request = Line(std::move(name), "GET", "/", "h", "/");
  request.bytes = "GET / HTTP/1.1\r\nHost: h\r\n" + line + "\r\n\r\n";
  request.fields = std::move(fields);
  return request;
}

void Add(std::vector<RawRequest>& cases, std::vector<RawRequest> more) {
  for (RawRequest& request : more) cases.push_back(std::move(request));
}

std::vector<RawRequest> RequestLines() {
  return {
      Line("origin-form", "GET", "/a/b?c=d&e", "h", "/a/b?c=d&e"),
      Line("method-of-any-token", "M-SEARCH", "/", "h", "/"),
      Line("method-is-case-sensitive", "get", "/", "h", "/"),
      Line("percent-encoded", "GET", "/%41%2f?%20", "h", "/%41%2f?%20"),
      Line("asterisk-form", "OPTIONS", "*", "h", "*"),
      Line("absolute-form-wins-over-host", "GET", "http://other:81/x?y", "other:81", "/x?y"),
      Line("absolute-form-scheme-in-upper-case", "GET", "HTTP://other/x", "other", "/x"),
      Line("absolute-form-without-path", "GET", "http://other", "other", "/"),
      Line("absolute-form-with-query-only", "GET", "http://other?x=/", "other", "/?x=/"),
      Line("bytes-that-no-uri-has", "GET", "/\"<>\\^`{|}?\"|", "h", "/\"<>\\^`{|}?\"|"),
      BadLine("asterisk-form-of-get", "GET * HTTP/1.1"),
      BadLine("absolute-form-unknown-scheme", "GET ftp://h/ HTTP/1.1"),
      BadLine("absolute-form-without-authority", "GET http:///x HTTP/1.1"),
      BadLine("absolute-form-with-userinfo", "GET http://u:p@h/ HTTP/1.1"),
      BadLine("absolute-form-bad-port", "GET http://h:8a/ HTTP/1.1"),
      BadLine("absolute-form-bad-authority", "GET http://a[b/ HTTP/1.1"),
      BadLine("authority-form", "GET h:80 HTTP/1.1"),
      BadLine("relative-target", "GET a/b HTTP/1.1"),
      BadLine("target-with-fragment", "GET /a#b HTTP/1.1"),
      BadLine("target-with-control", "GET /a\001b HTTP/1.1"),
      BadLine("target-with-nul", "GET /a\0b HTTP/1.1"s),
      BadLine("target-with-tab", "GET /a\tb HTTP/1.1"),
      BadLine("target-with-space", "GET /a b HTTP/1.1"),
      BadLine("target-with-delete", "GET /a\177b HTTP/1.1"),
      BadLine("target-with-byte-above-ascii", "GET /\303\244 HTTP/1.1"),
      BadLine("target-with-bare-cr", "GET /a\rb HTTP/1.1"),
      BadLine("target-missing", "GET HTTP/1.1"),
      BadLine("target-empty", "GET  HTTP/1.1"),
      BadLine("method-missing", " / HTTP/1.1"),
      BadLine("method-with-control", "GE\002T / HTTP/1.1"),
      BadLine("method-with-colon", "GET: / HTTP/1.1"),
      BadLine("method-with-slash", "G/T / HTTP/1.1"),
      BadLine("method-in-brackets", "[GET] / HTTP/1.1"),
      BadLine("leading-space", " GET / HTTP/1.1"),
      BadLine("leading-tab", "\tGET / HTTP/1.1"),
      BadLine("two-spaces-after-method", "GET  / HTTP/1.1"),
      BadLine("two-spaces-after-target", "GET /  HTTP/1.1"),
      BadLine("space-after-version", "GET / HTTP/1.1 "),
      BadLine("tab-for-space", "GET\t/\tHTTP/1.1"),
      BadLine("version-missing", "GET /"),
      BadLine("version-in-lower-case", "GET / http/1.1"),
      BadLine("version-of-another-protocol", "GET / HTTPS/1.1"),
      BadLine("version-without-minor", "GET / HTTP/1"),
      BadLine("version-with-long-minor", "GET / HTTP/1.10"),
      BadLine("version-with-zero-before", "GET / HTTP/01.1"),
      BadLine("version-with-letter", "GET / HTTP/1.x"),
      BadLine("version-2", "GET / HTTP/2.0", 505),
      BadLine("version-1.2", "GET / HTTP/1.2", 505),
      BadLine("version-0.9", "GET / HTTP/0.9", 505),
      Refused("http2-preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
      Refused("request-line-ends-in-lf", "GET / HTTP/1.1\nHost: h\r\n\r\n"),
      Refused("request-line-ends-in-cr", "GET / HTTP/1.1\rHost: h\r\n\r\n"),
      Refused("tls-client-hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s),
      Refused("proxy-protocol-v1-not-asked-for", "PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\n\r\n"),
      Refused("two-empty-lines-before", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
      Refused("lf-before", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
  };
}

std::vector<RawRequest> Hosts() {
  return {
      GoodHost("host-with-port", "example.com:8080"),
      GoodHost("host-with-empty-port", "example.com:"),
      GoodHost("host-ipv4", "10.0.0.1"),
      GoodHost("host-ipv6", "[::1]:80"),
      GoodHost("host-with-underscore", "a_b.example"),
      GoodHost("host-percent-encoded", "a%2db"),
      Refused("host-missing", "GET / HTTP/1.1\r\n\r\n"),
      Refused("host-missing-with-absolute-form", "GET http://h/ HTTP/1.1\r\n\r\n"),
      Refused("host-twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
      Refused("host-twice-the-same", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"),
      Refused("host-bad-with-absolute-form", "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
      BadHost("host-empty", ""),
      BadHost("host-with-space", "a b"),
      BadHost("host-with-slash", "a/b"),
      BadHost("host-with-userinfo", "u@a"),
      BadHost("host-with-query", "a?b"),
      BadHost("host-with-fragment", "a#b"),
      BadHost("host-with-backslash", "a\\b"),
      BadHost("host-only-port", ":80"),
      BadHost("host-two-ports", "a:80:81"),
      BadHost("host-port-not-a-number", "a:x"),
      BadHost("host-port-with-sign", "a:+80"),
      BadHost("host-port-too-large", "a:65536"),
      BadHost("host-ipv6-unclosed", "[::1"),
      BadHost("host-ipv6-with-rest", "[::1]x"),
      BadHost("host-ipv6-malformed", "[:::::1]"),
      BadHost("host-ipv6-without-brackets", "::1"),
      BadHost("host-percent-broken", "a%2"),
      BadHost("host-percent-not-hex", "a%zz"),
      BadHost("host-byte-above-ascii", "\303\244.test"),
      BadHost("host-with-nul", "a\0b"s),
  };
}

std::vector<RawRequest> Fields() {
  return {
      Field("field-name-in-any-case", "X-CamelCase: V", "x-camelcase: V\n"),
      Field("field-value-trimmed", "X:\t  a b \t ", "x: a b\n"),
      Field("field-value-without-space", "X:a", "x: a\n"),
      Field("field-value-empty", "X:", "x: \n"),
      Field("field-value-only-space", "X:   ", "x: \n"),
      Field("field-value-with-colon", "X: a:b", "x: a:b\n"),
      Field("field-value-with-obs-text", "X: \303\244", "x: \303\244\n"),
      Field("field-repeated", "X: a\r\nX: b", "x: a\nx: b\n"),
      Field("field-name-of-any-token", "!#$%&'*+-.^_`|~09aZ: 1", "!#$%&'*+-.^_`|~09az: 1\n"),
      Field("expect-continue", "Expect: 100-Continue", ""),
      BadField("space-before-colon", "X : a"),
      BadField("tab-before-colon", "X\t: a"),
      BadField("space-before-colon-of-content-length", "Content-Length : 0"),
      BadField("space-before-colon-of-transfer-encoding", "Transfer-Encoding : chunked"),
      BadField("field-without-colon", "Xa"),
      BadField("field-name-empty", ": a"),
      BadField("field-name-pseudo", ":path: /admin"),
      BadField("field-name-with-space", "X Y: a"),
      BadField("field-name-with-control", "X\001: a"),
      BadField("field-name-with-nul", "X\0: a"s),
      BadField("field-name-above-ascii", "X\344: a"),
      BadField("field-name-with-slash", "X/Y: a"),
      BadField("field-name-with-quote", "\"X\": a"),
      BadField("field-name-with-cr", "X\r: a"),
      BadField("obs-fold-with-space", "X: a\r\n b"),
      BadField("obs-fold-with-tab", "X: a\r\n\tb"),
      BadField("obs-fold-hides-transfer-encoding", "Transfer-Encoding:\r\n chunked"),
      BadField("field-value-with-nul", "X: a\0b"s),
      BadField("field-value-with-control", "X: a\001b"),
      BadField("field-value-with-escape", "X: a\033b"),
      BadField("field-value-with-delete", "X: a\177b"),
      BadField("field-value-with-bare-cr", "X: a\rb"),
      BadField("field-value-with-bare-lf", "X: a\nb: c"),
      BadField("field-value-ends-in-two-cr", "X: a\r"),
      BadField("expect-unknown", "Expect: 200-ok", 417),
      BadField("expect-unknown-then-known", "Expect: x\r\nExpect: 100-continue", 417),
      Refused("first-field-folded", "GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
      Refused("field-ends-in-lf", "GET / HTTP/1.1\r\nHost: h\nX: a\r\n\r\n"),
      Refused("head-ends-in-lf-lf", "GET / HTTP/1.1\r\nHost: h\n\n"),
      Refused("head-ends-in-crlf-lf", "GET / HTTP/1.1\r\nHost: h\r\n\n"),
      Refused("head-ends-in-lf-crlf", "GET / HTTP/1.1\r\nHost: h\n\r\n"),
      Refused("head-ends-in-cr-cr-lf", "GET / HTTP/1.1\r\nHost: h\r\n\r\r\n\r\n"),
  };
}

std::vector<RawRequest> Limits() {
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 100; ++i) many += "X: a\r\n";
  RawRequest just_enough = Line("field-count-at-limit", "GET", "/", "h", "/");
  just_enough.bytes = many.substr(0, many.size() - 6) + "\r\n";
  for (int i = 0; i < 99; ++i) just_enough.fields += "x: a\n";
  return {
      Refused("field-count-beyond-limit", many + "\r\n", 431),
      std::move(just_enough),
      Refused("field-larger-than-limit",
              "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(70'000, 'a') + "\r\n\r\n", 431),
      Refused("field-that-never-ends", "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(70'000, 'a'), 431),
      Refused("target-that-never-ends", "GET /" + std::string(70'000, 'a'), 414),
      Refused("target-larger-than-limit", "GET /" + std::string(70'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n",
              414),
      Incomplete("nothing", ""),
      Incomplete("half-a-method", "GE"),
      Incomplete("half-a-request-line", "GET / HTTP/1."),
      Incomplete("half-a-field", "GET / HTTP/1.1\r\nHost: h"),
      Incomplete("half-an-end", "GET / HTTP/1.1\r\nHost: h\r\n\r"),
      Incomplete("only-an-empty-line", "\r\n"),
  };
}

}  // namespace

std::vector<RawRequest> RawHeadCases() {
  std::vector<RawRequest> cases = RequestLines();
  Add(cases, Hosts());
  Add(cases, Fields());
  Add(cases, Limits());
  RawRequest empty_line = Line("one-empty-line-before", "GET", "/", "h", "/");
  empty_line.bytes = "\r\n" + empty_line.bytes;
  cases.push_back(std::move(empty_line));
  RawRequest old = Line("version-1.0", "GET", "/", "h", "/");
  old.bytes = "GET / HTTP/1.0\r\nHost: h\r\n\r\n";
  cases.push_back(std::move(old));
  return cases;
}

}  // namespace narthex
