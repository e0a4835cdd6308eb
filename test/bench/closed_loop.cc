#include "test/bench/closed_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>

#include "test/bench/cpu_time.h"
#include "test/bench/response_reader.h"
#include "test/bench/socket.h"

namespace narthex {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr uint64_t kMaxErrors = 10'000;
constexpr int kWaitMilliseconds = 50;

struct Client {
  int fd;
  size_t next_path;
  Clock::time_point sent_at;
  ResponseReader reader;
};

uint32_t Percentile(std::vector<uint32_t>& latencies, double share) {
  if (latencies.empty()) return 0;
  auto nth = latencies.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(latencies.size() - 1));
  std::nth_element(latencies.begin(), nth, latencies.end());
  return *nth;
}

class ClosedLoop {
 public:
  explicit ClosedLoop(const LoadOptions& options) : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) Die("epoll_create1");
    for (const std::string& path : options.paths) requests_.push_back(MakeRequest(path));
    if (requests_.empty()) requests_.push_back(MakeRequest("/"));
    latencies_.reserve(1 << 20);
  }

  ~ClosedLoop() {
    for (auto& client : clients_) close(client->fd);
    close(epoll_);
  }

  LoadReport Run() {
    for (int i = 0; i < options_.connections; ++i) {
      clients_.push_back(std::make_unique<Client>(Client{-1, 0, {}, ResponseReader(options_.body_size)}));
      Connect(*clients_.back());
    }
    RunFor(options_.warmup_seconds);
    latencies_.clear();
    uint64_t cpu_before = CpuNanoseconds(options_.processes);
    Clock::time_point begin = Clock::now();
    RunFor(options_.seconds);
    duration<double> window = Clock::now() - begin;
    uint64_t cpu_after = CpuNanoseconds(options_.processes);
    LoadReport report{.requests = latencies_.size(), .errors = errors_, .seconds = window.count()};
    report.p50_us = Percentile(latencies_, 0.50);
    report.p99_us = Percentile(latencies_, 0.99);
    report.cpu_ns = cpu_after - cpu_before;
    return report;
  }

 private:
  void RunFor(double seconds) {
    Clock::time_point end = Clock::now() + duration_cast<Clock::duration>(duration<double>(seconds));
    std::array<epoll_event, 256> events;
    while (Clock::now() < end && errors_ < kMaxErrors) {
      int count = epoll_wait(epoll_, events.data(), events.size(), kWaitMilliseconds);
      if (count < 0 && errno != EINTR) Die("epoll_wait");
      for (int i = 0; i < count; ++i) {
        if ((events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) continue;
        Receive(*static_cast<Client*>(events[i].data.ptr));
      }
    }
  }

  void Connect(Client& client) {
    client.fd = ConnectToLoopback(options_.port, /*blocking=*/true);
    client.reader.Reset();
    Watch(epoll_, client.fd, &client);
    Send(client);
  }

  // A request is far smaller than a socket's buffer: one send takes all of it.
  void Send(Client& client) {
    const std::string& request = requests_[client.next_path++ % requests_.size()];
    client.sent_at = Clock::now();
    if (send(client.fd, request.data(), request.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
        errno != ECONNRESET) {
      Die("send");
    }
  }

  void Receive(Client& client) {
    for (;;) {
      ssize_t size = recv(client.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (size <= 0) return Replace(client);
      switch (client.reader.Consume({buffer_.data(), static_cast<size_t>(size)})) {
        case ResponseReader::State::kIncomplete:
          continue;
        case ResponseReader::State::kBad:
          return Replace(client);
        case ResponseReader::State::kComplete:
          auto latency = duration_cast<microseconds>(Clock::now() - client.sent_at).count();
          latencies_.push_back(static_cast<uint32_t>(latency));
          // What comes now answers the next request, with an event of its own.
          return Send(client);
      }
    }
  }

  void Replace(Client& client) {
    ++errors_;
    close(client.fd);
    Connect(client);
  }

  const LoadOptions& options_;
  int epoll_;
  std::vector<std::string> requests_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<uint32_t> latencies_;  // microseconds, of the present phase
  uint64_t errors_ = 0;
  std::array<char, 256 * 1024> buffer_;
};

}  // namespace

std::string MakeRequest(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nhost: bench.test\r\nuser-agent: narthex-bench\r\naccept: */*\r\n\r\n";
}

LoadReport RunClosedLoop(const LoadOptions& options) {
  return std::make_unique<ClosedLoop>(options)->Run();
}

}  // namespace narthex
