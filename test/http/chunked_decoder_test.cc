#include "source/http/chunked_decoder.h"

#include <array>
#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "source/base/block.h"

namespace narthex {
namespace {

using Result = ChunkedDecoder::Result;

TEST(ChunkedDecoder, LeavesWhatFollowsTheBody) {
  ChunkedDecoder decoder;
  Buffer in("3\r\nabc\r\n0\r\n\r\nGET /"), out;
  EXPECT_EQ(decoder.Decode(in, out), Result::kDone);
  EXPECT_EQ(out.ToString(), "abc");
  EXPECT_EQ(in.ToString(), "GET /");
  EXPECT_EQ(decoder.TakeTrailers(), nullptr);
}

TEST(ChunkedDecoder, GivesPayloadBeforeItsChunkIsWhole) {
  ChunkedDecoder decoder;
  Buffer in("5\r\nab"), out;
  EXPECT_EQ(decoder.Decode(in, out), Result::kNeedMore);
  EXPECT_EQ(out.ToString(), "ab");
  EXPECT_TRUE(in.empty());
}

TEST(ChunkedDecoder, MovesPayloadWithoutCopying) {
  ChunkedDecoder decoder;
  Buffer in("28000\r\n");
  in.Append(std::string(0x28000, 'p') + "\r\n0\r\n\r\n");
  const size_t blocks = Block::LiveBlocks();
  Buffer out;
  EXPECT_EQ(decoder.Decode(in, out), Result::kDone);
  EXPECT_EQ(out.size(), 0x28000u);
  EXPECT_LE(Block::LiveBlocks(), blocks);
}

TEST(ChunkedDecoder, StaysAtItsError) {
  ChunkedDecoder decoder;
  Buffer in("x\r\n"), out;
  EXPECT_EQ(decoder.Decode(in, out), Result::kError);
  Buffer good("0\r\n\r\n");
  EXPECT_EQ(decoder.Decode(good, out), Result::kError);
}

TEST(ChunkedDecoder, SaysAtOnceThatALineIsTooLong) {
  ChunkedDecoder decoder;
  Buffer in("1;" + std::string(ChunkedDecoder::kMaxLine, 'a')), out;
  EXPECT_EQ(decoder.Decode(in, out), Result::kError);
}

TEST(ChunkedDecoder, BoundsTheExtensionsOfAWholeBody) {
  ChunkedDecoder decoder;
  Buffer out;
  const std::string chunk = "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  size_t taken = 0;
  while (taken < 100) {
    Buffer in(chunk);
    if (decoder.Decode(in, out) == Result::kError) break;
    ++taken;
  }
  EXPECT_EQ(taken, ChunkedDecoder::kMaxExtensionBytes / 1001);
}

TEST(ChunkedDecoder, JoinsTinyChunksSoThatTheyCostNoMoreThanTheirBytes) {
  ChunkedDecoder decoder;
  Buffer out;
  for (int i = 0; i < 10'000; ++i) {
    Buffer in("1\r\nx\r\n1\r\ny\r\n");
    ASSERT_EQ(decoder.Decode(in, out), Result::kNeedMore);
  }
  EXPECT_EQ(out.size(), 20'000u);
  iovec pieces[16];
  EXPECT_LE(out.Vectors(pieces, 16), 2u);
}

TEST(ChunkedDecoder, FindsTheEndOfALineWhereverBlocksEnd) {
  for (size_t before = 0; before < 12; ++before) {
    // The last bytes of a block hold every part of a chunk in turn.
    const size_t first = Block::kSize - 6 - before;
    std::array<char, 8> size;
    std::snprintf(size.data(), size.size(), "%zx", first);
    Buffer in(std::string(size.data()) + "\r\n" + std::string(first, 'x') + "\r\n3;a=b\r\nabc\r\n0\r\n\r\n"),
        out;
    ChunkedDecoder decoder;
    EXPECT_EQ(decoder.Decode(in, out), Result::kDone) << before;
    EXPECT_EQ(out.size(), first + 3);
    EXPECT_TRUE(in.empty());
  }
}

TEST(ChunkedDecoder, KeepsTrailersThatOutliveTheInput) {
  std::unique_ptr<HeaderMap> trailers;
  {
    ChunkedDecoder decoder;
    Buffer in("0\r\nGrpc-Status: 0\r\nX: a\r\n\r\n"), out;
    ASSERT_EQ(decoder.Decode(in, out), Result::kDone);
    trailers = decoder.TakeTrailers();
  }
  ASSERT_NE(trailers, nullptr);
  EXPECT_EQ(trailers->Get(Header::kGrpcStatus), "0");
  EXPECT_EQ(trailers->Get("x"), "a");
  EXPECT_EQ(trailers->size(), 2u);
}

TEST(ChunkedDecoder, DropsTrailersThatOnlyProxiesMayWrite) {
  ChunkedDecoder decoder;
  Buffer in(
      "0\r\nX-Envoy-Retry-On: 5xx\r\nX-Forwarded-Client-Cert: c\r\nx_forwarded_for: 1\r\nX-Real-IP: 1\r\n"
      "X-Forwarded-For: 1\r\nX-Forwarded-Host: h\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Proto: https\r\n"
      "X-Envoy-Internal: true\r\n"
      "my_field: a\r\nx-envoyes: b\r\n\r\n");
  Buffer out;
  ASSERT_EQ(decoder.Decode(in, out), Result::kDone);
  const std::unique_ptr<HeaderMap> trailers = decoder.TakeTrailers();
  ASSERT_NE(trailers, nullptr);
  EXPECT_EQ(trailers->size(), 2u);
  EXPECT_EQ(trailers->Get("my_field"), "a");
  EXPECT_EQ(trailers->Get("x-envoyes"), "b");
}

}  // namespace
}  // namespace narthex
