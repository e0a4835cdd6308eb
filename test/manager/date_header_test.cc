#include "source/manager/date_header.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

std::string_view At(std::time_t second) {
  return HttpDate(std::chrono::system_clock::from_time_t(second));
}

TEST(DateHeader, WritesThePreferredForm) {
  EXPECT_EQ(At(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(At(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(At(4102444799), "Thu, 31 Dec 2099 23:59:59 GMT");
}

TEST(DateHeader, FollowsTheClockAndAlsoBackwards) {
  EXPECT_EQ(At(100), "Thu, 01 Jan 1970 00:01:40 GMT");
  EXPECT_EQ(At(101), "Thu, 01 Jan 1970 00:01:41 GMT");
  EXPECT_EQ(At(100), "Thu, 01 Jan 1970 00:01:40 GMT");
}

}  // namespace
}  // namespace narthex
