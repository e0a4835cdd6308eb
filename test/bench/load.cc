// The load generator of the benchmarks. See Usage() for its options.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "test/bench/closed_loop.h"
#include "test/bench/idle.h"
#include "test/bench/socket.h"

namespace narthex {
namespace {

constexpr int kMaxConnections = 20'000;
constexpr int kMaxStreams = 100;  // what every proxy allows a connection
constexpr size_t kMaxGrpcMessage = 1024;
constexpr double kMaxSeconds = 300;

int Usage() {
  std::fprintf(
      stderr,
      "usage: load --port N [--connections N] [--path P]... [--body BYTES] [--warmup S] [--seconds S]\n"
      "            [--pid N]... [--protocol http1|http2|grpc] [--streams N] [--tls once|full|resumed] "
      "[--idle]\n"
      "Sends GET requests to 127.0.0.1 and prints one JSON line: requests, errors (another status than 200,\n"
      "another length than --body, a closed connection), latencies in microseconds, the CPU time that the\n"
      "processes --pid and the load itself took in the measured window, and what TLS agreed on. Exit status "
      "1\n"
      "when there were errors.\n"
      "--protocol: grpc sends unary calls whose message of --body bytes must come back. --streams: requests "
      "under\n"
      "way on each connection of HTTP/2.\n"
      "--tls: TLS 1.3; full and resumed connect anew for each request (HTTP/1 only), and a handshake that "
      "was not\n"
      "a full one, or not a resumed one after each client's first, is an error.\n"
      "--idle: one request on each connection, then holds them until standard input ends; HTTP/1 in clear "
      "text.\n");
  return 2;
}

bool ApplyProtocol(std::string_view value, LoadOptions& options) {
  if (value == "http1") return options.protocol = Protocol::kHttp1, true;
  if (value == "http2") return options.protocol = Protocol::kHttp2, true;
  if (value == "grpc") return options.protocol = Protocol::kGrpc, true;
  return false;
}

bool ApplyTls(std::string_view value, LoadOptions& options) {
  options.tls = true;
  if (value == "once") return options.handshakes = Handshakes::kOnce, true;
  if (value == "full") return options.handshakes = Handshakes::kFull, true;
  if (value == "resumed") return options.handshakes = Handshakes::kResumed, true;
  return false;
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
  if (name == "--streams") return options.streams = std::atoi(value), true;
  if (name == "--protocol") return ApplyProtocol(value, options);
  if (name == "--tls") return ApplyTls(value, options);
  return false;
}

// Whether the options make sense together.
bool Fit(const LoadOptions& options, bool idle) {
  bool http1 = options.protocol == Protocol::kHttp1;
  if (options.streams < 1 || options.streams > (http1 ? 1 : kMaxStreams)) return false;
  if (options.handshakes != Handshakes::kOnce && !http1) return false;
  if (options.protocol == Protocol::kGrpc && options.body_size > kMaxGrpcMessage) return false;
  return !idle || (http1 && !options.tls);
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
         Fit(options, idle) && options.seconds > 0 && options.warmup_seconds + options.seconds <= kMaxSeconds;
}

void Print(const LoadReport& report) {
  std::printf(
      "{\"requests\": %llu, \"errors\": %llu, \"seconds\": %.4f, \"p50_us\": %u, \"p99_us\": %u, \"cpu_ns\": "
      "%llu, \"load_cpu_ns\": %llu, \"agreed\": \"%s\", \"first_error\": \"%s\"}\n",
      static_cast<unsigned long long>(report.requests), static_cast<unsigned long long>(report.errors),
      report.seconds, report.p50_us, report.p99_us, static_cast<unsigned long long>(report.cpu_ns),
      static_cast<unsigned long long>(report.load_cpu_ns), report.agreed.c_str(), report.first_error.c_str());
}

}  // namespace
}  // namespace narthex

int main(int argc, char** argv) {
  narthex::LoadOptions options;
  bool idle = false;
  if (!narthex::Parse(argc, argv, options, idle)) return narthex::Usage();
  narthex::RaiseFileLimit();
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  if (idle) return narthex::HoldIdle(options) == 0 ? 0 : 1;
  narthex::LoadReport report = narthex::RunClosedLoop(options);
  narthex::Print(report);
  return report.errors == 0 && report.requests > 0 ? 0 : 1;
}
