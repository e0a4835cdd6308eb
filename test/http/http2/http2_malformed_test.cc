// Requests that RFC 9113 calls malformed: each resets its stream, or ends the connection, and none reaches
// the handler.

#include <string>

#include "source/stats/stats.h"
#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

struct Case {
  const char* name;
  RawFields fields;
  const char* details = "http2.violation.of.messaging.rule";
};

constexpr const char* kField = "http2.invalid.header.field";

RawFields With(std::string name, std::string value) {
  RawFields fields = RawGet("/a");
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

// With one pseudo-header's value replaced.
RawFields Having(size_t i, std::string value) {
  RawFields fields = RawGet("/a");
  fields[i].second = std::move(value);
  return fields;
}

RawFields Without(size_t i) {
  RawFields fields = RawGet("/a");
  fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(i));
  return fields;
}

RawFields PseudoLast() {
  RawFields fields = Without(3);
  fields.emplace_back("accept", "*/*");
  fields.emplace_back(":path", "/a");
  return fields;
}

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"UpperCaseName", With("X-A", "1"), kField},
      {"EmptyName", With("", "1"), kField},
      {"SpaceInName", With("x a", "1"), kField},
      {"ColonInName", With("x:a", "1"), kField},
      {"LineEndInName", With("x\r\na", "1"), kField},
      {"NulInName", With(std::string("x\0a", 3), "1"), kField},
      {"LineEndInValue", With("x-a", "1\r\nx-b: 2"), kField},
      {"LineFeedInValue", With("x-a", "1\n2"), kField},
      {"NulInValue", With("x-a", std::string("1\0", 2)), kField},
      {"DelInValue", With("x-a", "\x7f"), kField},
      {"LeadingSpace", With("x-a", " 1"), kField},
      {"TrailingTab", With("x-a", "1\t"), kField},
      {"Connection", With("connection", "close"), kField},
      {"KeepAlive", With("keep-alive", "timeout=5"), kField},
      {"ProxyConnection", With("proxy-connection", "close"), kField},
      {"TransferEncoding", With("transfer-encoding", "chunked"), kField},
      {"Upgrade", With("upgrade", "h2c"), kField},
      {"TeOther", With("te", "gzip"), kField},
      {"TeList", With("te", "trailers, gzip"), kField},
      {"NoMethod", Without(0)},
      {"NoScheme", Without(1)},
      {"NoAuthority", Without(2)},
      {"NoPath", Without(3)},
      {"EmptyMethod", Having(0, ""), kField},
      {"MethodWithSpace", Having(0, "GET /x HTTP/1.1"), kField},
      {"MethodWithLineEnd", Having(0, "GET\r\n"), kField},
      {"EmptyScheme", Having(1, ""), kField},
      {"OtherScheme", Having(1, "ftp"), kField},
      {"SchemeWithUrl", Having(1, "http://evil/?"), kField},
      {"EmptyAuthority", Having(2, ""), kField},
      {"AuthorityWithUser", Having(2, "user@x"), kField},
      {"AuthorityWithSlash", Having(2, "x/y"), kField},
      {"AuthorityWithSpace", Having(2, "x y"), kField},
      {"AuthorityWithBadPort", Having(2, "x:port"), kField},
      {"EmptyPath", Having(3, ""), kField},
      {"PathWithoutSlash", Having(3, "a")},
      {"PathAsterisk", Having(3, "*")},
      {"PathWithSpace", Having(3, "/a b"), kField},
      {"PathWithLineEnd", Having(3, "/a\r\nx: y"), kField},
      {"PathWithFragment", Having(3, "/a#b"), kField},
      {"PathAbsolute", Having(3, "http://x/a")},
      {"TwoAuthorities", With(":authority", "x"), kField},
      {"TwoPaths", With(":path", "/b"), kField},
      {"TwoSchemes", With(":scheme", "http"), kField},
      {"UnknownPseudo", With(":query", "a"), kField},
      {"StatusInRequest", With(":status", "200"), kField},
      {"ProtocolNotAllowed", With(":protocol", "websocket"), kField},
      {"PseudoLast", PseudoLast(), kField},
      {"OtherHost", With("host", "y")},
      {"EmptyHost", With("host", ""), kField},
      {"ContentLengthSigned", With("content-length", "+1"), kField},
      {"ContentLengthList", With("content-length", "1, 1"), kField},
      {"ContentLengthWithoutData", With("content-length", "5")},
  };
  return cases;
}

class Http2MalformedTest : public Http2ServerTest, public ::testing::WithParamInterface<size_t> {};

TEST_P(Http2MalformedTest, ResetsItsStreamAndNothingElse) {
  const Case& malformed = Cases()[GetParam()];
  const uint64_t before = StatsStore::Process().ValueOf("http2.rx_messaging_error");
  Connect();
  Send(RawHeaders(1, malformed.fields, true));
  EXPECT_TRUE(handler_.seen.empty());
  EXPECT_TRUE(At(1).reset);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  EXPECT_EQ(StatsStore::Process().ValueOf("http2.rx_messaging_error"), before + 1);
  EXPECT_EQ(handler_.started, 1);
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].details, malformed.details);
  EXPECT_TRUE(handler_.ended[0].Has(ResponseFlag::kDownstreamProtocolError));
  // Only the last one's head is in order.
  EXPECT_EQ(handler_.ended[0].parsed, GetParam() + 1 == Cases().size());
  Send(RawHeaders(3, RawGet("/a"), true));
  EXPECT_EQ(At(3).status(), 200);
}

TEST_P(Http2MalformedTest, EndsTheConnectionWhereConfigured) {
  options_.http2.stream_error_on_invalid_http_message = false;
  Connect();
  Send(RawHeaders(1, Cases()[GetParam()].fields, true));
  EXPECT_TRUE(handler_.seen.empty());
  EXPECT_TRUE(refused(NGHTTP2_PROTOCOL_ERROR));
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(handler_.ended.size(), 1u);
}

std::string NameOf(const ::testing::TestParamInfo<size_t>& info) {
  return Cases()[info.param].name;
}
INSTANTIATE_TEST_SUITE_P(All, Http2MalformedTest, ::testing::Range<size_t>(0, Cases().size()), NameOf);

// What follows a good head.
struct Tail {
  const char* name;
  const char* length;  // content-length, null for none
  std::string frames;
};

const std::vector<Tail>& Tails() {
  static const std::vector<Tail> tails = {
      {"LessDataThanSaid", "5", RawData(1, "abc", true)},
      {"MoreDataThanSaid", "2", RawData(1, "abc", false)},
      {"DataWhereNoneWasSaid", "0", RawData(1, "abc", true)},
      {"LessDataBeforeTrailers", "5", RawData(1, "abc", false) + RawHeaders(1, {{"x-a", "1"}}, true)},
      {"PseudoInTrailers", nullptr, RawHeaders(1, {{":path", "/b"}}, true)},
      {"UpperCaseInTrailers", nullptr, RawHeaders(1, {{"X-A", "1"}}, true)},
      {"ContentLengthInTrailers", nullptr, RawHeaders(1, {{"content-length", "0"}}, true)},
      {"TransferEncodingInTrailers", nullptr, RawHeaders(1, {{"transfer-encoding", "chunked"}}, true)},
      {"HostInTrailers", nullptr, RawHeaders(1, {{"host", "x"}}, true)},
      {"TrailersThatEndNothing", nullptr, RawHeaders(1, {{"x-a", "1"}}, false)},
  };
  return tails;
}

class Http2TailTest : public Http2ServerTest, public ::testing::WithParamInterface<size_t> {};

TEST_P(Http2TailTest, CancelsTheRequest) {
  const Tail& tail = Tails()[GetParam()];
  RawFields fields = RawPost("/echo");
  if (tail.length != nullptr) fields.emplace_back("content-length", tail.length);
  Connect();
  Send(RawHeaders(1, fields, false));
  EXPECT_EQ(handler_.seen.size(), 1u);
  Send(tail.frames);
  EXPECT_EQ(At(1).status(), 0);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].status, 0);
  EXPECT_TRUE(handler_.ended[0].Has(ResponseFlag::kDownstreamProtocolError));
  Send(RawHeaders(3, RawGet("/a"), true));
  EXPECT_EQ(At(3).status(), 200);
}

std::string TailName(const ::testing::TestParamInfo<size_t>& info) {
  return Tails()[info.param].name;
}
INSTANTIATE_TEST_SUITE_P(All, Http2TailTest, ::testing::Range<size_t>(0, Tails().size()), TailName);

TEST_F(Http2ServerTest, RefusesAnUnknownExpectation) {
  Connect();
  Send(RawHeaders(1, With("expect", "the-unexpected"), true));
  EXPECT_EQ(At(1).status(), 417);
  EXPECT_EQ(handler_.ended[0].details, "http2.unknown_expectation");
}

TEST_F(Http2ServerTest, EndsAConnectionThatIsNoHttp2) {
  Open();
  Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(handler_.started, 0);
  stream_->Close();
  EXPECT_TRUE(gone());
}

// Frames against the rules of frames: connection errors.
const std::vector<std::pair<const char*, std::string>>& BadFrames() {
  static const std::vector<std::pair<const char*, std::string>> frames = {
      {"SettingsOnAStream", RawFrame(NGHTTP2_SETTINGS, 0, 1, "")},
      {"ShortPing", RawFrame(NGHTTP2_PING, 0, 0, "short")},
      {"DataOnTheConnection", RawData(0, "a", false)},
      {"DataOnAnIdleStream", RawData(7, "idle", false)},
      {"PriorityOnTheConnection", RawFrame(NGHTTP2_PRIORITY, 0, 0, std::string(5, '\0'))},
      {"PriorityOnItself", RawFrame(NGHTTP2_PRIORITY, 0, 3, std::string("\0\0\0\x03\0", 5))},
      {"LoneContinuation", RawFrame(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "")},
      {"EvenStream", RawHeaders(2, RawGet("/a"), true)},
      {"TooLongFrame", RawFrame(NGHTTP2_DATA, 0, 1, std::string(20'000, 'x'))},
      {"HeadersInsideAHead",
       RawFrame(NGHTTP2_HEADERS, 0, 1, RawFieldBlock(RawGet("/a"))) + RawPing("pingping")},
      {"BrokenHpack", RawFrame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff")},
      {"OverflowingWindow", RawWindowUpdate(0, 0x7fffffff)},
      {"DataOnAClosedStream", RawHeaders(1, RawGet("/a"), true) + RawPing("pingping")},
  };
  return frames;
}

class Http2BadFrameTest : public Http2ServerTest, public ::testing::WithParamInterface<size_t> {};

TEST_P(Http2BadFrameTest, EndsTheConnection) {
  Connect();
  Send(BadFrames()[GetParam()].second);
  if (GetParam() + 1 == BadFrames().size()) Send(RawData(1, "late", true));
  EXPECT_FALSE(reader_.goaways.empty());
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(handler_.started, static_cast<int>(handler_.ended.size()));
}

std::string FrameName(const ::testing::TestParamInfo<size_t>& info) {
  return BadFrames()[info.param].first;
}
INSTANTIATE_TEST_SUITE_P(All, Http2BadFrameTest, ::testing::Range<size_t>(0, BadFrames().size()), FrameName);

TEST_F(Http2ServerTest, IgnoresDataOnAStreamThatItHasReset) {
  Connect();
  Send(RawHeaders(1, RawPost("/early"), false));
  EXPECT_TRUE(At(1).reset);
  Send(RawData(1, "on its way", true));
  EXPECT_TRUE(reader_.goaways.empty());
}

}  // namespace
}  // namespace narthex
