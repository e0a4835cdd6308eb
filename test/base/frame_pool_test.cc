#include "source/base/frame_pool.h"

#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(FramePool, EachSizeIsWhollyUsableAndAligned) {
  std::vector<std::pair<void*, size_t>> taken;
  for (size_t size : {size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{4096}, size_t{8192}, size_t{8193},
                      size_t{100'000}}) {
    void* memory = FramePool::Take(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % alignof(std::max_align_t), 0u) << size;
    std::memset(memory, static_cast<int>(size & 0xFF), size);
    taken.emplace_back(memory, size);
  }
  for (const auto& [memory, size] : taken) {
    const auto* bytes = static_cast<const unsigned char*>(memory);
    EXPECT_EQ(bytes[0], size & 0xFF);
    EXPECT_EQ(bytes[size - 1], size & 0xFF);
    FramePool::Give(memory, size);
  }
}

TEST(FramePool, WhatIsHeldAtTheSameTimeIsDistinct) {
  constexpr size_t kSize = 200, kCount = 2000;  // more than a class keeps
  std::set<void*> held;
  for (size_t i = 0; i < kCount; ++i) EXPECT_TRUE(held.insert(FramePool::Take(kSize)).second);
  for (void* memory : held) FramePool::Give(memory, kSize);
  held.clear();
  for (size_t i = 0; i < kCount; ++i) EXPECT_TRUE(held.insert(FramePool::Take(kSize)).second);
  for (void* memory : held) FramePool::Give(memory, kSize);
}

#ifndef NARTHEX_FRAMES_FROM_MALLOC
TEST(FramePool, GivesBackWhatWasGivenLastForAnySizeOfTheClass) {
  void* memory = FramePool::Take(65);
  FramePool::Give(memory, 65);
  EXPECT_EQ(FramePool::Take(128), memory);
  FramePool::Give(memory, 128);
  void* other = FramePool::Take(129);
  EXPECT_NE(other, memory);
  FramePool::Give(other, 129);
}
#endif

TEST(FramePool, WorksOnAfterATrim) {
  FramePool::Give(FramePool::Take(64), 64);
  FramePool::Trim();
  FramePool::Trim();
  void* memory = FramePool::Take(64);
  std::memset(memory, 1, 64);
  FramePool::Give(memory, 64);
}

TEST(FramePool, ThreadsHaveTheirOwnAndLeaveNothing) {
  void* mine = FramePool::Take(64);
  FramePool::Give(mine, 64);
  void* theirs = nullptr;
  std::thread other([&] {
    theirs = FramePool::Take(64);
    FramePool::Give(theirs, 64);
  });
  other.join();
#ifndef NARTHEX_FRAMES_FROM_MALLOC
  EXPECT_NE(theirs, mine);
  EXPECT_EQ(FramePool::Take(64), mine);
  FramePool::Give(mine, 64);
#endif
}

}  // namespace
}  // namespace narthex
