#include "source/overload/reduced_timeouts.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

constexpr auto kIdle = ScaledTimeout::kConnectionIdle;

ReducedTimeouts At(double scale, const LeastTimeout& least) {
  ReducedTimeouts reduced;
  reduced.least[static_cast<size_t>(kIdle)] = least;
  reduced.scale = scale;
  return reduced;
}

TEST(ReducedTimeouts, GoDownToAnAmountInProportion) {
  const LeastTimeout least{.at_least = milliseconds(100)};
  EXPECT_EQ(At(0, least).Of(kIdle, milliseconds(1100)), milliseconds(1100));
  EXPECT_EQ(At(0.5, least).Of(kIdle, milliseconds(1100)), milliseconds(600));
  EXPECT_EQ(At(1, least).Of(kIdle, milliseconds(1100)), milliseconds(100));
}

TEST(ReducedTimeouts, GoDownToAShare) {
  const LeastTimeout least{.share = 0.25};
  EXPECT_EQ(At(1, least).Of(kIdle, milliseconds(1000)), milliseconds(250));
  EXPECT_EQ(At(0.5, least).Of(kIdle, milliseconds(1000)), milliseconds(625));
  EXPECT_EQ(At(1, {.share = 0}).Of(kIdle, milliseconds(1000)), milliseconds(0));
}

TEST(ReducedTimeouts, NeverGoUpAndMakeNoneOfNone) {
  const LeastTimeout longer{.at_least = milliseconds(5000)};
  EXPECT_EQ(At(1, longer).Of(kIdle, milliseconds(1000)), milliseconds(1000));
  EXPECT_EQ(At(1, longer).Of(kIdle, milliseconds(0)), milliseconds(0));
  EXPECT_FALSE(At(1, longer).Over(kIdle, milliseconds(0), milliseconds(1'000'000)));
}

TEST(ReducedTimeouts, OthersStayAsTheyAre) {
  const ReducedTimeouts reduced = At(1, {.at_least = milliseconds(1)});
  EXPECT_EQ(reduced.Of(ScaledTimeout::kStreamIdle, milliseconds(1000)), milliseconds(1000));
  EXPECT_EQ(reduced.Of(ScaledTimeout::kTransportConnect, milliseconds(1000)), milliseconds(1000));
}

TEST(ReducedTimeouts, SayWhenIsLongEnough) {
  const ReducedTimeouts reduced = At(1, {.at_least = milliseconds(100)});
  EXPECT_FALSE(reduced.Over(kIdle, milliseconds(1000), milliseconds(99)));
  EXPECT_TRUE(reduced.Over(kIdle, milliseconds(1000), milliseconds(100)));
}

}  // namespace
}  // namespace narthex
