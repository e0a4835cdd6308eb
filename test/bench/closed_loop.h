// A closed loop of clients: each sends its next request as soon as the response to the last one is complete.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace narthex {

struct LoadOptions {
  uint16_t port = 0;
  int connections = 64;
  std::vector<std::string> paths;  // taken in turn by each connection; empty: "/"
  size_t body_size = 1024;         // what every response must carry
  double warmup_seconds = 0.5;     // not counted
  double seconds = 2;              // the measured window
  std::vector<pid_t> processes;    // whose CPU time in the window is reported
};

struct LoadReport {
  uint64_t requests = 0;  // answered within the window, and correct
  uint64_t errors = 0;    // wrong status or length, or a connection that ended; warm-up included
  double seconds = 0;     // the window's true length
  uint32_t p50_us = 0;
  uint32_t p99_us = 0;
  uint64_t cpu_ns = 0;  // 0 when no processes were given
};

// The bytes of a GET request for `path`.
std::string MakeRequest(const std::string& path);

// Runs the loop to its end. Bounded in time: warmup_seconds + seconds, also when nothing answers. A
// connection that failed is replaced; after 10,000 errors the run ends early.
LoadReport RunClosedLoop(const LoadOptions& options);

}  // namespace narthex
