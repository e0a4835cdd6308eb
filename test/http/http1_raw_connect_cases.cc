#include "test/http/http1_raw_cases.h"

namespace narthex {
namespace {

RawRequest Refused(std::string name, std::string target, int status = 400) {
  return {.name = "connect-" + name,
          .bytes = "CONNECT " + target + " HTTP/1.1\r\nHost: h:80\r\n\r\n",
          .status = status};
}

// One with another head behind its request line.
RawRequest RefusedWith(std::string name, std::string fields, std::string version = "HTTP/1.1") {
  return {.name = "connect-" + name, .bytes = "CONNECT h:80 " + version + "\r\n" + fields + "\r\n"};
}

RawRequest Accepted(std::string name, std::string target, std::string fields = "Host: h:80\r\n",
                    std::string passed_on = "") {
  RawRequest request{.name = "connect-" + name,
                     .bytes = "CONNECT " + target + " HTTP/1.1\r\n" + fields + "\r\n",
                     .verdict = RawVerdict::kAccepted};
  request.method = "CONNECT";
  request.authority = std::move(target);
  request.fields = std::move(passed_on);
  return request;
}

std::vector<RawRequest> Targets() {
  return {
      Accepted("name", "h:80"),
      Accepted("name-with-dots", "a.b-c.test:443"),
      Accepted("address", "192.0.2.1:8080"),
      Accepted("address-in-brackets", "[2001:db8::1]:443"),
      Accepted("highest-port", "h:65535"),
      Accepted("port-with-zeros-in-front", "h:00443"),
      Accepted("percent-encoded-name", "a%41:1"),
      Refused("without-port", "h"),
      Refused("empty-port", "h:"),
      Refused("port-zero", "h:0"),
      Refused("port-of-zeros", "h:0000"),
      Refused("port-too-high", "h:65536"),
      Refused("port-no-number", "h:8a"),
      Refused("port-with-sign", "h:+80"),
      Refused("two-ports", "h:80:81"),
      Refused("port-alone", ":80"),
      Refused("colon-alone", ":"),
      Refused("brackets-without-port", "[::1]"),
      Refused("brackets-with-empty-port", "[::1]:"),
      Refused("brackets-that-stay-open", "[::1:80"),
      Refused("no-address-in-brackets", "[x]:80"),
      Refused("address-without-brackets", "::1:80"),
      Refused("userinfo", "u@h:80"),
      Refused("path", "h:80/"),
      Refused("query", "h:80?x"),
      Refused("fragment", "h:80#x"),
      Refused("origin-form", "/"),
      Refused("absolute-form", "http://h:80/"),
      Refused("asterisk-form", "*"),
      Refused("broken-escape", "a%4:80"),
      Refused("empty", ""),
  };
}

std::vector<RawRequest> Fields() {
  return {
      Accepted("other-host-is-ignored", "h:80", "Host: other\r\n"),
      Accepted("host-may-be-empty", "h:80", "Host:\r\n"),
      Accepted("length-of-zero-is-dropped", "h:80", "Host: h:80\r\nContent-Length: 0\r\n"),
      Accepted("upgrade-is-dropped", "h:80", "Host: h:80\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"),
      Accepted("fields-are-passed-on", "h:80", "Host: h:80\r\nX-A: b\r\n", "x-a: b\n"),
      RefusedWith("without-host", ""),
      RefusedWith("with-two-hosts", "Host: h:80\r\nHost: h:80\r\n"),
      RefusedWith("with-invalid-host", "Host: u@h\r\n"),
      RefusedWith("with-length", "Host: h:80\r\nContent-Length: 1\r\n"),
      RefusedWith("with-chunks", "Host: h:80\r\nTransfer-Encoding: chunked\r\n"),
      RefusedWith("with-both", "Host: h:80\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
      RefusedWith("in-http-10", "Host: h:80\r\n", "HTTP/1.0"),
  };
}

}  // namespace

std::vector<RawRequest> RawConnectCases() {
  std::vector<RawRequest> cases = Targets();
  for (RawRequest& request : Fields()) cases.push_back(std::move(request));
  return cases;
}

}  // namespace narthex
