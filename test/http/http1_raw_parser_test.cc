// The table of raw HTTP/1 bytes against the parser and the decoder alone.

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "source/http/chunked_decoder.h"
#include "source/http/http1_parser.h"
#include "source/http/http1_writer.h"
#include "source/http/tunnel.h"
#include "test/http/http1_raw_cases.h"

namespace narthex {
namespace {

std::string Fields(const HeaderMap* headers) {
  std::string text;
  if (headers == nullptr) return text;
  for (const HeaderMap::Field& field : *headers) {
    if (field.name[0] != ':') text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return text;
}

struct Outcome {
  RawVerdict verdict = RawVerdict::kIncomplete;
  bool head_done = false;
  int status = 0;
  std::string detail, body, trailers;
};

// Feeds `rest` to the body's reader in pieces of `step` bytes.
void ReadBody(std::string_view rest, size_t step, const Framing& framing, Outcome& outcome) {
  Buffer in, out;
  ChunkedDecoder decoder;
  for (size_t at = 0;; at += step) {
    if (at < rest.size()) in.Append(rest.substr(at, step));
    if (framing.kind == Framing::Kind::kChunked) {
      const ChunkedDecoder::Result result = decoder.Decode(in, out);
      if (result == ChunkedDecoder::Result::kError)
        outcome = {RawVerdict::kRefused, true, 400, "chunks", "", ""};
      if (result == ChunkedDecoder::Result::kDone) {
        outcome.verdict = RawVerdict::kAccepted;
        outcome.trailers = Fields(decoder.TakeTrailers().get());
      }
    } else if (framing.kind == Framing::Kind::kUntilClose) {
      out.Append(std::move(in));
      if (at + step >= rest.size()) outcome.verdict = RawVerdict::kAccepted;
    } else if (out.size() + in.size() >= framing.length) {
      out.Append(in.Take(framing.length - out.size()));
      outcome.verdict = RawVerdict::kAccepted;
    }
    if (outcome.verdict != RawVerdict::kIncomplete || at + step >= rest.size()) break;
  }
  outcome.body = out.ToString();
}

template <class Parser, class Head>
Outcome Read(Parser parser, std::string& bytes, size_t step, Head& head) {
  Outcome outcome;
  for (size_t end = std::min(step, bytes.size()); end > 0; end = std::min(end + step, bytes.size())) {
    const Http1ParseResult result = parser.Parse({bytes.data(), end}, head);
    if (result == Http1ParseResult::kError) {
      outcome.verdict = RawVerdict::kRefused;
      outcome.status = parser.error().status;
      outcome.detail = parser.error().detail;
      return outcome;
    }
    if (result == Http1ParseResult::kDone) {
      outcome.head_done = true;
      ReadBody(std::string_view(bytes).substr(head.size), step, head.framing, outcome);
      return outcome;
    }
    if (end == bytes.size()) break;
  }
  return outcome;
}

// What we would send upstream must mean the same to a strict reader.
void ExpectForwardedTheSame(const RequestHead& head, const std::string& name) {
  Buffer wire;
  const bool has_length = head.framing.kind == Framing::Kind::kLength;
  RequestFraming framing;
  framing.chunked = head.framing.kind == Framing::Kind::kChunked;
  framing.connect = IsConnect(head.headers);
  if (has_length) framing.length = head.framing.length;
  if (!head.headers.Has(Header::kAuthority)) return;
  ASSERT_TRUE(WriteRequestHead(head.headers, framing, wire)) << name;
  std::string text = wire.ToString();
  RequestHead again;
  Http1RequestParser parser{Http1Limits{}};
  ASSERT_EQ(parser.Parse({text.data(), text.size()}, again), Http1ParseResult::kDone)
      << name << ": " << parser.error().detail << "\n"
      << text;
  EXPECT_EQ(again.size, text.size()) << name;
  EXPECT_EQ(again.headers.Get(Header::kMethod), head.headers.Get(Header::kMethod)) << name;
  EXPECT_EQ(again.headers.Get(Header::kPath), head.headers.Get(Header::kPath)) << name;
  EXPECT_EQ(again.headers.Get(Header::kAuthority), head.headers.Get(Header::kAuthority)) << name;
  EXPECT_EQ(again.framing.kind, head.framing.kind) << name;
  EXPECT_EQ(again.framing.length, head.framing.length) << name;
}

void CheckRequest(const RawRequest& request, size_t step) {
  SCOPED_TRACE(request.name + " in pieces of " + std::to_string(step));
  std::string bytes = request.bytes;
  RequestHead head;
  const Outcome outcome = Read(Http1RequestParser(Http1Limits{}), bytes, step, head);
  EXPECT_EQ(outcome.verdict, request.verdict) << outcome.detail;
  if (request.verdict == RawVerdict::kRefused && outcome.verdict == RawVerdict::kRefused) {
    EXPECT_EQ(outcome.status, request.status) << outcome.detail;
    EXPECT_EQ(outcome.head_done, request.bad_body) << outcome.detail;
  }
  if (request.verdict != RawVerdict::kAccepted || outcome.verdict != request.verdict) return;
  EXPECT_EQ(head.headers.Get(Header::kMethod), request.method);
  EXPECT_EQ(head.headers.Get(Header::kAuthority), request.authority);
  EXPECT_EQ(head.headers.Get(Header::kPath), request.path);
  EXPECT_EQ(Fields(&head.headers), request.fields);
  EXPECT_EQ(outcome.body, request.body);
  EXPECT_EQ(outcome.trailers, request.trailers);
  ExpectForwardedTheSame(head, request.name);
}

void CheckResponse(const RawResponse& response, size_t step) {
  SCOPED_TRACE(response.name + " in pieces of " + std::to_string(step));
  std::string bytes = response.bytes;
  ResponseHead head;
  const Outcome outcome = Read(Http1ResponseParser(Http1Limits{}, response.to_head), bytes, step, head);
  EXPECT_EQ(outcome.verdict, response.verdict) << outcome.detail;
  if (response.verdict != RawVerdict::kAccepted || outcome.verdict != response.verdict) return;
  EXPECT_EQ(head.status, response.status);
  EXPECT_EQ(head.headers.Get(Header::kStatus), std::to_string(response.status));
  EXPECT_EQ(Fields(&head.headers), response.fields);
  EXPECT_EQ(outcome.body, response.body);
  EXPECT_EQ(head.keep_alive, response.keep_alive);
}

constexpr size_t kSteps[] = {1'000'000, 1, 2, 7};

TEST(Http1RawCases, AreManyAndNamedApart) {
  std::set<std::string> names;
  for (const RawRequest& request : RawHeadCases())
    EXPECT_TRUE(names.insert(request.name).second) << request.name;
  for (const RawRequest& request : RawBodyCases())
    EXPECT_TRUE(names.insert(request.name).second) << request.name;
  for (const RawRequest& request : RawConnectCases())
    EXPECT_TRUE(names.insert(request.name).second) << request.name;
  EXPECT_GE(names.size(), 190u);
}

TEST(Http1RawCases, HeadsMeanWhatTheyMust) {
  for (const RawRequest& request : RawHeadCases()) {
    for (const size_t step : kSteps) CheckRequest(request, step);
  }
}

TEST(Http1RawCases, ConnectNamesAHostAndAPort) {
  for (const RawRequest& request : RawConnectCases()) {
    for (const size_t step : kSteps) CheckRequest(request, step);
  }
}

TEST(Http1RawCases, BodiesEndWhereTheyMust) {
  for (const RawRequest& request : RawBodyCases()) {
    for (const size_t step : kSteps) CheckRequest(request, step);
  }
}

TEST(Http1RawCases, ResponsesMeanWhatTheyMust) {
  for (const RawResponse& response : RawResponseCases()) {
    for (const size_t step : kSteps) CheckResponse(response, step);
  }
}

// An answer to HEAD has no place for a tunnel's bytes.
TEST(Http1RawParserTest, AHeadRequestAsksForNoTunnel) {
  for (const std::string method : {"GET", "POST", "HEAD"}) {
    std::string text = method + " / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    RequestHead head;
    Http1RequestParser parser{Http1Limits{}};
    ASSERT_EQ(parser.Parse({text.data(), text.size()}, head), Http1ParseResult::kDone);
    EXPECT_EQ(head.tunnel, method != "HEAD");
    EXPECT_EQ(head.headers.Has(Header::kUpgrade), method != "HEAD");
  }
}

}  // namespace
}  // namespace narthex
