#include "source/upstream/breakers.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(SharedSum, IsReachedWhenTheWorkersTogetherAreThere) {
  SharedSum sum;
  SharedCell& first = sum.AddCell();
  SharedCell& second = sum.AddCell();
  first.Add(3);
  EXPECT_FALSE(sum.Reached(first, 4));
  second.Add(1);
  EXPECT_TRUE(sum.Reached(first, 4));
  // Below its share of 2 a worker goes on.
  EXPECT_FALSE(sum.Reached(second, 4));
  first.Sub(1);
  EXPECT_FALSE(sum.Reached(first, 4));
  EXPECT_TRUE(sum.Reached(first, 0));
  EXPECT_EQ(sum.Read(), 3);
}

}  // namespace
}  // namespace narthex
