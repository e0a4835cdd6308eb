// The load generator of the benchmarks. See Usage() for its options.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "test/bench/closed_loop.h"
#include "test/bench/idle.h"
#include "test/bench/socket.h"

namespace narthex {
namespace {

constexpr int kMaxConnections = 20'000;
constexpr double kMaxSeconds = 300;

int Usage() {
  std::fprintf(
      stderr,
      "usage: load --port N [--connections N] [--path P]... [--body BYTES] [--warmup S] [--seconds S]\n"
      "            [--pid N]... [--idle]\n"
      "Sends GET requests to 127.0.0.1 and prints one JSON line: requests, errors (another status than 200,\n"
      "another length than --body, a closed connection), latencies in microseconds, and the CPU time that\n"
      "the processes --pid took in the measured window. Exit status 1 when there were errors.\n"
      "--idle: one request on each connection, then holds them until standard input ends.\n");
  return 2;
}

// Sets what one `name value` pair says; false when there is no such option.
bool Apply(std::string_view name, const char* value, LoadOptions& options) {
  if (name == "--port") return options.port = static_cast<uint16_t>(std::atoi(value)), true;
  if (name == "--connections") return options.connections = std::atoi(value), true;
  if (name == "--path") return options.paths.emplace_back(value), true;
  if (name == "--body") return options.body_size = static_cast<size_t>(std::atoll(value)), true;
  if (name == "--warmup") return options.warmup_seconds = std::atof(value), true;
  if (name == "--seconds") return options.seconds = std::atof(value), true;
  if (name == "--pid") return options.processes.push_back(std::atoi(value)), true;
  return false;
}

bool Parse(int argc, char** argv, LoadOptions& options, bool& idle) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--idle") {
      idle = true;
    } else if (i + 1 == argc || !Apply(argv[i], argv[i + 1], options)) {
      return false;
    } else {
      ++i;
    }
  }
  return options.port != 0 && options.connections > 0 && options.connections <= kMaxConnections &&
         options.seconds > 0 && options.warmup_seconds + options.seconds <= kMaxSeconds;
}

void Print(const LoadReport& report) {
  std::printf(
      "{\"requests\": %llu, \"errors\": %llu, \"seconds\": %.4f, \"p50_us\": %u, \"p99_us\": %u, \"cpu_ns\": "
      "%llu}\n",
      static_cast<unsigned long long>(report.requests), static_cast<unsigned long long>(report.errors),
      report.seconds, report.p50_us, report.p99_us, static_cast<unsigned long long>(report.cpu_ns));
}

}  // namespace
}  // namespace narthex

int main(int argc, char** argv) {
  narthex::LoadOptions options;
  bool idle = false;
  if (!narthex::Parse(argc, argv, options, idle)) return narthex::Usage();
  narthex::RaiseFileLimit();
  if (idle) return narthex::HoldIdle(options) == 0 ? 0 : 1;
  narthex::LoadReport report = narthex::RunClosedLoop(options);
  narthex::Print(report);
  return report.errors == 0 ? 0 : 1;
}
