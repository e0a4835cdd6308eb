#include "source/base/random.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(Random, UuidsAreVersion4AndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    char text[36];
    WriteUuid(text);
    const std::string uuid(text, 36);
    EXPECT_EQ(uuid[8], '-');
    EXPECT_EQ(uuid[13], '-');
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(Random, UsesAllBits) {
  uint64_t ones = 0, zeros = 0;
  for (int i = 0; i < 200; ++i) {
    const uint64_t bits = Random64();
    ones |= bits;
    zeros |= ~bits;
  }
  EXPECT_EQ(ones, ~uint64_t{0});
  EXPECT_EQ(zeros, ~uint64_t{0});
}

}  // namespace
}  // namespace narthex
