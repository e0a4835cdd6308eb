#include "source/event/file_watch.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "gtest/gtest.h"
#include "source/base/log.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

// Writes a file again and again.
class Busy {
 public:
  Busy(EventLoop& loop, std::string file)
      : file_(std::move(file)),
        timer_(loop.wheel(), [](void* self) { static_cast<Busy*>(self)->Write(); }, this) {
    Write();
  }

 private:
  void Write() {
    std::ofstream(file_) << std::string(++size_, 'x');
    timer_.Arm(milliseconds(5));
  }

  const std::string file_;
  size_t size_ = 10;
  Timer timer_;
};

// A folder of its own, a watch on one file in it, and a loop that runs until the watch speaks or time is up.
class FileWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/watch-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~FileWatchTest() override { std::filesystem::remove_all(folder_); }

  std::string At(const std::string& name) const { return folder_ / name; }
  void Write(const std::string& name, const std::string& text) const { std::ofstream(At(name)) << text; }
  void Watch(const std::string& name) {
    const auto on_change = [this] {
      ++changes_;
      loop_->Stop();
    };
    watch_ = FileWatch::Make(*loop_, {At(name)}, milliseconds(20), on_change, milliseconds(50));
    ASSERT_NE(watch_, nullptr);
  }
  // How many changes were said within `time`, at most one if there is one.
  int ChangesWithin(milliseconds time) {
    changes_ = 0;
    Timer enough(loop_->wheel(), [](void* loop) { static_cast<EventLoop*>(loop)->Stop(); }, loop_.get());
    enough.Arm(time);
    loop_->Run();
    return changes_;
  }
  int Changes() { return ChangesWithin(milliseconds(5000)); }
  int ChangesSoon() { return ChangesWithin(milliseconds(150)); }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  std::filesystem::path folder_;
  std::unique_ptr<FileWatch> watch_;
  int changes_ = 0;
};

TEST_F(FileWatchTest, SaysThatAFileWasWritten) {
  Write("a.yaml", "one");
  Watch("a.yaml");
  Write("a.yaml", "longer");
  EXPECT_EQ(Changes(), 1);
}

TEST_F(FileWatchTest, SaysThatAFileWasReplaced) {
  Write("a.yaml", "one");
  Watch("a.yaml");
  Write("new", "two");
  std::filesystem::rename(At("new"), At("a.yaml"));
  EXPECT_EQ(Changes(), 1);
  Write("new", "three");
  std::filesystem::rename(At("new"), At("a.yaml"));
  EXPECT_EQ(Changes(), 1);
}

TEST_F(FileWatchTest, ABurstIsOneChange) {
  Write("a.yaml", "one");
  Watch("a.yaml");
  for (int i = 0; i < 10; ++i) Write("a.yaml", std::string(static_cast<size_t>(i) + 10, 'x'));
  EXPECT_EQ(Changes(), 1);
  EXPECT_EQ(ChangesSoon(), 0);
}

TEST_F(FileWatchTest, OtherFilesOfTheFolderAreNotIts) {
  Write("a.yaml", "one");
  Watch("a.yaml");
  Write("b.yaml", "two");
  EXPECT_EQ(ChangesSoon(), 0);
}

TEST_F(FileWatchTest, OtherFilesDoNotPutAChangeOff) {
  std::filesystem::create_directory(At("folder"));
  Write("folder/a.yaml", "one");
  Watch("folder/a.yaml");
  Busy beside(*loop_, At("folder/other")), above(*loop_, At("other"));
  Write("folder/a.yaml", "longer");
  EXPECT_EQ(Changes(), 1);
  EXPECT_EQ(ChangesSoon(), 0);
}

TEST_F(FileWatchTest, AWriterThatNeverRestsDoesNotPutAChangeOffForEver) {
  Write("a.yaml", "one");
  Watch("a.yaml");
  Busy busy(*loop_, At("a.yaml"));
  EXPECT_EQ(Changes(), 1);
  EXPECT_EQ(Changes(), 1);
}

TEST_F(FileWatchTest, LooksWhereThereIsNoDirectoryToWatchYet) {
  Watch("x/y/a.yaml");
  EXPECT_EQ(ChangesSoon(), 0);
  std::filesystem::create_directories(At("x/y"));
  Write("x/y/a.yaml", "one");
  EXPECT_EQ(Changes(), 1);
  Write("x/y/a.yaml", "longer");
  EXPECT_EQ(Changes(), 1);
}

TEST_F(FileWatchTest, SaysOnceThatItCannotWatch) {
  ASSERT_TRUE(ProcessLog::Open(At("log")).ok());
  const std::string impossible(300, 'x');
  Watch(impossible + "/y/a.yaml");
  EXPECT_EQ(ChangesSoon(), 0);
  ASSERT_TRUE(ProcessLog::Open("/dev/stderr").ok());
  std::ifstream log(At("log"));
  const std::string text(std::istreambuf_iterator<char>(log), {});
  const size_t said = text.find("cannot watch \"" + At(impossible));
  EXPECT_NE(said, std::string::npos) << text;
  EXPECT_EQ(text.find("cannot watch", said + 1), std::string::npos) << text;
}

TEST_F(FileWatchTest, AFileThatIsGoneIsNoChangeButItsReturnIs) {
  Write("a.yaml", "one");
  Watch("a.yaml");
  std::filesystem::remove(At("a.yaml"));
  EXPECT_EQ(ChangesSoon(), 0);
  Write("a.yaml", "back again");
  EXPECT_EQ(Changes(), 1);
}

// As Kubernetes mounts a ConfigMap: a.yaml -> ..data/a.yaml, ..data -> ..1, and an update swaps ..data.
TEST_F(FileWatchTest, SaysThatALinkOnTheWayWasSwapped) {
  for (const char* version : {"..1", "..2"}) {
    std::filesystem::create_directory(At(version));
    Write(std::string(version) + "/a.yaml", "same size");
  }
  std::filesystem::create_symlink("..1", At("..data"));
  std::filesystem::create_symlink("..data/a.yaml", At("a.yaml"));
  Watch("a.yaml");
  std::filesystem::create_symlink("..2", At("..data_tmp"));
  std::filesystem::rename(At("..data_tmp"), At("..data"));
  EXPECT_EQ(Changes(), 1);
}

}  // namespace
}  // namespace narthex
