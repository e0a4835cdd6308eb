#include "source/manager/access_log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "source/base/log.h"
#include "source/stats/stats.h"

namespace narthex {
namespace {

// How long lines gather before they are written, unless there are this many bytes already.
constexpr std::chrono::milliseconds kGather{100};
constexpr size_t kEnough = 64 * 1024;
constexpr std::chrono::milliseconds kExitTimeout{1000};

// Envoy's names, and write_dropped.
struct SinkStats {
  Counter write_buffered = StatsStore::Process().MakeCounter("filesystem.write_buffered");
  Counter write_completed = StatsStore::Process().MakeCounter("filesystem.write_completed");
  Counter write_failed = StatsStore::Process().MakeCounter("filesystem.write_failed");
  Counter write_dropped = StatsStore::Process().MakeCounter("filesystem.write_dropped");
  Counter flushed_by_timer = StatsStore::Process().MakeCounter("filesystem.flushed_by_timer");
  Counter reopen_failed = StatsStore::Process().MakeCounter("filesystem.reopen_failed");
  Gauge write_total_buffered = StatsStore::Process().MakeGauge("filesystem.write_total_buffered");
};
const SinkStats& Stats() {
  static const SinkStats stats;
  return stats;
}

// A descriptor to append to; only the sink's thread uses it.
class Output {
 public:
  Output(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~Output() {
    if (!path_.empty() && fd_ >= 0) close(fd_);
  }

  void Reopen() {
    if (path_.empty() || fd_ < 0) return;
    const int fresh = Open();
    if (fresh < 0) return Stats().reopen_failed.Add();
    close(fd_);
    fd_ = fresh;
    torn_ = false;
  }

  void Write(std::string_view bytes) {
    if (fd_ < 0) fd_ = Open();
    if (fd_ < 0) return Stats().write_failed.Add();
    // A line that an earlier failure cut off must not swallow the next one.
    if (torn_ && WriteAll("\n") != 0) return Stats().write_failed.Add();
    torn_ = false;
    const size_t left = WriteAll(bytes);
    if (left == 0) {
      failing_ = false;
      return Stats().write_completed.Add();
    }
    torn_ = left < bytes.size() && bytes[bytes.size() - left - 1] != '\n';
    Stats().write_failed.Add();
    Report("write to");
  }

 private:
  int Open() {
    const int fd = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) Report("open");
    return fd;
  }

  // How many bytes could not be written.
  size_t WriteAll(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_, bytes.data(), bytes.size());
      if (written > 0) {
        bytes.remove_prefix(static_cast<size_t>(written));
      } else if (errno == EAGAIN) {
        // Standard output may be a pipe that another process has made non-blocking.
        pollfd wait{fd_, POLLOUT, 0};
        poll(&wait, 1, -1);
      } else if (errno != EINTR) {
        return bytes.size();
      }
    }
    return 0;
  }

  // Once, until it works again.
  void Report(const char* what) {
    const int error = errno;
    if (std::exchange(failing_, true)) return;
    const std::string name = path_.empty() ? "on descriptor " + std::to_string(fd_) : path_;
    NARTHEX_LOG(kError, "access_log")
        << "cannot " << what << " access log " << name << ": " << std::strerror(error);
  }

  const std::string path_;  // empty: a descriptor of somebody else's
  int fd_;
  bool torn_ = false;
  bool failing_ = false;
};

}  // namespace

struct AccessLogSink::State {
  State(std::string path, int descriptor) : output(std::move(path), descriptor) {}

  std::mutex mutex;
  std::condition_variable wake;     // for the thread
  std::condition_variable written;  // for those that flush
  // Guarded by mutex.
  std::string pending;
  size_t reopen_at = std::string::npos;  // the bytes of `pending` that belong to the old file
  uint64_t appended = 0;                 // bytes ever
  uint64_t done = 0;                     // bytes written or lost
  bool started = false;
  bool hurry = false;
  bool closing = false;

  Output output;  // the thread's

  bool Urgent() const {
    return hurry || closing || reopen_at != std::string::npos || pending.size() >= kEnough;
  }

  // The first `reopen_at` bytes to the present file, the others to the one that has its name now.
  void WriteBatch(std::string_view batch, size_t reopen_at) {
    if (reopen_at != std::string::npos) {
      if (reopen_at > 0) output.Write(batch.substr(0, reopen_at));
      output.Reopen();
      batch.remove_prefix(reopen_at);
    }
    if (!batch.empty()) output.Write(batch);
  }

  bool WaitDone(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex);
    const uint64_t goal = appended;
    hurry = true;
    wake.notify_one();
    return written.wait_until(lock, deadline, [&] { return done >= goal; });
  }
};

struct AccessLogSink::Registry {
  std::mutex mutex;
  // Guarded by mutex. By path, descriptors by "#1"; what is gone is taken out by the next search.
  std::map<std::string, std::weak_ptr<AccessLogSink>> sinks;
  // Also of sinks that are gone while their thread still writes.
  std::vector<std::weak_ptr<State>> states;

  std::vector<std::shared_ptr<State>> Living() {
    std::lock_guard lock(mutex);
    std::vector<std::shared_ptr<State>> living;
    for (const auto& weak : states) {
      if (auto state = weak.lock()) living.push_back(std::move(state));
    }
    return living;
  }
};

AccessLogSink::Registry& AccessLogSink::All() {
  // Leaked: threads may outlive main.
  static Registry* registry = [] {
    std::atexit([] { AccessLogSink::FlushAll(kExitTimeout); });
    return new Registry;
  }();
  return *registry;
}

std::shared_ptr<AccessLogSink> AccessLogSink::Find(const std::string& path, int fd) {
  Registry& all = All();
  std::lock_guard lock(all.mutex);
  std::erase_if(all.sinks, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(all.states, [](const auto& state) { return state.expired(); });
  std::weak_ptr<AccessLogSink>& known = all.sinks[path.empty() ? "#" + std::to_string(fd) : path];
  if (auto sink = known.lock()) return sink;
  auto state = std::make_shared<State>(path, fd);
  all.states.push_back(state);
  std::shared_ptr<AccessLogSink> sink(new AccessLogSink(std::move(state)));
  known = sink;
  return sink;
}

std::shared_ptr<AccessLogSink> AccessLogSink::ForFile(const std::string& path) {
  return Find(path, -1);
}

std::shared_ptr<AccessLogSink> AccessLogSink::ForDescriptor(int fd) {
  return Find({}, fd);
}

AccessLogSink::~AccessLogSink() {
  std::lock_guard lock(state_->mutex);
  state_->closing = true;
  state_->wake.notify_one();
}

void AccessLogSink::Append(std::string_view line) {
  if (line.empty()) return;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->pending.size() + line.size() > kMaxPending) return Stats().write_dropped.Add();
    const bool was_empty = state_->pending.empty();
    state_->pending += line;
    state_->appended += line.size();
    if (!state_->started) {
      state_->started = true;
      std::thread(Run, state_).detach();
    } else if (was_empty || state_->pending.size() >= kEnough) {
      state_->wake.notify_one();
    }
  }
  Stats().write_buffered.Add();
  Stats().write_total_buffered.Add(static_cast<int64_t>(line.size()));
}

// The sink's thread: takes what has gathered and writes it without the lock.
void AccessLogSink::Run(std::shared_ptr<State> state) {
  // Signals are the loops' affair, and a pipe without a reader is an error like any other.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::string batch;
  std::unique_lock lock(state->mutex);
  while (true) {
    state->wake.wait(lock, [&] { return !state->pending.empty() || state->Urgent(); });
    if (!state->wake.wait_for(lock, kGather, [&] { return state->Urgent(); })) Stats().flushed_by_timer.Add();
    batch.clear();
    batch.swap(state->pending);
    const size_t reopen_at = std::exchange(state->reopen_at, std::string::npos);
    state->hurry = false;
    const bool last = state->closing;
    lock.unlock();
    state->WriteBatch(batch, reopen_at);
    Stats().write_total_buffered.Sub(static_cast<int64_t>(batch.size()));
    lock.lock();
    state->done += batch.size();
    state->written.notify_all();
    if (last) return;
  }
}

bool AccessLogSink::Flush(std::chrono::milliseconds timeout) {
  return state_->WaitDone(std::chrono::steady_clock::now() + timeout);
}

void AccessLogSink::ReopenAll() {
  for (const auto& state : All().Living()) {
    std::lock_guard lock(state->mutex);
    if (!state->started) continue;
    state->reopen_at = state->pending.size();
    state->wake.notify_one();
  }
}

bool AccessLogSink::FlushAll(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  bool all_done = true;
  for (const auto& state : All().Living()) all_done = state->WaitDone(deadline) && all_done;
  return all_done;
}

}  // namespace narthex
