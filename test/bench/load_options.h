// What the load generator is asked to do, and what it found out.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace narthex {

enum class Protocol { kHttp1, kHttp2, kGrpc };

// How often a client connects: once, or anew for each request with a full or a resumed TLS handshake.
enum class Handshakes { kOnce, kFull, kResumed };

struct LoadOptions {
  uint16_t port = 0;
  int connections = 64;
  std::vector<std::string> paths;  // taken in turn by each connection; empty: "/"
  size_t body_size = 1024;         // what every response must carry; for gRPC: what every message is
  Protocol protocol = Protocol::kHttp1;
  int streams = 1;   // requests under way on each connection; HTTP/2 and gRPC only
  bool tls = false;  // TLS 1.3
  Handshakes handshakes = Handshakes::kOnce;
  double warmup_seconds = 0.5;   // not counted
  double seconds = 2;            // the measured window
  std::vector<pid_t> processes;  // whose CPU time in the window is reported
};

struct LoadReport {
  uint64_t requests = 0;  // answered within the window, and correct
  uint64_t errors = 0;    // a wrong response or handshake, or a connection that ended; warm-up included
  double seconds = 0;     // the window's true length
  uint32_t p50_us = 0;    // from sending a request, and from connecting where each request has a connection
  uint32_t p99_us = 0;
  uint64_t cpu_ns = 0;       // of the processes; 0 when none were given
  uint64_t load_cpu_ns = 0;  // of the load generator itself
  std::string first_error;   // why the first error was one
  std::string agreed;        // what TLS handshakes agreed on; of several outcomes the first
};

}  // namespace narthex
