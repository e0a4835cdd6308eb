#include "source/overload/stream_accounts.h"

#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

using Resets = std::vector<int32_t>;

void Note(void* owner, int32_t stream) {
  static_cast<Resets*>(owner)->push_back(stream);
}

// Which of streams with so many bytes are reset, in this order; the first has number 0.
Resets ResetsOf(const std::vector<uint64_t>& bytes, uint32_t smallest, double scale) {
  StreamAccounts accounts(smallest, scale);
  Resets resets;
  for (size_t i = 0; i < bytes.size(); ++i) accounts.Add(bytes[i], &Note, &resets, static_cast<int32_t>(i));
  EXPECT_EQ(accounts.ResetLargest(), resets.size());
  return resets;
}

TEST(StreamAccounts, ResetsTheLargestFirst) {
  EXPECT_EQ(ResetsOf({1 << 20, 3 << 20, 2 << 20}, 10, 1), (Resets{1, 2, 0}));
}

TEST(StreamAccounts, LeavesWhatIsTooSmallToBeTracked) {
  EXPECT_EQ(ResetsOf({1023, 1024, 0}, 10, 1), (Resets{1}));
}

TEST(StreamAccounts, TheDegreeDecidesHowManyClassesGo) {
  // One of each class, from 2^10 on, and one far above the last.
  std::vector<uint64_t> bytes;
  for (uint32_t i = 0; i < StreamAccounts::kClasses; ++i) bytes.push_back(uint64_t{1} << (10 + i));
  bytes.push_back(uint64_t{1} << 30);
  EXPECT_EQ(ResetsOf(bytes, 10, 0), Resets());
  EXPECT_EQ(ResetsOf(bytes, 10, 0.01), (Resets{8, 7}));
  EXPECT_EQ(ResetsOf(bytes, 10, 0.125), (Resets{8, 7, 6}));
  EXPECT_EQ(ResetsOf(bytes, 10, 0.5), (Resets{8, 7, 6, 5, 4, 3}));
  EXPECT_EQ(ResetsOf(bytes, 10, 1).size(), bytes.size());
}

TEST(StreamAccounts, TheLargestPowerHasRoomForItsClasses) {
  EXPECT_EQ(ResetsOf({uint64_t{1} << 62, uint64_t{1} << 63}, 56, 0.01), (Resets{1}));
}

TEST(StreamAccounts, AFewAreResetAtATimeAndTheyAreTheLargest) {
  std::vector<uint64_t> bytes;
  for (uint64_t i = 0; i < 200; ++i) bytes.push_back(5000 + i * 37 % 200);
  const Resets resets = ResetsOf(bytes, 10, 1);
  ASSERT_EQ(resets.size(), StreamAccounts::kMost);
  for (size_t i = 0; i < resets.size(); ++i) {
    EXPECT_EQ(bytes[static_cast<size_t>(resets[i])], 5199 - i);
  }
}

TEST(StreamAccounts, WhatWasResetIsNotResetAgain) {
  StreamAccounts accounts(10, 1);
  Resets resets;
  accounts.Add(5000, &Note, &resets, 1);
  EXPECT_EQ(accounts.ResetLargest(), 1u);
  EXPECT_EQ(accounts.ResetLargest(), 0u);
  EXPECT_EQ(resets, (Resets{1}));
}

}  // namespace
}  // namespace narthex
