#include "source/overload/cpu_times.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace narthex {
namespace {

// A folder of files that the test writes.
class CpuTimesTest : public ::testing::Test {
 protected:
  CpuTimesTest() {
    std::string name = ::testing::TempDir() + "cpu_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~CpuTimesTest() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // Of a container, after ten seconds on a machine of four processors.
  absl::StatusOr<CpuTimes> OfContainer() const {
    return ContainerCpuTimesFrom(folder_ + "/v2", folder_ + "/v1", 10, 4);
  }

  std::string folder_;
};

TEST_F(CpuTimesTest, OfTheHostAreInOneLine) {
  Write("stat", "cpu  100 20 30 700 50 5 5 40 9 9\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
  const absl::StatusOr<CpuTimes> times = HostCpuTimesFrom(folder_ + "/stat");
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_EQ(times->used, 200) << "all but what is idle and what waits for disks";
  EXPECT_EQ(times->available, 950) << "guests' time is a part of the user's";
}

TEST_F(CpuTimesTest, OfTheHostMustBeWhole) {
  EXPECT_FALSE(HostCpuTimesFrom(folder_ + "/none").ok());
  Write("stat", "cpu 1 2 3\n");
  EXPECT_FALSE(HostCpuTimesFrom(folder_ + "/stat").ok());
  Write("stat", "intr 1 2 3 4 5 6 7 8\n");
  EXPECT_FALSE(HostCpuTimesFrom(folder_ + "/stat").ok());
}

TEST_F(CpuTimesTest, OfThisMachineCanBeRead) {
  const absl::StatusOr<CpuTimes> times = HostCpuTimes();
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_GT(times->used, 0);
  EXPECT_GE(times->available, times->used);
}

TEST_F(CpuTimesTest, OfAContainerAreWhatItsQuotaAllows) {
  Write("v2/cpu.stat", "usage_usec 3000000\nuser_usec 1\n");
  Write("v2/cpu.max", "150000 100000\n");
  const absl::StatusOr<CpuTimes> times = OfContainer();
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_DOUBLE_EQ(times->used, 3);
  EXPECT_DOUBLE_EQ(times->available, 15);
}

TEST_F(CpuTimesTest, OfAContainerWithoutAQuotaAreAllProcessors) {
  Write("v2/cpu.stat", "nr_periods 7\nusage_usec 3000000\n");
  EXPECT_DOUBLE_EQ(OfContainer()->available, 40) << "the root has no cpu.max";
  Write("v2/cpu.max", "max 100000\n");
  EXPECT_DOUBLE_EQ(OfContainer()->available, 40);
  Write("v2/cpu.max", "900000 100000\n");
  EXPECT_DOUBLE_EQ(OfContainer()->available, 40) << "a quota for more than there are";
}

TEST_F(CpuTimesTest, OfAContainerAreUnderstoodInVersion1) {
  EXPECT_FALSE(OfContainer().ok());
  Write("v1/cpuacct/cpuacct.usage", "3000000000\n");
  EXPECT_DOUBLE_EQ(OfContainer()->used, 3);
  EXPECT_DOUBLE_EQ(OfContainer()->available, 40);
  Write("v1/cpu/cpu.cfs_quota_us", "-1\n");
  Write("v1/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(OfContainer()->available, 40);
  Write("v1/cpu/cpu.cfs_quota_us", "50000\n");
  EXPECT_DOUBLE_EQ(OfContainer()->available, 5);
}

}  // namespace
}  // namespace narthex
