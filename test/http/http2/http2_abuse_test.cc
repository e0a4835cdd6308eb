// Floods: each is refused by name, with GOAWAY ENHANCE_YOUR_CALM and a counter, before it has cost much.

#include <functional>
#include <string>

#include "source/stats/stats.h"
#include "test/http/http2/server_fixture.h"

namespace narthex {
namespace {

struct Flood {
  const char* name;  // of the test
  const char* counter;
  size_t most;  // frames that may be taken before it ends
  std::function<std::string(size_t)> frame;
  std::string before = {};  // sent first
};

uint32_t StreamId(size_t i) {
  return static_cast<uint32_t>(2 * i + 1);
}

RawFields Without(RawFields fields, size_t i) {
  fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(i));
  return fields;
}

const std::vector<Flood>& Floods() {
  static const std::string wait = RawHeaders(1, RawPost("/echo"), false);
  static const std::string open_head = RawFrame(NGHTTP2_HEADERS, 0, 1, RawFieldBlock(RawGet("/a")));
  static const std::vector<Flood> floods = {
      {"RapidReset", "http2.rx_reset_flood", 1000,
       [](size_t i) {
         return RawHeaders(StreamId(i), RawGet("/wait"), true) + RawReset(StreamId(i), NGHTTP2_CANCEL);
       }},
      {"MadeYouResetByWindowUpdate", "http2.rx_reset_flood", 500,
       [](size_t i) {
         return RawHeaders(StreamId(i), RawGet("/wait"), true) + RawWindowUpdate(StreamId(i), 0x7fffffff);
       }},
      {"MadeYouResetByMalformedHeads", "http2.rx_reset_flood", 500,
       [](size_t i) { return RawHeaders(StreamId(i), Without(RawGet("/a"), 0), true); }},
      {"Continuation", "http2.continuation_flood", 64,
       [](size_t) {
         return RawFrame(NGHTTP2_CONTINUATION, 0, 1, RawFieldBlock({{"x-a", std::string(1000, 'a')}}));
       },
       open_head},
      {"EmptyContinuation", "http2.inbound_empty_frames_flood", 100,
       [](size_t) { return RawFrame(NGHTTP2_CONTINUATION, 0, 1, ""); }, open_head},
      {"Settings", "http2.outbound_control_flood", 1100, [](size_t) { return RawSettings({{1, 4096}}); }},
      {"Ping", "http2.outbound_control_flood", 1100, [](size_t) { return RawPing("pingping"); }},
      {"UnknownFrames", "http2.outbound_control_flood", 1100,
       [](size_t) { return RawFrame(0x42, 0, 0, "what?"); }},
      {"EmptyData", "http2.inbound_empty_frames_flood", 100, [](size_t) { return RawData(1, "", false); },
       wait},
      {"EmptyDataOfAStreamThatIsGone", "http2.inbound_empty_frames_flood", 100,
       [](size_t) { return RawData(1, "", false); }, RawHeaders(1, Without(RawPost("/echo"), 0), false)},
      {"PaddedEmptyData", "http2.inbound_empty_frames_flood", 100,
       [](size_t) { return RawFrame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, std::string("\x03\0\0\0", 4)); },
       wait},
      {"Priority", "http2.inbound_priority_frames_flood", 1000,
       [](size_t i) { return RawFrame(NGHTTP2_PRIORITY, 0, StreamId(i), std::string("\0\0\0\0\x10", 5)); }},
      {"WindowUpdate", "http2.inbound_window_update_frames_flood", 5000,
       [](size_t) { return RawWindowUpdate(0, 1); }},
  };
  return floods;
}

class Http2FloodTest : public Http2ServerTest, public ::testing::WithParamInterface<size_t> {};

// The peer reads all: so the guard is not one of what waits to be sent.
TEST_P(Http2FloodTest, IsRefusedByName) {
  const Flood& flood = Floods()[GetParam()];
  const StatsStore& stats = StatsStore::Process();
  const uint64_t before = stats.ValueOf(flood.counter);
  Connect();
  Send(flood.before);
  size_t frames = 0;
  while (frames < flood.most && !peer_.write_shut) Send(flood.frame(frames++));
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM)) << frames;
  EXPECT_TRUE(peer_.write_shut);
  EXPECT_EQ(stats.ValueOf(flood.counter), before + 1);
  for (const Recorder::Ended& ended : handler_.ended) {
    if (ended.status == 0 && ended.details == flood.counter) {
      EXPECT_TRUE(ended.Has(ResponseFlag::kDownstreamProtocolError));
    }
  }
  EXPECT_EQ(handler_.started, static_cast<int>(handler_.ended.size()));
  Advance(1001);
  EXPECT_TRUE(gone());
}

// All in one go, as from a socket that was full.
TEST_P(Http2FloodTest, IsRefusedInOneRead) {
  const Flood& flood = Floods()[GetParam()];
  Connect();
  std::string all = flood.before;
  for (size_t i = 0; i < flood.most; ++i) all += flood.frame(i);
  Send(all);
  // Streams that wait for their reset count against the limit of streams, too.
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM) || refused(NGHTTP2_PROTOCOL_ERROR));
  EXPECT_LE(handler_.seen.size(), 200u);
}

std::string NameOf(const ::testing::TestParamInfo<size_t>& info) {
  return Floods()[info.param].name;
}
INSTANTIATE_TEST_SUITE_P(All, Http2FloodTest, ::testing::Range<size_t>(0, Floods().size()), NameOf);

TEST_F(Http2ServerTest, ServesAlmostNothingOfARapidReset) {
  Connect();
  std::string all;
  for (size_t i = 0; i < 10'000; ++i) {
    all += RawHeaders(StreamId(i), RawGet("/a"), true) + RawReset(StreamId(i), NGHTTP2_CANCEL);
  }
  Send(all);
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_LE(handler_.seen.size(), 10u);
}

TEST_F(Http2ServerTest, RefusesAPeerThatDoesNotReadWhatItAsksFor) {
  options_.http2.max_outbound_control_frames = 100;
  Connect();
  peer_.window = 0;
  const uint64_t before = StatsStore::Process().ValueOf("http2.outbound_control_flood");
  for (int i = 0; i < 101; ++i) Send(RawPing("pingping"));
  EXPECT_EQ(StatsStore::Process().ValueOf("http2.outbound_control_flood"), before + 1);
  Advance(1001);
  EXPECT_TRUE(gone());
  EXPECT_TRUE(peer_.aborted);
}

// The kernel keeps what is left unread for whoever is slow, but not for whoever misbehaves.
TEST_F(Http2ServerTest, KeepsNothingForAPeerThatFloodsAndStays) {
  Connect();
  for (int i = 0; i < 1001; ++i) Send(RawPing("pingping"));
  peer_.unreceived = 100;
  Advance(1001);
  EXPECT_TRUE(gone());
  EXPECT_TRUE(peer_.aborted);
}

TEST_F(Http2ServerTest, LeavesAnIdlePeerWhatItHasNotRead) {
  options_.idle_timeout = std::chrono::milliseconds(50);
  Connect();
  Advance(60);
  EXPECT_TRUE(peer_.write_shut);
  peer_.unreceived = 100;
  Advance(1001);
  EXPECT_TRUE(gone());
  EXPECT_FALSE(peer_.aborted);
}

// As gRPC's ends do to measure a transfer: with each piece of it one.
TEST_F(Http2ServerTest, TakesAPingForEachPieceOfData) {
  Connect();
  Send(RawHeaders(1, RawPost("/echo"), false));
  for (int i = 0; i < 5000; ++i) Send(RawData(1, "a", false) + RawPing("pingping"));
  EXPECT_TRUE(reader_.goaways.empty());
  EXPECT_EQ(reader_.ping_acks.size(), 5000u);
  // What was saved up is no more than what is free without any.
  for (int i = 0; i < 2002; ++i) Send(RawPing("pingping"));
  EXPECT_TRUE(refused(NGHTTP2_ENHANCE_YOUR_CALM));
}

TEST_F(Http2ServerTest, LimitsFramesOfAllKindsThatWait) {
  options_.http2.max_outbound_frames = 20;
  Connect();
  peer_.window = 0;
  const uint64_t before = StatsStore::Process().ValueOf("http2.outbound_flood");
  std::string requests;
  for (size_t i = 0; i < 30; ++i) requests += RawHeaders(StreamId(i), RawGet("/a"), true);
  Send(requests);
  Send(RawPing("pingping"));
  EXPECT_EQ(StatsStore::Process().ValueOf("http2.outbound_flood"), before + 1);
}

// CVE-2016-1544: a long field in the table, and a head that refers to it over and over.
TEST_F(Http2ServerTest, RefusesAnHpackBombWithoutLosingItsPlace) {
  Connect();
  const size_t blocks = Block::LiveBlocks();
  // Literal with incremental indexing (RFC 7541 section 6.2.1); then it is entry 62.
  std::string field = RawFieldBlock({{"x-bomb", std::string(3000, 'b')}});
  field[0] = 0x40;
  const std::string bomb(8000, static_cast<char>(0x80 | 62));
  const std::string request = RawFieldBlock(RawGet("/a"));
  for (uint32_t i = 0; i < 50; ++i) {
    Send(RawFrame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, StreamId(i),
                  request + field + bomb));
    EXPECT_EQ(At(StreamId(i)).status(), 431);
    EXPECT_LE(Block::LiveBlocks(), blocks + 8);
  }
  EXPECT_TRUE(handler_.seen.empty());
  EXPECT_EQ(handler_.ended.back().details, "http2.too_many_headers");
  // Its table is as the client thinks: entry 62 is still the field.
  Send(RawFrame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 101,
                request + static_cast<char>(0x80 | 62)));
  EXPECT_EQ(At(101).status(), 200);
  EXPECT_EQ(handler_.fields.back().back().first, "x-bomb");
}

// CVE-2019-9516, without an end: decoding what is refused already is all that it is for.
TEST_F(Http2ServerTest, EndsAConnectionWhoseHeadIsMalformedAndTooLong) {
  Connect();
  RawFields fields = RawGet("/a");
  for (int i = 0; i < 90; ++i) fields.emplace_back("", "a");
  Send(RawHeaders(1, fields, true));
  EXPECT_EQ(At(1).reset_code, static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  EXPECT_TRUE(reader_.goaways.empty());
  for (int i = 0; i < 10; ++i) fields.emplace_back("", "a");
  Send(RawHeaders(3, fields, true));
  EXPECT_TRUE(refused(NGHTTP2_PROTOCOL_ERROR));
  EXPECT_TRUE(handler_.seen.empty());
}

TEST_F(Http2ServerTest, RefusesTooManyAndTooLargeFields) {
  options_.max_headers = 10;
  options_.max_header_kb = 1;
  Connect();
  RawFields many = RawGet("/a");
  for (int i = 0; i < 10; ++i) many.emplace_back("x", "");
  RawFields crumbs = RawGet("/a");
  for (int i = 0; i < 10; ++i) crumbs.emplace_back("cookie", "a=b");
  RawFields large = RawGet("/a");
  large.emplace_back("x", std::string(1000, 'x'));
  const uint64_t before = StatsStore::Process().ValueOf("http2.header_overflow");
  Send(RawHeaders(1, many, true) + RawHeaders(3, crumbs, true) + RawHeaders(5, large, true) +
       RawHeaders(7, RawGet("/a"), true));
  EXPECT_EQ(At(1).status(), 431);
  EXPECT_EQ(At(3).status(), 431);
  EXPECT_EQ(At(5).status(), 431);
  EXPECT_EQ(At(7).status(), 200);
  EXPECT_EQ(StatsStore::Process().ValueOf("http2.header_overflow"), before + 3);
  EXPECT_EQ(handler_.ended[0].details, "http2.too_many_headers");
  EXPECT_EQ(handler_.ended[2].details, "http2.headers_too_large");
}

TEST_F(Http2ServerTest, RefusesStreamsAboveItsLimit) {
  options_.http2.max_concurrent_streams = 2;
  Connect();
  Send(RawHeaders(1, RawGet("/wait"), true) + RawHeaders(3, RawGet("/wait2"), true) +
       RawHeaders(5, RawGet("/a"), true) + RawHeaders(7, RawGet("/a"), true));
  EXPECT_LE(handler_.seen.size(), 4u);
  EXPECT_TRUE(At(7).ended || At(7).reset || !reader_.goaways.empty());
}

TEST_F(Http2ServerTest, LeavesOrdinaryTrafficAlone) {
  Connect();
  for (uint32_t i = 0; i < 2000; ++i) {
    std::string bytes = RawHeaders(StreamId(i), RawPost("/echo"), false) + RawData(StreamId(i), "ab", true);
    if (i % 20 == 0) bytes += RawPing("pingping") + RawWindowUpdate(0, 100);
    Send(bytes);
    ASSERT_EQ(At(StreamId(i)).body, "ab") << i;
  }
  EXPECT_TRUE(reader_.goaways.empty());
}

}  // namespace
}  // namespace narthex
