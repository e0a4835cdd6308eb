#include "test/bench/closed_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <vector>

#include "test/bench/client.h"
#include "test/bench/cpu_time.h"
#include "test/bench/socket.h"

namespace narthex {
namespace {

using Clock = Tally::Clock;
using std::chrono::duration;
using std::chrono::duration_cast;

constexpr uint64_t kMaxErrors = 10'000;
constexpr int kWaitMilliseconds = 50;

uint32_t Percentile(std::vector<uint32_t>& latencies, double share) {
  if (latencies.empty()) return 0;
  auto nth = latencies.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(latencies.size() - 1));
  std::nth_element(latencies.begin(), nth, latencies.end());
  return *nth;
}

std::unique_ptr<TlsClient> MakeTls(const LoadOptions& options) {
  if (!options.tls) return nullptr;
  const char* alpn = options.protocol == Protocol::kHttp1 ? "http/1.1" : "h2";
  return std::make_unique<TlsClient>(alpn, options.handshakes == Handshakes::kResumed);
}

class ClosedLoop {
 public:
  explicit ClosedLoop(const LoadOptions& options)
      : context_{.options = options,
                 .epoll = epoll_create1(EPOLL_CLOEXEC),
                 .tls = MakeTls(options),
                 .tally = {},
                 .buffer = {}} {
    if (context_.epoll < 0) Die("epoll_create1");
  }

  ~ClosedLoop() { close(context_.epoll); }

  LoadReport Run() {
    const LoadOptions& options = context_.options;
    for (int i = 0; i < options.connections; ++i) {
      clients_.push_back(MakeClient(context_));
      clients_.back()->Open();
    }
    RunFor(options.warmup_seconds);
    context_.tally.BeginWindow();
    uint64_t cpu_before = CpuNanoseconds(options.processes);
    uint64_t own_before = OwnCpuNanoseconds();
    Clock::time_point begin = Clock::now();
    RunFor(options.seconds);
    duration<double> window = Clock::now() - begin;
    uint64_t own_after = OwnCpuNanoseconds();
    uint64_t cpu_after = CpuNanoseconds(options.processes);
    Tally& tally = context_.tally;
    LoadReport report;
    report.requests = tally.latencies().size();
    report.errors = tally.errors();
    report.seconds = window.count();
    report.p50_us = Percentile(tally.latencies(), 0.50);
    report.p99_us = Percentile(tally.latencies(), 0.99);
    report.cpu_ns = cpu_after - cpu_before;
    report.load_cpu_ns = own_after - own_before;
    report.first_error = tally.first_error();
    report.agreed = tally.agreed();
    return report;
  }

 private:
  void RunFor(double seconds) {
    Clock::time_point end = Clock::now() + duration_cast<Clock::duration>(duration<double>(seconds));
    std::array<epoll_event, 256> events;
    while (Clock::now() < end && context_.tally.errors() < kMaxErrors) {
      int count = epoll_wait(context_.epoll, events.data(), events.size(), kWaitMilliseconds);
      if (count < 0 && errno != EINTR) Die("epoll_wait");
      for (int i = 0; i < count; ++i) {
        if ((events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) continue;
        static_cast<Client*>(events[i].data.ptr)->OnEvent();
      }
    }
  }

  LoadContext context_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace

LoadReport RunClosedLoop(const LoadOptions& options) {
  return std::make_unique<ClosedLoop>(options)->Run();
}

}  // namespace narthex
