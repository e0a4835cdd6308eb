#include "source/manager/access_log_sink.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/stats/stats.h"

namespace narthex {
namespace {

using std::chrono::seconds;

class AccessLogSinkTest : public ::testing::Test {
 protected:
  AccessLogSinkTest() {
    const char* base = std::getenv("TEST_TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/access." + std::to_string(getpid());
    Remove();
  }
  ~AccessLogSinkTest() override { Remove(); }
  void Remove() {
    unlink(path_.c_str());
    unlink((path_ + ".1").c_str());
  }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static uint64_t Stat(std::string_view name) {
    return StatsStore::Process().ValueOf("filesystem." + std::string(name));
  }

  std::string path_;
};

TEST_F(AccessLogSinkTest, WritesWhatWasAppendedAndMakesTheFileWithTheFirstLine) {
  auto sink = AccessLogSink::ForFile(path_);
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
  sink->Append("one\n");
  sink->Append("two\n");
  ASSERT_TRUE(sink->Flush(seconds(20)));
  EXPECT_EQ(Read(path_), "one\ntwo\n");
  EXPECT_TRUE(sink->Flush(seconds(20)));
}

TEST_F(AccessLogSinkTest, LogsToOnePathShareASink) {
  auto sink = AccessLogSink::ForFile(path_);
  EXPECT_EQ(AccessLogSink::ForFile(path_), sink);
  EXPECT_NE(AccessLogSink::ForFile(path_ + ".1"), sink);
  EXPECT_EQ(AccessLogSink::ForDescriptor(1), AccessLogSink::ForDescriptor(1));
}

TEST_F(AccessLogSinkTest, LinesOutliveTheirSink) {
  AccessLogSink::ForFile(path_)->Append("last words\n");
  ASSERT_TRUE(AccessLogSink::FlushAll(seconds(20)));
  EXPECT_EQ(Read(path_), "last words\n");
}

TEST_F(AccessLogSinkTest, LinesBeforeReopeningGoToTheOldFile) {
  auto sink = AccessLogSink::ForFile(path_);
  sink->Append("first\n");
  ASSERT_TRUE(sink->Flush(seconds(20)));
  ASSERT_EQ(std::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  sink->Append("second\n");
  AccessLogSink::ReopenAll();
  sink->Append("third\n");
  ASSERT_TRUE(sink->Flush(seconds(20)));
  EXPECT_EQ(Read(path_ + ".1"), "first\nsecond\n");
  EXPECT_EQ(Read(path_), "third\n");
}

TEST_F(AccessLogSinkTest, KeepsTheOldFileWhenReopeningFails) {
  const std::string directory = path_ + ".d";
  ASSERT_EQ(mkdir(directory.c_str(), 0755), 0);
  const std::string inside = directory + "/log";
  auto sink = AccessLogSink::ForFile(inside);
  sink->Append("a\n");
  ASSERT_TRUE(sink->Flush(seconds(20)));
  ASSERT_EQ(std::rename(inside.c_str(), path_.c_str()), 0);
  ASSERT_EQ(rmdir(directory.c_str()), 0);
  const uint64_t failed = Stat("reopen_failed");
  AccessLogSink::ReopenAll();
  sink->Append("b\n");
  ASSERT_TRUE(sink->Flush(seconds(20)));
  EXPECT_EQ(Stat("reopen_failed"), failed + 1);
  EXPECT_EQ(Read(path_), "a\nb\n");
}

TEST_F(AccessLogSinkTest, ThreadsAppendWholeLines) {
  auto sink = AccessLogSink::ForFile(path_);
  constexpr int kLines = 2'000;
  std::vector<std::thread> threads;
  for (const char letter : {'a', 'b', 'c'}) {
    threads.emplace_back([&sink, letter] {
      const std::string line = std::string(60, letter) + "\n";
      for (int i = 0; i < kLines; ++i) sink->Append(line);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(sink->Flush(seconds(20)));
  std::istringstream lines(Read(path_));
  int whole = 0;
  for (std::string line; std::getline(lines, line);) {
    whole += line.size() == 60 && line.find_first_not_of(line[0]) == std::string::npos;
  }
  EXPECT_EQ(whole, 3 * kLines);
}

TEST_F(AccessLogSinkTest, AFileThatCannotBeOpenedLosesItsLinesAndIsCounted) {
  auto sink = AccessLogSink::ForFile("/nonexistent/directory/access.log");
  const uint64_t failed = Stat("write_failed");
  sink->Append("lost\n");
  ASSERT_TRUE(sink->Flush(seconds(20)));
  EXPECT_EQ(Stat("write_failed"), failed + 1);
}

TEST_F(AccessLogSinkTest, APipeThatNobodyReadsNeitherBlocksNorGrowsWithoutEnd) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const uint64_t dropped = Stat("write_dropped");
  auto sink = AccessLogSink::ForDescriptor(ends[1]);
  const std::string line = std::string(1023, 'x') + "\n";
  // What a batch under way and the memory hold, and more.
  constexpr size_t kLines = 3 * AccessLogSink::kMaxPending / 1024;
  for (size_t i = 0; i < kLines; ++i) sink->Append(line);
  EXPECT_FALSE(sink->Flush(std::chrono::milliseconds(1)));
  EXPECT_GT(Stat("write_dropped"), dropped);
  const uint64_t lost = Stat("write_dropped") - dropped;

  // Once somebody reads, every line that was kept arrives whole.
  size_t read_bytes = 0;
  std::thread reader([&] {
    std::vector<char> bytes(1 << 16);
    for (ssize_t n; (n = read(ends[0], bytes.data(), bytes.size())) > 0;)
      read_bytes += static_cast<size_t>(n);
  });
  EXPECT_TRUE(sink->Flush(seconds(20)));
  close(ends[1]);
  reader.join();
  close(ends[0]);
  EXPECT_EQ(read_bytes, (kLines - lost) * 1024);
}

TEST_F(AccessLogSinkTest, APipeThatIsClosedIsAnErrorAndNotTheEnd) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  const uint64_t failed = Stat("write_failed");
  auto sink = AccessLogSink::ForDescriptor(ends[1]);
  sink->Append("x\n");
  EXPECT_TRUE(sink->Flush(seconds(20)));
  EXPECT_EQ(Stat("write_failed"), failed + 1);
  close(ends[1]);
}

}  // namespace
}  // namespace narthex
