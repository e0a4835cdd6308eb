#include "source/server/server_log.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <mutex>

namespace narthex {
namespace {

enum class Level { kTrace, kDebug, kInfo, kWarning, kError, kCritical, kOff };
constexpr std::array<std::string_view, 7> kNames = {"trace", "debug",    "info", "warning",
                                                    "error", "critical", "off"};

struct Sink {
  std::mutex mutex;  // guards path and the swap of fd
  std::string path;
  std::atomic<int> fd = STDERR_FILENO;
  Level level = Level::kInfo;
};
Sink sink;

// Line breaks within a text (a list of diagnostics) stay; every other control byte could fool a terminal.
std::string Clean(const std::string& text) {
  std::string clean;
  clean.reserve(text.size());
  for (const char c : text) clean += (c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c;
  return clean;
}

void Log(Level level, const std::string& text) {
  if (level < sink.level) return;
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm local;
  localtime_r(&now.tv_sec, &local);
  std::array<char, 96> head;
  size_t used = strftime(head.data(), head.size(), "[%Y-%m-%d %H:%M:%S", &local);
  used += static_cast<size_t>(snprintf(head.data() + used, head.size() - used, ".%03ld][%ld][%s][main] ",
                                       now.tv_nsec / 1'000'000, static_cast<long>(syscall(SYS_gettid)),
                                       kNames[static_cast<size_t>(level)].data()));
  std::string line(head.data(), used);
  line += Clean(text);
  if (line.back() != '\n') line += '\n';
  // One write a line, so that lines of several threads don't mix; a log that can't be written must not stop
  // traffic.
  [[maybe_unused]] const ssize_t written = write(sink.fd.load(), line.data(), line.size());
}

int OpenForAppend(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

}  // namespace

bool OpenLog(const std::string& path, std::string_view level) {
  std::lock_guard lock(sink.mutex);
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == level || (level == "warn" && kNames[i] == "warning")) sink.level = static_cast<Level>(i);
  }
  if (path.empty()) return true;
  const int fd = OpenForAppend(path);
  if (fd < 0) return false;
  sink.path = path;
  sink.fd = fd;
  return true;
}

void ReopenLog() {
  std::lock_guard lock(sink.mutex);
  if (sink.path.empty()) return;
  const int fd = OpenForAppend(sink.path);
  if (fd < 0) return;
  // The old number now means the new file: a writer in between can't meet a closed descriptor.
  dup3(fd, sink.fd.load(), O_CLOEXEC);
  close(fd);
}

void LogInfo(const std::string& text) {
  Log(Level::kInfo, text);
}
void LogWarning(const std::string& text) {
  Log(Level::kWarning, text);
}
void LogError(const std::string& text) {
  Log(Level::kError, text);
}

}  // namespace narthex
