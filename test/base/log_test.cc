#include "source/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

#include "gtest/gtest.h"
#include "source/base/check.h"

namespace narthex {
namespace {

// A log file of the test's own.
class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    const char* base = std::getenv("TEST_TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/log_test." + std::to_string(getpid());
    unlink(path_.c_str());
    EXPECT_TRUE(ProcessLog::Open(path_).ok());
    ProcessLog::SetLevel(LogLevel::kInfo);
  }
  ~LogTest() override { unlink(path_.c_str()); }

  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  std::string path_;
};

TEST_F(LogTest, LinesHaveEnvoysForm) {
  NARTHEX_LOG(kWarning, "upstream") << "host " << std::string("a") << ' ' << 3 << " " << true;
  const std::regex form(R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[warning\]\[upstream\] )"
                        R"(\[\S*log_test\.cc:\d+\] host a 3 true\n)");
  EXPECT_TRUE(std::regex_match(Read(path_), form)) << Read(path_);
}

TEST_F(LogTest, NothingIsEvaluatedBelowTheLevel) {
  int evaluated = 0;
  NARTHEX_LOG(kDebug, "quiet") << ++evaluated;
  EXPECT_EQ(evaluated, 0);
  EXPECT_EQ(Read(path_), "");
  EXPECT_TRUE(ProcessLog::SetComponentLevel("quiet", LogLevel::kTrace));
  NARTHEX_LOG(kDebug, "quiet") << ++evaluated;
  EXPECT_EQ(evaluated, 1);
  NARTHEX_LOG(kDebug, "another") << ++evaluated;
  EXPECT_EQ(evaluated, 1);
  ProcessLog::SetLevel(LogLevel::kOff);
  NARTHEX_LOG(kCritical, "quiet") << ++evaluated;
  EXPECT_EQ(evaluated, 1);
}

TEST_F(LogTest, ComponentsAreListedWithTheirLevels) {
  LogComponent::Find("listed");
  ProcessLog::SetComponentLevel("listed", LogLevel::kError);
  bool found = false;
  for (const auto& [name, level] : ProcessLog::Components()) {
    if (name == "listed") found = level == LogLevel::kError;
  }
  EXPECT_TRUE(found);
  EXPECT_FALSE(ProcessLog::SetComponentLevel("no such component", LogLevel::kError));
}

TEST_F(LogTest, NoByteEndsTheLine) {
  for (int byte = 0; byte < 256; ++byte) {
    NARTHEX_LOG(kInfo, "bytes") << "<" << static_cast<char>(byte) << ">";
  }
  const std::string text = Read(path_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 256);
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c < 0x7f));
}

TEST_F(LogTest, GoesOnInANewFileAfterReopening) {
  const std::string moved = path_ + ".1";
  NARTHEX_LOG(kInfo, "reopen") << "first";
  ASSERT_EQ(std::rename(path_.c_str(), moved.c_str()), 0);
  NARTHEX_LOG(kInfo, "reopen") << "second";
  ASSERT_TRUE(ProcessLog::Reopen().ok());
  NARTHEX_LOG(kInfo, "reopen") << "third";
  EXPECT_NE(Read(moved).find("second"), std::string::npos);
  EXPECT_EQ(Read(path_).find("second"), std::string::npos);
  EXPECT_NE(Read(path_).find("third"), std::string::npos);
  unlink(moved.c_str());
}

TEST_F(LogTest, SaysWhyAFileCannotBeOpened) {
  const absl::Status status = ProcessLog::Open("/nonexistent/directory/log");
  EXPECT_NE(status.message().find("/nonexistent/directory/log"), absl::string_view::npos);
  NARTHEX_LOG(kInfo, "still") << "there";
  EXPECT_NE(Read(path_).find("there"), std::string::npos);
}

TEST_F(LogTest, LinesOfThreadsDoNotMix) {
  constexpr int kLines = 500;
  std::vector<std::thread> threads;
  for (const char* text : {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}) {
    threads.emplace_back([text] {
      for (int i = 0; i < kLines; ++i) NARTHEX_LOG(kInfo, "threads") << text;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(Read(path_));
  int whole = 0;
  for (std::string line; std::getline(lines, line);) {
    whole += line.ends_with("] aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") ||
             line.ends_with("] bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
  }
  EXPECT_EQ(whole, 2 * kLines);
}

TEST(LogLevelNames, AreFoundAndPrinted) {
  EXPECT_EQ(FindLogLevel("warn"), LogLevel::kWarning);
  EXPECT_EQ(FindLogLevel("off"), LogLevel::kOff);
  EXPECT_EQ(FindLogLevel("loud"), std::nullopt);
  EXPECT_EQ(LogLevelName(LogLevel::kCritical), "critical");
}

TEST(CheckDeathTest, EndsTheProcessWithThePlace) {
  NARTHEX_CHECK(1 + 1 == 2);
  EXPECT_DEATH(NARTHEX_CHECK(1 + 1 == 3), "log_test.cc:[0-9]+: broken invariant: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace narthex
