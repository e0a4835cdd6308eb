#include "source/http/websocket_frames.h"

#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

using namespace std::string_literals;

constexpr char kClose[] = "\x88\x02\x03\xe9";

// A frame of a server, with the least head for its length.
std::string Frame(size_t length, char first = '\x82') {
  std::string head(1, first);
  if (length < 126) {
    head += static_cast<char>(length);
  } else if (length < 65536) {
    head += {'\x7e', static_cast<char>(length >> 8), static_cast<char>(length)};
  } else {
    head += '\x7f';
    for (int shift = 56; shift >= 0; shift -= 8) head += static_cast<char>(length >> shift);
  }
  return head + std::string(length, 'x');
}

// The same of a client.
std::string Masked(size_t length) {
  std::string frame = Frame(length);
  const size_t head = frame.size() - length;
  frame[1] = static_cast<char>(frame[1] | '\x80');
  return frame.insert(head, "mask");
}

TEST(WebSocketFrames, KnowsWhereFramesEndWhereverTheyAreCut) {
  for (const std::string& frame : {Frame(0), Frame(1), Frame(125), Frame(126), Frame(300), Frame(65536),
                                   Masked(0), Masked(5), Masked(126), Masked(70000)}) {
    const std::string bytes = frame + Frame(2) + frame;
    for (size_t cut = 0; cut <= bytes.size(); cut += cut < 20 || cut + 20 > bytes.size() ? 1 : 997) {
      WebSocketFrames frames;
      frames.Follow(std::string_view(bytes).substr(0, cut));
      const bool between = cut == 0 || cut == frame.size() || cut == frame.size() + 4 || cut == bytes.size();
      EXPECT_EQ(frames.MayClose(), between) << cut << " of " << frame.size();
      frames.Follow(std::string_view(bytes).substr(cut));
      EXPECT_TRUE(frames.MayClose()) << cut << " of " << frame.size();
    }
  }
}

TEST(WebSocketFrames, MayStandBetweenTheFramesOfAMessage) {
  WebSocketFrames frames;
  frames.Follow(Frame(3, '\x02'));
  EXPECT_TRUE(frames.MayClose());
  frames.Follow(Frame(3, '\x80'));
  EXPECT_TRUE(frames.MayClose());
}

TEST(WebSocketFrames, NothingFollowsACloseFrame) {
  for (const std::string& close : {std::string(kClose), "\x88\x00"s, "\x88\x82mask\1\2"s}) {
    WebSocketFrames frames;
    frames.Follow(Frame(1));
    frames.Follow(close);
    EXPECT_FALSE(frames.MayClose());
    frames.Follow(Frame(1));
    EXPECT_FALSE(frames.MayClose());
  }
}

TEST(WebSocketFrames, AnImpossibleLengthEndsIt) {
  WebSocketFrames frames;
  frames.Follow("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"s);
  frames.Follow(std::string(100, '\0'));
  EXPECT_FALSE(frames.MayClose());
}

TEST(WebSocketFrames, ReadsBuffersOfManyBlocks) {
  WebSocketFrames frames;
  Buffer bytes;
  for (int i = 0; i < 3; ++i) bytes.Append(Frame(100'000));
  frames.Follow(bytes);
  EXPECT_TRUE(frames.MayClose());
  Buffer part;
  part.Append(Frame(100'000).substr(0, 99'999));
  frames.Follow(part);
  EXPECT_FALSE(frames.MayClose());
  frames.Follow(Buffer(std::string(11, 'x')));
  EXPECT_TRUE(frames.MayClose());
}

TEST(GoingAway, IsAFrameThatSaysSo) {
  EXPECT_EQ(GoingAwayFromServer(), kClose);
  const std::string masked = GoingAwayFromClient(0xa1b2c3d4);
  ASSERT_EQ(masked.size(), 8u);
  EXPECT_EQ(masked.substr(0, 6), "\x88\x82\xa1\xb2\xc3\xd4"s);
  EXPECT_EQ(static_cast<char>(masked[6] ^ '\xa1'), '\x03');
  EXPECT_EQ(static_cast<char>(masked[7] ^ '\xb2'), '\xe9');
  WebSocketFrames frames;
  frames.Follow(masked);
  EXPECT_FALSE(frames.MayClose());
}

}  // namespace
}  // namespace narthex
