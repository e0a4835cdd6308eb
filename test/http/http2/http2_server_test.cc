// What a server's connection does with requests that are in order.

#include <algorithm>
#include <string>

#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

TEST_F(Http2ServerTest, AnnouncesItsLimits) {
  options_.http2.max_concurrent_streams = 7;
  options_.http2.hpack_table_size = 1024;
  Connect();
  EXPECT_EQ(reader_.settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], 7u);
  EXPECT_EQ(reader_.settings[NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE], 64u * 1024);
  EXPECT_EQ(reader_.settings[NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE], 60u * 1024);
  EXPECT_EQ(reader_.settings[NGHTTP2_SETTINGS_HEADER_TABLE_SIZE], 1024u);
  EXPECT_EQ(reader_.settings[NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES], 1u);
  EXPECT_EQ(reader_.settings.count(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL), 0u);
  EXPECT_EQ(reader_.window_updates[0], 1024u * 1024 - 65535);
  EXPECT_EQ(reader_.settings_acks, 1);
}

TEST_F(Http2ServerTest, AnswersWithOneWrite) {
  Connect();
  const int writes = peer_.writes;
  Send(RawHeaders(1, RawGet("/a"), true));
  EXPECT_EQ(At(1).status(), 200);
  EXPECT_EQ(At(1).Get("content-length"), "5");
  EXPECT_EQ(At(1).body, "hello");
  EXPECT_TRUE(At(1).ended);
  EXPECT_FALSE(At(1).reset);
  EXPECT_EQ(peer_.writes, writes + 1);
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].status, 200);
  EXPECT_EQ(handler_.ended[0].flags, 0u);
  EXPECT_EQ(handler_.ended[0].response_bytes, 5u);
  EXPECT_FALSE(connection_->busy());
  EXPECT_NE(connection_->idle_since(), 0u);
}

TEST_F(Http2ServerTest, UnderstandsBytesThatComeOneByOne) {
  Open();
  const std::string bytes = std::string(kHttp2Preface) + RawSettings({}) +
                            RawHeaders(1, RawPost("/echo"), false) + RawData(1, "abc", false) +
                            RawData(1, "de", true);
  for (const char c : bytes) Send(std::string_view(&c, 1));
  EXPECT_EQ(At(1).body, "abcde");
}

TEST_F(Http2ServerTest, MakesTheSameHeaderMapAsHttp1) {
  Connect();
  RawFields request = RawGet("/p?q=1");
  request[1].second = "https";
  request.insert(
      request.end(),
      {{"host", "X"}, {"cookie", "a=1"}, {"accept", "*/*"}, {"cookie", "b=2"}, {"te", "trailers"}});
  Send(RawHeaders(1, request, true));
  const RawFields expected = {{":method", "GET"}, {":authority", "x"}, {":path", "/p?q=1"},
                              {"accept", "*/*"},  {"te", "trailers"},  {"cookie", "a=1; b=2"}};
  ASSERT_EQ(handler_.fields.size(), 1u);
  EXPECT_EQ(handler_.fields[0], expected);
}

TEST_F(Http2ServerTest, TakesHostForAMissingAuthority) {
  Connect();
  Send(RawHeaders(1, {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "h:80"}}, true));
  ASSERT_EQ(handler_.fields.size(), 1u);
  EXPECT_EQ(handler_.fields[0].back(), (std::pair<std::string, std::string>{":authority", "h:80"}));
}

TEST_F(Http2ServerTest, ServesManyStreamsAtOnce) {
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true) + RawHeaders(3, RawGet("/b"), true) +
       RawHeaders(5, RawGet("/c"), true));
  EXPECT_FALSE(At(1).ended);
  EXPECT_TRUE(At(3).ended);
  EXPECT_TRUE(At(5).ended);
  EXPECT_TRUE(connection_->busy());
  EXPECT_EQ(connection_->idle_since(), 0u);
  handler_.go.Set();
  Turn();
  EXPECT_EQ(At(1).body, "hello");
  EXPECT_FALSE(connection_->busy());
}

TEST_F(Http2ServerTest, SendsAStreamedBodyWithTrailers) {
  Connect();
  Send(RawHeaders(1, RawGet("/stream"), true));
  EXPECT_EQ(At(1).body, "onetwo");
  EXPECT_EQ(At(1).Get("content-length"), "(none)");
  EXPECT_EQ(At(1).trailers, (RawFields{{"grpc-status", "0"}}));
  EXPECT_TRUE(At(1).ended);
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_TRUE(handler_.ended[0].trailers);
}

TEST_F(Http2ServerTest, HandsOnRequestTrailersWithoutWhatDoesNotBelongThere) {
  Connect();
  Send(RawHeaders(1, RawPost("/echo"), false) + RawData(1, "abc", false));
  Send(RawHeaders(1, {{"x-sum", "7"}, {"authorization", "late"}}, true));
  EXPECT_EQ(At(1).body, "abc");
  EXPECT_EQ(handler_.request_trailers, (RawFields{{"x-sum", "7"}}));
}

TEST_F(Http2ServerTest, SendsNoBodyForHeadAnd204) {
  Connect();
  RawFields head = RawGet("/a");
  head[0].second = "HEAD";
  Send(RawHeaders(1, head, true) + RawHeaders(3, RawGet("/204"), true));
  EXPECT_EQ(At(1).Get("content-length"), "5");
  EXPECT_EQ(At(1).data_frames, 0u);
  EXPECT_TRUE(At(1).ended);
  EXPECT_EQ(At(3).status(), 204);
  EXPECT_EQ(At(3).Get("content-length"), "(none)");
  EXPECT_EQ(At(3).data_frames, 0u);
}

TEST_F(Http2ServerTest, SendsInterimResponsesAhead) {
  Connect();
  Send(RawHeaders(1, RawGet("/hint"), true));
  ASSERT_EQ(At(1).interim.size(), 1u);
  EXPECT_EQ(At(1).interim[0], (RawFields{{":status", "103"}, {"link", "</a.css>"}}));
  EXPECT_EQ(At(1).status(), 200);
}

TEST_F(Http2ServerTest, AsksForABodyWithContinue) {
  Connect();
  RawFields request = RawPost("/echo");
  request.emplace_back("expect", "100-continue");
  Send(RawHeaders(1, request, false));
  ASSERT_EQ(At(1).interim.size(), 1u);
  EXPECT_EQ(At(1).interim[0], (RawFields{{":status", "100"}}));
  Send(RawData(1, "ok", true));
  EXPECT_EQ(At(1).body, "ok");
}

TEST_F(Http2ServerTest, LeavesTheExpectationToTheUpstreamWhereConfigured) {
  options_.proxy_100_continue = true;
  Connect();
  RawFields request = RawPost("/echo");
  request.emplace_back("expect", "100-continue");
  Send(RawHeaders(1, request, false));
  EXPECT_TRUE(At(1).interim.empty());
  EXPECT_EQ(handler_.fields[0].back().second, "100-continue");
}

TEST_F(Http2ServerTest, TellsTheClientThatAnEarlyAnswerIsAll) {
  Connect();
  Send(RawHeaders(1, RawPost("/early"), false));
  EXPECT_EQ(At(1).body, "hello");
  EXPECT_TRUE(At(1).ended);
  EXPECT_TRUE(At(1).reset);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_NO_ERROR));
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].flags, 0u);
  Send(RawData(1, "too late", true) + RawHeaders(3, RawGet("/a"), true));
  EXPECT_EQ(At(3).body, "hello");
}

TEST_F(Http2ServerTest, ResetsAStreamWhoseBodyBreaks) {
  Connect();
  Send(RawHeaders(1, RawGet("/broken"), true));
  EXPECT_EQ(At(1).status(), 200);
  EXPECT_FALSE(At(1).ended);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_INTERNAL_ERROR));
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].details, "broken");
  EXPECT_TRUE(handler_.ended[0].Has(ResponseFlag::kUpstreamConnectionTermination));
}

TEST_F(Http2ServerTest, SendsNoFieldThatCouldEndALine) {
  Connect();
  Send(RawHeaders(1, RawGet("/bad-field"), true));
  EXPECT_EQ(At(1).status(), 0);
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_INTERNAL_ERROR));
  EXPECT_EQ(handler_.ended[0].details, "http2.invalid_response_header");
}

TEST_F(Http2ServerTest, CancelsTheHandlerWhenTheClientResets) {
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true));
  EXPECT_TRUE(handler_.go.has_waiter());
  Send(RawReset(1, NGHTTP2_CANCEL));
  EXPECT_FALSE(handler_.go.has_waiter());
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_TRUE(handler_.ended[0].Has(ResponseFlag::kDownstreamRemoteReset));
  EXPECT_EQ(handler_.ended[0].details, "http2.remote_reset");
  Send(RawHeaders(3, RawGet("/a"), true));
  EXPECT_EQ(At(3).body, "hello");
}

TEST_F(Http2ServerTest, CancelsAllWhenTheClientLeaves) {
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true) + RawHeaders(3, RawGet("/endless"), true));
  stream_->Close();
  EXPECT_TRUE(ended_);
  EXPECT_FALSE(handler_.go.has_waiter());
  ASSERT_EQ(handler_.ended.size(), 2u);
  for (const Recorder::Ended& exchange : handler_.ended) {
    EXPECT_TRUE(exchange.Has(ResponseFlag::kDownstreamConnectionTermination));
    EXPECT_EQ(exchange.details, "downstream_remote_disconnect");
  }
  EXPECT_EQ(connection_->ended_by(), CloseCause::kRemote);
  EXPECT_TRUE(connection_->busy());
}

TEST_F(Http2ServerTest, NeverServesWhatIsResetInTheSameBreath) {
  Connect();
  Send(RawHeaders(1, RawGet("/a"), true) + RawReset(1, NGHTTP2_CANCEL));
  EXPECT_TRUE(handler_.seen.empty());
  EXPECT_EQ(handler_.started, 1);
  ASSERT_EQ(handler_.ended.size(), 1u);
  EXPECT_EQ(handler_.ended[0].details, "http2.remote_reset");
}

TEST_F(Http2ServerTest, KeepsConnectToItselfUnlessItIsAllowed) {
  Connect();
  Send(RawHeaders(1, {{":method", "CONNECT"}, {":authority", "x:443"}}, false));
  EXPECT_EQ(At(1).status(), 501);
  EXPECT_EQ(handler_.ended[0].details, "http2.connect_not_supported");
}

TEST_F(Http2ServerTest, ServesConnectWhereItIsAllowed) {
  options_.http2.allow_connect = true;
  Connect();
  Send(RawHeaders(1, {{":method", "CONNECT"}, {":authority", "x:443"}}, false));
  ASSERT_EQ(handler_.fields.size(), 1u);
  EXPECT_EQ(handler_.fields[0], (RawFields{{":method", "CONNECT"}, {":authority", "x:443"}}));
}

TEST_F(Http2ServerTest, ServesNoConnectButToAHostAndAPort) {
  options_.http2.allow_connect = true;
  for (const char* authority : {"x", "x:", "x:0", ":443", "[::1]", "u@x:443"}) {
    Connect();
    Send(RawHeaders(1, {{":method", "CONNECT"}, {":authority", authority}}, false));
    EXPECT_TRUE(handler_.fields.empty()) << authority;
  }
  Connect();
  Send(RawHeaders(1, {{":method", "CONNECT"}, {":authority", "x:443"}, {"content-length", "0"}}, false));
  EXPECT_TRUE(handler_.fields.empty());
}

TEST_F(Http2ServerTest, HandsOnExtendedConnectWhereItIsAllowed) {
  options_.http2.allow_connect = true;
  Connect();
  EXPECT_EQ(reader_.settings[NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL], 1u);
  RawFields request = RawGet("/chat");
  request[0].second = "CONNECT";
  request.emplace_back(":protocol", "websocket");
  Send(RawHeaders(1, request, false));
  ASSERT_EQ(handler_.fields.size(), 1u);
  // In the form that HTTP/1 gives it.
  const auto& fields = handler_.fields[0];
  const auto has = [&](const char* name, const char* value) {
    return std::find(fields.begin(), fields.end(), std::pair<std::string, std::string>{name, value}) !=
           fields.end();
  };
  EXPECT_TRUE(has(":method", "GET"));
  EXPECT_TRUE(has("upgrade", "websocket"));
  EXPECT_FALSE(has(":protocol", "websocket"));
  EXPECT_EQ(fields.back().first, "sec-websocket-key");
}

}  // namespace
}  // namespace narthex
