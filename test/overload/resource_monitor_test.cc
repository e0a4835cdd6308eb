#include "source/overload/resource_monitor.h"

#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(ResourceMonitor, IsAShareOfWhatMayBe) {
  uint64_t used = 50;
  const auto heap = MakeFixedHeapMonitor(200, [&] { return used; });
  const auto connections = MakeConnectionsMonitor(100, [&] { return used; });
  EXPECT_DOUBLE_EQ(*heap->Read(), 0.25);
  EXPECT_DOUBLE_EQ(*connections->Read(), 0.5);
  used = 300;
  EXPECT_DOUBLE_EQ(*heap->Read(), 1.5) << "more than there should be";
}

TEST(ResourceMonitor, OfTheHeapSeesWhatIsAllocated) {
  const auto monitor = MakeMonitor({"heap", FixedHeapConfig{1 << 30}}, [] { return uint64_t{0}; });
  const double before = *monitor->Read();
  EXPECT_GT(before, 0);
  const std::vector<char> large(64 << 20, 'x');
  // So that the compiler does not do without it.
  [[maybe_unused]] const char* volatile seen = large.data();
  EXPECT_NEAR(*monitor->Read() - before, 64.0 / 1024, 0.01);
}

TEST(ResourceMonitor, OfConnectionsAsksForThem) {
  const auto monitor = MakeMonitor({"c", DownstreamConnectionsConfig{4}}, [] { return uint64_t{3}; });
  EXPECT_DOUBLE_EQ(*monitor->Read(), 0.75);
}

TEST(ResourceMonitor, MayBeInjectedFromAFile) {
  const std::string file = ::testing::TempDir() + "pressure_" + std::to_string(getpid());
  const auto monitor = MakeMonitor({"injected", InjectedResourceConfig{file}}, {});
  EXPECT_FALSE(monitor->Read().ok());
  const auto reads = [&](const std::string& text) {
    std::ofstream(file) << text;
    return monitor->Read();
  };
  EXPECT_DOUBLE_EQ(*reads("0.5\n"), 0.5);
  EXPECT_DOUBLE_EQ(*reads(" 1 "), 1);
  EXPECT_DOUBLE_EQ(*reads("0"), 0);
  for (const char* wrong : {"", "half", "0.5x", "1.01", "-0.1", "nan"}) {
    EXPECT_FALSE(reads(wrong).ok()) << wrong;
  }
  unlink(file.c_str());
}

// A processor whose times the test sets.
class FakeCpu {
 public:
  std::unique_ptr<ResourceMonitor> Monitor() {
    return MakeCpuMonitor([this] { return times; });
  }
  // Time passes in which so much of it is used.
  void Pass(double used, double available) {
    times = CpuTimes{times->used + used, times->available + available};
  }
  absl::StatusOr<CpuTimes> times = CpuTimes{1000, 5000};
};

TEST(CpuMonitor, SmoothsWhatItSees) {
  FakeCpu cpu;
  const auto monitor = cpu.Monitor();
  cpu.Pass(100, 100);
  EXPECT_NEAR(*monitor->Read(), 0.05, 1e-9);
  cpu.Pass(100, 100);
  EXPECT_NEAR(*monitor->Read(), 0.0975, 1e-9);
  for (int i = 0; i < 200; ++i) {
    cpu.Pass(60, 100);
    ASSERT_TRUE(monitor->Read().ok());
  }
  cpu.Pass(60, 100);
  EXPECT_NEAR(*monitor->Read(), 0.6, 0.001);
}

TEST(CpuMonitor, IsNeverAboveOne) {
  FakeCpu cpu;
  const auto monitor = cpu.Monitor();
  for (int i = 0; i < 500; ++i) {
    cpu.Pass(300, 100);
    ASSERT_LE(*monitor->Read(), 1);
  }
}

TEST(CpuMonitor, FailsWhereNoTimeHasPassedAndGoesOn) {
  FakeCpu cpu;
  const auto monitor = cpu.Monitor();
  EXPECT_FALSE(monitor->Read().ok());
  cpu.Pass(-10, 100);
  EXPECT_FALSE(monitor->Read().ok());
  cpu.Pass(100, 100);
  EXPECT_NEAR(*monitor->Read(), 0.05, 1e-9);
}

TEST(CpuMonitor, SurvivesTimesThatCannotBeRead) {
  FakeCpu cpu;
  cpu.times = absl::UnavailableError("no /proc");
  const auto monitor = cpu.Monitor();
  EXPECT_FALSE(monitor->Read().ok());
  cpu.times = CpuTimes{10, 20};
  EXPECT_DOUBLE_EQ(*monitor->Read(), 0) << "there is nothing before it";
  cpu.Pass(100, 100);
  EXPECT_NEAR(*monitor->Read(), 0.05, 1e-9);
}

}  // namespace
}  // namespace narthex
