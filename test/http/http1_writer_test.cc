#include "source/http/http1_writer.h"

#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

using namespace std::string_literals;

HeaderMap Head() {
  HeaderMap headers;
  headers.Add(Header::kMethod, "GET");
  headers.Add(Header::kPath, "/p?q");
  headers.Add(Header::kScheme, "http");
  headers.Add(Header::kAuthority, "svc:80");
  headers.Add("X-A", "1");
  return headers;
}

std::string Written(const HeaderMap& headers, RequestFraming framing) {
  Buffer out;
  return WriteRequestHead(headers, framing, out) ? out.ToString() : "refused, " + std::to_string(out.size());
}

std::string Written(const HeaderMap& headers, int status, ResponseFraming framing) {
  Buffer out;
  return WriteResponseHead(headers, status, framing, out) ? out.ToString()
                                                          : "refused, " + std::to_string(out.size());
}

TEST(Http1Writer, WritesARequestFromItsParts) {
  EXPECT_EQ(Written(Head(), {}), "GET /p?q HTTP/1.1\r\nhost: svc:80\r\nx-a: 1\r\n\r\n");
}

TEST(Http1Writer, FramesWhateverTheFieldsSay) {
  HeaderMap headers = Head();
  for (const char* name :
       {"content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "host"}) {
    headers.Add(name, "evil");
  }
  RequestFraming length;
  length.length = 5;
  EXPECT_EQ(Written(headers, length),
            "GET /p?q HTTP/1.1\r\nhost: svc:80\r\nx-a: 1\r\ncontent-length: 5\r\n\r\n");
  RequestFraming chunked;
  chunked.chunked = true;
  EXPECT_EQ(Written(headers, chunked),
            "GET /p?q HTTP/1.1\r\nhost: svc:80\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n");
}

TEST(Http1Writer, RefusesWhatWouldEndALine) {
  for (const std::string& bad : {"a\rb"s, "a\nb"s, "a\0b"s, "\r\n"s}) {
    HeaderMap headers = Head();
    headers.Add("x-b", bad);
    EXPECT_EQ(Written(headers, {}), "refused, 0");
    EXPECT_EQ(Written(headers, 200, {}), "refused, 0");
    for (const Header part : {Header::kMethod, Header::kPath, Header::kAuthority}) {
      HeaderMap line = Head();
      line.Set(part, bad);
      EXPECT_EQ(Written(line, {}), "refused, 0");
    }
  }
  for (const std::string& bad : {"x b"s, "x:b"s, "x\nb"s, "x\0b"s}) {
    HeaderMap headers = Head();
    headers.Add(bad, "v");
    EXPECT_EQ(Written(headers, {}), "refused, 0");
  }
}

TEST(Http1Writer, RefusesARequestLineThatEndsEarly) {
  for (const Header part : {Header::kMethod, Header::kPath, Header::kAuthority}) {
    HeaderMap headers = Head();
    headers.Set(part, "/ HTTP/1.1");
    EXPECT_EQ(Written(headers, {}), "refused, 0");
  }
  HeaderMap headers = Head();
  headers.Remove(Header::kPath);
  EXPECT_EQ(Written(headers, {}), "refused, 0");
}

TEST(Http1Writer, RefusesWhatIsNoHost) {
  for (const std::string& bad : {"a/b"s, "a@b"s, "a:99999"s, "a#b"s, "[::1"s, "\xff"s}) {
    HeaderMap headers = Head();
    headers.Set(Header::kAuthority, bad);
    EXPECT_EQ(Written(headers, {}), "refused, 0") << bad;
  }
}

TEST(Http1Writer, WritesAResponseAsItsClientUnderstandsIt) {
  HeaderMap headers;
  headers.Add(Header::kStatus, "200");
  headers.Add("x", "y");
  ResponseFraming unknown;
  EXPECT_EQ(Written(headers, 200, unknown), "HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n");
  ResponseFraming old;
  old.http_10 = true;
  old.close = true;
  EXPECT_EQ(Written(headers, 200, old), "HTTP/1.1 200 OK\r\nx: y\r\nconnection: close\r\n\r\n");
  ResponseFraming old_kept;
  old_kept.http_10 = true;
  old_kept.length = 0;
  EXPECT_EQ(Written(headers, 404, old_kept),
            "HTTP/1.1 404 Not Found\r\nx: y\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
  ResponseFraming none;
  none.no_body = true;
  EXPECT_EQ(Written(headers, 204, none), "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n");
}

TEST(Http1Writer, KeepsTheLengthThatAHeadResponseNames) {
  HeaderMap headers;
  headers.Add(Header::kContentLength, "7");
  ResponseFraming none;
  none.no_body = true;
  EXPECT_EQ(Written(headers, 200, none), "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
  EXPECT_EQ(Written(headers, 304, none), "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n");
  EXPECT_EQ(Written(headers, 204, none), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(Http1Writer, WritesHeadsLongerThanABlock) {
  HeaderMap headers = Head();
  const std::string longer(20'000, 'v');
  headers.Add("x-long", longer);
  headers.Add("x-last", "z");
  EXPECT_EQ(Written(headers, {}),
            "GET /p?q HTTP/1.1\r\nhost: svc:80\r\nx-a: 1\r\nx-long: " + longer + "\r\nx-last: z\r\n\r\n");
}

TEST(Http1Writer, WritesChunksAndTrailers) {
  Buffer out;
  AppendChunk(Buffer("0123456789abcdef"), out);
  HeaderMap trailers;
  trailers.Add("x", "y");
  trailers.Add(Header::kContentLength, "9");
  AppendLastChunk(&trailers, out);
  EXPECT_EQ(out.ToString(), "10\r\n0123456789abcdef\r\n0\r\nx: y\r\n\r\n");
  Buffer bare;
  trailers.Add("evil", "a\r\nb");
  AppendLastChunk(&trailers, bare);
  EXPECT_EQ(bare.ToString(), "0\r\n\r\n");
}

}  // namespace
}  // namespace narthex
