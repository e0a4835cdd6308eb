#include "test/bench/cpu_time.h"

#include <time.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace narthex {

uint64_t CpuNanoseconds(const std::vector<pid_t>& processes) {
  uint64_t total = 0;
  for (pid_t process : processes) {
    std::error_code error;
    std::filesystem::directory_iterator tasks("/proc/" + std::to_string(process) + "/task", error);
    for (; !error && tasks != std::filesystem::directory_iterator(); tasks.increment(error)) {
      std::ifstream file(tasks->path() / "schedstat");
      uint64_t nanoseconds = 0;
      if (file >> nanoseconds) total += nanoseconds;
    }
  }
  return total;
}

uint64_t OwnCpuNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace narthex
