#include "source/router/grpc_timeout.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

TEST(GrpcTimeout, ReadsEachUnitRoundedUp) {
  EXPECT_EQ(ParseGrpcTimeout("2H"), milliseconds(7'200'000));
  EXPECT_EQ(ParseGrpcTimeout("3M"), milliseconds(180'000));
  EXPECT_EQ(ParseGrpcTimeout("5S"), milliseconds(5000));
  EXPECT_EQ(ParseGrpcTimeout("250m"), milliseconds(250));
  EXPECT_EQ(ParseGrpcTimeout("1001u"), milliseconds(2));
  EXPECT_EQ(ParseGrpcTimeout("1n"), milliseconds(1));
  EXPECT_EQ(ParseGrpcTimeout("0m"), milliseconds(0));
  EXPECT_EQ(ParseGrpcTimeout("99999999H"), std::chrono::hours(99'999'999));
}

TEST(GrpcTimeout, RefusesOtherValues) {
  for (const char* value : {"", "m", "5", "5s", "-5S", "+5S", " 5S", "5 S", "5.0S", "123456789m", "5Sm"}) {
    EXPECT_EQ(ParseGrpcTimeout(value), std::nullopt) << value;
  }
}

TEST(GrpcTimeout, SaysADurationInEightDigits) {
  EXPECT_EQ(FormatGrpcTimeout(milliseconds(0)), "0m");
  EXPECT_EQ(FormatGrpcTimeout(milliseconds(99'999'999)), "99999999m");
  EXPECT_EQ(FormatGrpcTimeout(milliseconds(100'000'999)), "100000S");
  EXPECT_EQ(FormatGrpcTimeout(std::chrono::hours(99'999'998)), "99999998H");
  EXPECT_EQ(FormatGrpcTimeout(std::chrono::hours(200'000'000)), "99999999H");
}

}  // namespace
}  // namespace narthex
