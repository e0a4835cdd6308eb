#include "test/http/http1_raw_cases.h"

namespace narthex {
namespace {

using namespace std::string_literals;

constexpr char kPost[] = "POST / HTTP/1.1\r\nHost: h\r\n";

// A POST whose framing fields are refused with its head.
RawRequest BadFraming(std::string name, std::string lines, int status = 400) {
  return {.name = std::move(name), .bytes = kPost + lines + "\r\n\r\n0\r\n\r\n", .status = status};
}

// A chunked POST whose body can't be read.
RawRequest BadChunks(std::string name, std::string body) {
  RawRequest request{.name = std::move(name), .bytes = kPost + "Transfer-Encoding: chunked\r\n\r\n"s + body};
  request.bad_body = true;
  return request;
}

RawRequest Accepted(std::string name, std::string bytes) {
  RawRequest request{.name = std::move(name), .bytes = std::move(bytes), .verdict = RawVerdict::kAccepted};
  request.method = "POST";
  request.authority = "h";
  request.path = "/";
  return request;
}

RawRequest Chunks(std::string name, std::string chunks, std::string body, std::string trailers = "") {
  RawRequest request = Accepted(std::move(name), kPost + "Transfer-Encoding: chunked\r\n\r\n"s + chunks);
  request.body = std::move(body);
  request.trailers = std::move(trailers);
  return request;
}

RawRequest Hop(std::string name, std::string lines, std::string fields) {
  RawRequest request = Accepted(std::move(name), kPost + lines + "\r\n\r\n");
  request.fields = std::move(fields);
  return request;
}

RawRequest Incomplete(std::string name, std::string lines_and_body) {
  return {.name = std::move(name), .bytes = kPost + lines_and_body, .verdict = RawVerdict::kIncomplete};
}

void Add(std::vector<RawRequest>& cases, std::vector<RawRequest> more) {
  for (RawRequest& request : more) cases.push_back(std::move(request));
}

std::vector<RawRequest> Framings() {
  RawRequest length = Accepted("content-length", kPost + "Content-Length: 3\r\n\r\nabc"s);
  length.fields = "content-length: 3\n";
  length.body = "abc";
  RawRequest zeros = Accepted("content-length-with-zeros-before", kPost + "Content-Length: 003\r\n\r\nabc"s);
  zeros.fields = "content-length: 003\n";
  zeros.body = "abc";
  return {
      std::move(length),
      std::move(zeros),
      Hop("content-length-zero", "Content-Length: 0", "content-length: 0\n"),
      Hop("no-framing", "X: a", "x: a\n"),
      BadFraming("content-length-and-transfer-encoding", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
      BadFraming("transfer-encoding-and-content-length", "Transfer-Encoding: chunked\r\nContent-Length: 5"),
      BadFraming("content-length-zero-and-transfer-encoding",
                 "Content-Length: 0\r\nTransfer-Encoding: chunked"),
      BadFraming("content-length-twice", "Content-Length: 5\r\nContent-Length: 6"),
      BadFraming("content-length-twice-the-same", "Content-Length: 5\r\nContent-Length: 5"),
      BadFraming("content-length-list", "Content-Length: 5, 5"),
      BadFraming("content-length-empty", "Content-Length:"),
      BadFraming("content-length-negative", "Content-Length: -1"),
      BadFraming("content-length-with-plus", "Content-Length: +5"),
      BadFraming("content-length-hexadecimal", "Content-Length: 0x5"),
      BadFraming("content-length-fraction", "Content-Length: 5.0"),
      BadFraming("content-length-exponent", "Content-Length: 1e1"),
      BadFraming("content-length-with-space-inside", "Content-Length: 5 5"),
      BadFraming("content-length-with-underscore", "Content-Length: 1_0"),
      BadFraming("content-length-in-quotes", "Content-Length: \"5\""),
      BadFraming("content-length-with-letter", "Content-Length: 5a"),
      BadFraming("content-length-beyond-64-bits", "Content-Length: 18446744073709551617"),
      BadFraming("content-length-beyond-any", "Content-Length: " + std::string(400, '9')),
      BadFraming("transfer-encoding-twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
      BadFraming("transfer-encoding-chunked-chunked", "Transfer-Encoding: chunked, chunked"),
      BadFraming("transfer-encoding-not-last", "Transfer-Encoding: chunked, gzip"),
      BadFraming("transfer-encoding-before-chunked", "Transfer-Encoding: gzip, chunked"),
      BadFraming("transfer-encoding-unknown", "Transfer-Encoding: gzip", 501),
      BadFraming("transfer-encoding-identity", "Transfer-Encoding: identity", 501),
      BadFraming("transfer-encoding-misspelt", "Transfer-Encoding: xchunked", 501),
      BadFraming("transfer-encoding-in-quotes", "Transfer-Encoding: \"chunked\"", 501),
      BadFraming("transfer-encoding-with-parameter", "Transfer-Encoding: chunked;q=1", 501),
      BadFraming("transfer-encoding-with-control", "Transfer-Encoding: \013chunked"),
      BadFraming("transfer-encoding-empty", "Transfer-Encoding:"),
      BadFraming("transfer-encoding-empty-member", "Transfer-Encoding: , chunked"),
      BadFraming("transfer-encoding-comma-after", "Transfer-Encoding: chunked,"),
      BadFraming("transfer-encoding-unknown-and-known", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x"),
      {.name = "transfer-encoding-in-1.0",
       .bytes = "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      Incomplete("body-shorter-than-length", "Content-Length: 3\r\n\r\nab"),
      Incomplete("chunk-shorter-than-size", "Transfer-Encoding: chunked\r\n\r\n3\r\nab"),
      Incomplete("last-chunk-missing", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
      Incomplete("trailers-unfinished", "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n"),
      Incomplete("empty-line-after-last-chunk-missing", "Transfer-Encoding: chunked\r\n\r\n0\r\n"),
  };
}

std::vector<RawRequest> ChunkedBodies() {
  return {
      Chunks("chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"),
      Chunks("no-chunk-but-the-last", "0\r\n\r\n", ""),
      Chunks("chunk-size-in-upper-case", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
      Chunks("chunk-size-with-zeros-before", "0003\r\nabc\r\n000\r\n\r\n", "abc"),
      Chunks("chunk-that-looks-like-framing", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
      Chunks("extension-name", "3;a\r\nabc\r\n0;b\r\n\r\n", "abc"),
      Chunks("extension-value", "3;a=b;c=d\r\nabc\r\n0\r\n\r\n", "abc"),
      Chunks("extension-quoted", "3;a=\"b;\\\"c\"\r\nabc\r\n0\r\n\r\n", "abc"),
      Chunks("extension-bad-whitespace", "3 ; a = b\r\nabc\r\n0\r\n\r\n", "abc"),
      Chunks("trailers", "1\r\na\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n", "a", "x-a: b\nx-c: d\n"),
      Chunks("trailer-that-names-a-body-format", "0\r\nContent-Type: x\r\nX: a\r\n\r\n", "", "x: a\n"),
      Chunks("trailer-that-authenticates", "0\r\nAuthorization: x\r\nCookie: y\r\nX: a\r\n\r\n", "",
             "x: a\n"),
      Chunks("trailer-that-is-hop-by-hop", "0\r\nConnection: x\r\nX: a\r\nUpgrade: h2c\r\n\r\n", ""),
      BadChunks("chunk-size-missing", "\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-not-hexadecimal", "g\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-with-prefix", "0x3\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-negative", "-3\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-with-plus", "+3\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-with-space-before", " 3\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-with-space-after", "3 \r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-with-tab-after", "3\t\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-with-underscore", "0_3\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-beyond-64-bits", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-beyond-any", "fffffffffffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-with-nul", "3\0\r\nabc\r\n0\r\n\r\n"s),
      BadChunks("chunk-size-ends-in-lf", "3\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-ends-in-cr", "3\rabc\r\n0\r\n\r\n"),
      BadChunks("chunk-size-ends-in-two-cr", "3\r\r\nabc\r\n0\r\n\r\n"),
      BadChunks("chunk-longer-than-size", "3\r\nabcd\r\n0\r\n\r\n"),
      BadChunks("chunk-ends-in-lf", "3\r\nabc\n0\r\n\r\n"),
      BadChunks("chunk-ends-in-cr", "3\r\nabc\r0\r\n\r\n"),
      BadChunks("chunk-without-end", "3\r\nabc0\r\n\r\n"),
      BadChunks("empty-line-between-chunks", "3\r\nabc\r\n\r\n0\r\n\r\n"),
      BadChunks("last-chunk-ends-in-lf", "0\n\r\n"),
      BadChunks("body-ends-in-lf", "0\r\n\n"),
      BadChunks("body-ends-in-two-lf", "0\r\n\n\n"),
      BadChunks("body-ends-in-cr", "0\r\n\rX\r\n\r\n"),
      BadChunks("extension-without-name", "3;\r\nabc\r\n0\r\n\r\n"),
      BadChunks("extension-without-value", "3;a=\r\nabc\r\n0\r\n\r\n"),
      BadChunks("extension-without-semicolon", "3 a\r\nabc\r\n0\r\n\r\n"),
      BadChunks("extension-quote-unclosed", "3;a=\"b\r\nabc\r\n0\r\n\r\n"),
      BadChunks("extension-with-lf", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
      BadChunks("extension-with-cr", "3;a\rb\r\nabc\r\n0\r\n\r\n"),
      BadChunks("extension-with-control", "3;a\001\r\nabc\r\n0\r\n\r\n"),
      BadChunks("extension-huge", "3;" + std::string(20'000, 'a') + "\r\nabc\r\n0\r\n\r\n"),
      BadChunks("trailer-content-length", "0\r\nContent-Length: 1\r\n\r\n"),
      BadChunks("trailer-transfer-encoding", "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
      BadChunks("trailer-host", "0\r\nHost: evil\r\n\r\n"),
      BadChunks("trailer-space-before-colon", "0\r\nX : a\r\n\r\n"),
      BadChunks("trailer-without-name", "0\r\n: a\r\n\r\n"),
      BadChunks("trailer-pseudo", "0\r\n:path: /\r\n\r\n"),
      BadChunks("trailer-folded", "0\r\nX: a\r\n b\r\n\r\n"),
      BadChunks("trailer-with-nul", "0\r\nX: a\0\r\n\r\n"s),
      BadChunks("trailer-ends-in-lf", "0\r\nX: a\n\r\n"),
      BadChunks("trailer-with-bare-cr", "0\r\nX: a\rb\r\n\r\n"),
      BadChunks("trailers-huge", "0\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"),
  };
}

// So many connection options, each the name of a field.
std::string Options(int count) {
  std::string list;
  for (int i = 0; i < count; ++i) list += (i == 0 ? "o" : ", o") + std::to_string(i);
  return list;
}

std::vector<RawRequest> HopByHop() {
  const std::string longer(80, 'n');
  return {
      Hop("connection-close", "Connection: close", ""),
      Hop("connection-keep-alive", "Connection: keep-alive\r\nKeep-Alive: timeout=5", ""),
      Hop("connection-names-a-field", "Connection: X-A\r\nX-A: 1\r\nX-B: 2", "x-b: 2\n"),
      Hop("connection-names-a-field-that-came-before", "X-A: 1\r\nConnection: close, x-a", ""),
      Hop("connection-names-fields-with-odd-lists", "X-A: 1\r\nX-B: 2\r\nConnection: ,x-a , ,\tX-B,", ""),
      Hop("connection-twice", "Connection: x-a\r\nConnection: x-b\r\nX-A: 1\r\nX-B: 2", ""),
      Hop("connection-names-a-long-field", "Connection: " + longer + "\r\n" + longer + ": 1\r\nX: a",
          "x: a\n"),
      Hop("connection-names-many-fields", "Connection: " + Options(64) + "\r\nO9: 1\r\nX: a", "x: a\n"),
      BadFraming("connection-names-too-many-fields", "Connection: " + Options(65)),
      BadFraming("connection-names-too-many-fields-in-two",
                 "Connection: " + Options(40) + "\r\nConnection: " + Options(40)),
      Hop("connection-names-a-pseudo-field", "Connection: :path, :method, :authority", ""),
      Hop("connection-names-authorization", "Connection: authorization\r\nAuthorization: x",
          "authorization: x\n"),
      Hop("connection-names-client-address", "Connection: x-forwarded-for\r\nX-Forwarded-For: 1.1.1.1",
          "x-forwarded-for: 1.1.1.1\n"),
      Hop("connection-names-host", "Connection: host", ""),
      Hop("connection-names-content-length", "Connection: content-length\r\nContent-Length: 0",
          "content-length: 0\n"),
      Hop("proxy-connection", "Proxy-Connection: keep-alive", ""),
      Hop("upgrade-h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
          "connection: upgrade\nupgrade: h2c\n"),
      Hop("upgrade-that-says-it-has-no-body", "Connection: Upgrade\r\nUpgrade: a\r\nContent-Length: 0",
          "content-length: 0\nconnection: upgrade\nupgrade: a\n"),
      Hop("te-trailers", "TE: trailers", "te: trailers\n"),
      Hop("te-trailers-named-by-connection", "Connection: TE\r\nTE: trailers", "te: trailers\n"),
      Hop("te-other", "TE: gzip;q=1", ""),
      Hop("te-trailers-among-others", "TE: gzip, trailers", "te: trailers\n"),
  };
}

}  // namespace

std::vector<RawRequest> RawBodyCases() {
  std::vector<RawRequest> cases = Framings();
  Add(cases, ChunkedBodies());
  Add(cases, HopByHop());
  return cases;
}

}  // namespace narthex
