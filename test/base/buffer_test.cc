#include "source/base/buffer.h"

#include <cstring>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(Buffer, MovesBytesWithoutCopyingBlocks) {
  Buffer a(std::string(40'000, 'a'));
  const char* first = a.Front().data();
  Buffer b;
  b.Append(std::move(a));
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.Front().data(), first);
  EXPECT_EQ(b.size(), 40'000u);
}

TEST(Buffer, TakeSharesABlockAndLeavesTheRestUntouched) {
  Buffer buffer("hello world");
  Buffer hello = buffer.Take(5);
  EXPECT_EQ(hello.ToString(), "hello");
  EXPECT_EQ(buffer.ToString(), " world");
  hello.Append("!");  // the block is shared: this must not write over " world"
  EXPECT_EQ(hello.ToString(), "hello!");
  EXPECT_EQ(buffer.ToString(), " world");
}

TEST(Buffer, ShareKeepsBothUsable) {
  Buffer buffer("body");
  Buffer copy = buffer.Share();
  copy.Consume(2);
  EXPECT_EQ(copy.ToString(), "dy");
  EXPECT_EQ(buffer.ToString(), "body");
}

TEST(Buffer, LinearizeJoinsWhatSpansBlocks) {
  Buffer buffer(std::string(Block::kSize - 2, 'x'));
  buffer.Append("abcdef");
  buffer.Consume(Block::kSize - 4);
  ASSERT_TRUE(buffer.Linearize(8));
  EXPECT_EQ(buffer.Front().substr(0, 8), "xxabcdef");
  EXPECT_EQ(buffer.size(), 8u);
  EXPECT_FALSE(buffer.Linearize(9));
}

TEST(Buffer, GivesUnusedReservedBlocksBack) {
  const size_t live = Block::LiveBlocks();
  Buffer buffer("ab");
  iovec pieces[8];
  const size_t count = buffer.ReserveVectors(pieces, 8, 60'000);
  EXPECT_GT(count, 3u);
  buffer.Commit(0);
  EXPECT_EQ(Block::LiveBlocks(), live + 1);
  EXPECT_EQ(buffer.ToString(), "ab");
}

TEST(Buffer, HoldsNoBlockWhenEmpty) {
  const size_t live = Block::LiveBlocks();
  Buffer buffer;
  buffer.Reserve();
  buffer.Commit(0);
  EXPECT_EQ(Block::LiveBlocks(), live);
}

// Random operations against a string that does the same.
TEST(Buffer, BehavesAsAString) {
  std::mt19937 random(42);
  Buffer buffer;
  std::string model;
  for (int step = 0; step < 20'000; ++step) {
    const size_t n = random() % 5000;
    switch (random() % 5) {
      case 0: {
        std::string bytes(n, static_cast<char>('a' + step % 26));
        buffer.Append(bytes);
        model += bytes;
        break;
      }
      case 1: {
        const size_t used = std::min(n, buffer.size());
        buffer.Consume(used);
        model.erase(0, used);
        break;
      }
      case 2: {
        Buffer taken = buffer.Take(std::min(n, buffer.size()));
        ASSERT_EQ(taken.ToString(), model.substr(0, taken.size()));
        model.erase(0, taken.size());
        if (step % 2 == 0) {
          model += taken.ToString();
          buffer.Append(std::move(taken));
        }
        break;
      }
      case 3: {
        iovec pieces[4];
        const size_t count = buffer.ReserveVectors(pieces, 4, n + 1);
        size_t left = n, filled = 0;
        for (size_t i = 0; i < count && left > 0; ++i) {
          const size_t part = std::min(left, pieces[i].iov_len);
          memset(pieces[i].iov_base, 'r', part);
          filled += part;
          left -= part;
        }
        buffer.Commit(filled);
        model.append(filled, 'r');
        break;
      }
      case 4:
        buffer.Linearize(std::min<size_t>(n, buffer.size()));
        break;
    }
    ASSERT_EQ(buffer.size(), model.size());
    if (step % 50 == 0) ASSERT_EQ(buffer.ToString(), model);
  }
}

}  // namespace
}  // namespace narthex
