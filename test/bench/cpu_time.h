// The CPU time of processes, as the scheduler counts it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace narthex {

// Nanoseconds that all present threads of the processes have run so far, from /proc/PID/task/*/schedstat. The
// kernel adds the running thread's share at each tick, so a figure may lag by a few milliseconds.
uint64_t CpuNanoseconds(const std::vector<pid_t>& processes);

// Nanoseconds that all threads of this process have run so far.
uint64_t OwnCpuNanoseconds();

}  // namespace narthex
