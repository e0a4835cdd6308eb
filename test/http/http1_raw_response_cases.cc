#include "test/http/http1_raw_cases.h"

namespace narthex {
namespace {

using namespace std::string_literals;

RawResponse Refused(std::string name, std::string bytes) {
  return {.name = std::move(name), .bytes = std::move(bytes)};
}

RawResponse BadHead(std::string name, std::string lines) {
  return Refused(std::move(name), "HTTP/1.1 200 OK\r\n" + lines + "\r\n\r\n");
}

RawResponse Good(std::string name, std::string bytes, int status, std::string fields, std::string body) {
  return {.name = std::move(name),
          .bytes = std::move(bytes),
          .verdict = RawVerdict::kAccepted,
          .status = status,
          .fields = std::move(fields),
          .body = std::move(body)};
}

RawResponse Broken(std::string name, std::string bytes) {
  return {.name = std::move(name), .bytes = std::move(bytes), .verdict = RawVerdict::kIncomplete};
}

std::vector<RawResponse> Accepted() {
  std::vector<RawResponse> cases = {
      Good("length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "content-length: 2\n", "ok"),
      Good("chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "",
           "ok"),
      Good("no-reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, "content-length: 0\n", ""),
      Good("no-content", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", ""),
      Good("not-modified-with-length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304,
           "content-length: 9\n", ""),
      Good("hop-by-hop-removed",
           "HTTP/1.1 200 OK\r\nConnection: x-a\r\nX-A: 1\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n", 200,
           "content-length: 0\n", ""),
      Good("connection-names-status", "HTTP/1.1 200 OK\r\nConnection: :status\r\nContent-Length: 0\r\n\r\n",
           200, "content-length: 0\n", ""),
  };
  RawResponse until_close = Good("until-close", "HTTP/1.1 200 OK\r\nX: a\r\n\r\nall", 200, "x: a\n", "all");
  until_close.keep_alive = false;
  cases.push_back(std::move(until_close));
  RawResponse close =
      Good("connection-close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200,
           "content-length: 0\n", "");
  close.keep_alive = false;
  cases.push_back(std::move(close));
  RawResponse old =
      Good("version-1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "content-length: 0\n", "");
  old.keep_alive = false;
  cases.push_back(std::move(old));
  RawResponse head =
      Good("to-head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, "content-length: 5\n", "");
  head.to_head = true;
  cases.push_back(std::move(head));
  return cases;
}

}  // namespace

std::vector<RawResponse> RawResponseCases() {
  std::vector<RawResponse> cases = Accepted();
  for (RawResponse& more : std::vector<RawResponse>{
           Refused("not-http", "SSH-2.0-OpenSSH\r\n\r\n"),
           Refused(
               "switch-with-length",
               "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: a\r\nContent-Length: 3\r\n\r\n"),
           Refused("switch-with-coding",
                   "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: a\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n"),
           Refused("version-2", "HTTP/2.0 200 OK\r\n\r\n"),
           Refused("version-1.2", "HTTP/1.2 200 OK\r\n\r\n"),
           Refused("version-lower-case", "http/1.1 200 OK\r\n\r\n"),
           Refused("status-missing", "HTTP/1.1 OK\r\n\r\n"),
           Refused("status-of-two-digits", "HTTP/1.1 20 OK\r\n\r\n"),
           Refused("status-of-four-digits", "HTTP/1.1 2000 OK\r\n\r\n"),
           Refused("status-below-100", "HTTP/1.1 099 OK\r\n\r\n"),
           Refused("status-above-599", "HTTP/1.1 600 OK\r\n\r\n"),
           Refused("status-negative", "HTTP/1.1 -20 OK\r\n\r\n"),
           Refused("two-spaces", "HTTP/1.1  200 OK\r\n\r\n"),
           Refused("reason-with-nul", "HTTP/1.1 200 O\0K\r\n\r\n"s),
           Refused("reason-with-bare-cr", "HTTP/1.1 200 O\rK\r\n\r\n"),
           Refused("status-line-ends-in-lf", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"),
           Refused("head-ends-in-lf-lf", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\n"),
           BadHead("length-twice", "Content-Length: 1\r\nContent-Length: 2"),
           BadHead("length-list", "Content-Length: 1, 1"),
           BadHead("length-negative", "Content-Length: -1"),
           BadHead("length-with-transfer-encoding", "Content-Length: 1\r\nTransfer-Encoding: chunked"),
           BadHead("transfer-encoding-unknown", "Transfer-Encoding: gzip"),
           BadHead("transfer-encoding-chunked-chunked", "Transfer-Encoding: chunked, chunked"),
           BadHead("space-before-colon", "X : a"),
           BadHead("obs-fold", "X: a\r\n b"),
           BadHead("value-with-nul", "X: a\0"s),
           BadHead("value-with-bare-lf", "X: a\nY: b"),
           BadHead("field-name-empty", ": a"),
           BadHead("field-name-pseudo", ":status: 500"),
           Refused("transfer-encoding-in-1.0",
                   "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
           Refused("chunk-size-bad", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
           Refused("chunk-end-bad",
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"),
           Refused("head-that-never-ends", "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'a')),
           Broken("closed-at-once", ""),
           Broken("closed-in-status-line", "HTTP/1.1 20"),
           Broken("closed-in-head", "HTTP/1.1 200 OK\r\nX: a\r\n"),
           Broken("closed-in-length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"),
           Broken("closed-in-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
           Broken("closed-before-last-chunk",
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
           Broken("closed-in-trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n"),
       }) {
    cases.push_back(std::move(more));
  }
  return cases;
}

}  // namespace narthex
