#include "source/http/grpc_frames.h"

#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

using namespace std::string_literals;

TEST(GrpcFrames, FindsMessagesWhereverTheyAreCut) {
  const std::string body = "\0\0\0\0\3abc"s + "\1\0\0\0\0"s + "\0\0\0\1\0"s + std::string(256, 'x');
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    GrpcFrames frames;
    frames.AdvanceAll(std::string_view(body).substr(0, cut));
    EXPECT_EQ(frames.between_messages(), cut == 0 || cut == 8 || cut == 13 || cut == body.size()) << cut;
    frames.AdvanceAll(std::string_view(body).substr(cut));
    EXPECT_EQ(frames.begun(), 3u) << cut;
    EXPECT_TRUE(frames.between_messages()) << cut;
  }
}

TEST(GrpcFrames, StopsAtTheEndOfEach) {
  GrpcFrames frames;
  EXPECT_EQ(frames.Advance("\0\0\0\0\1a\0\0"s), 6u);
  EXPECT_TRUE(frames.between_messages());
  EXPECT_EQ(frames.Advance("\0\0"s), 2u);
  EXPECT_FALSE(frames.between_messages());
  EXPECT_EQ(frames.begun(), 2u) << "one that ends early has begun";
  // The longest there is.
  EXPECT_EQ(frames.Advance("\xff\xff\xff"s + "rest"), 7u);
  EXPECT_FALSE(frames.between_messages());
}

}  // namespace
}  // namespace narthex
