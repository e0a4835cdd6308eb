#include "source/http/http2/http2_output.h"

#include <string>

#include "gtest/gtest.h"
#include "test/net/fake_stream.h"

namespace narthex {
namespace {

constexpr size_t kFrame = 100;
constexpr size_t kInAStretch = 8 * 1024 / kFrame + 1;

class Http2OutputTest : public ::testing::Test {
 protected:
  void Add(size_t frames) {
    for (size_t i = 0; i < frames; ++i) {
      output_.Append(std::string(kFrame, 'f'));
      output_.EndFrame();
    }
  }
  // The peer takes so many of them.
  void Take(size_t frames) {
    peer_.window = frames * kFrame;
    output_.WriteTo(stream_);
  }

  FakePeer peer_;
  FakeStream stream_{peer_};
  Http2Output output_;
};

TEST_F(Http2OutputTest, CountsFramesUntilTheyAreOnTheirWay) {
  Add(600);
  Take(0);
  EXPECT_EQ(output_.frames(), 600u);
  Take(300);
  EXPECT_GE(output_.frames(), 300u);
  EXPECT_LE(output_.frames(), 300u + kInAStretch);
  Take(300);
  EXPECT_EQ(output_.frames(), 0u);
  EXPECT_EQ(output_.written(), 600 * kFrame);
}

// They do not add up, though something always waits.
TEST_F(Http2OutputTest, CountsWhatWaitsAndNotWhatHasGone) {
  Add(100);
  for (int i = 0; i < 10'000; ++i) {
    Add(7);
    Take(7);
    ASSERT_FALSE(output_.empty());
    ASSERT_GE(output_.frames(), 100u);
    ASSERT_LE(output_.frames(), 100u + kInAStretch);
  }
}

}  // namespace
}  // namespace narthex
