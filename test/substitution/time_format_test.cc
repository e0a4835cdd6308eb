#include "source/substitution/time_format.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

std::string Format(std::string_view format, int64_t nanoseconds = 1'522'796'769'123'456'789) {
  TimeFormat time;
  EXPECT_EQ(time.Parse(format), "");
  std::string out;
  time.AppendTo(out, std::chrono::system_clock::time_point(std::chrono::nanoseconds(nanoseconds)));
  return out;
}

TEST(TimeFormat, TheDefaultHasMilliseconds) {
  EXPECT_EQ(Format(""), "2018-04-03T23:06:09.123Z");
  EXPECT_EQ(Format("", 1'522'796'769'999'999'999), "2018-04-03T23:06:09.999Z");
  EXPECT_EQ(Format("", 0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(Format("", -1), "1969-12-31T23:59:59.999Z");
}

TEST(TimeFormat, EnvoysConversions) {
  EXPECT_EQ(Format("%s"), "1522796769");
  EXPECT_EQ(Format("%3s"), "1522796769123");
  EXPECT_EQ(Format("%9s"), "1522796769123456789");
  EXPECT_EQ(Format("%Y/%m/%d %H:%M:%S.%3f"), "2018/04/03 23:06:09.123");
  EXPECT_EQ(Format("%f %1f %6f"), "123456789 1 123456");
  EXPECT_EQ(Format("%E3S|%E6f"), "09.123|123456");
  EXPECT_EQ(Format("%a, %d %b %Y %T %z %Z 100%%"), "Tue, 03 Apr 2018 23:06:09 +0000 UTC 100%");
}

TEST(TimeFormat, RefusesWhatItDoesNotKnow) {
  for (const char* format : {"%", "%Q", "%E", "%E3", "%3Y", "%ES", "%3", "%Es", "%n"}) {
    EXPECT_NE(TimeFormat().Parse(format), "") << format;
  }
  EXPECT_NE(TimeFormat().Parse(std::string(500, 'x')), "");
}

}  // namespace
}  // namespace narthex
