#include "source/base/log.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

#include "source/base/escape.h"

namespace narthex {
namespace {

constexpr std::array<std::string_view, 7> kLevelNames = {"trace", "debug",    "info", "warning",
                                                         "error", "critical", "off"};

struct State {
  std::mutex mutex;
  // Guarded by mutex.
  std::map<std::string, std::unique_ptr<LogComponent>, std::less<>> components;
  LogLevel level = LogLevel::kInfo;
  std::string path;
  // Once a file is open the number never changes: Reopen puts the new file behind it, so that a writer can't
  // meet a closed descriptor.
  std::atomic<int> fd = STDERR_FILENO;
};

// Leaked: the log works until the process ends.
State& Global() {
  static State* state = new State;
  return *state;
}

absl::Status OpenFailed(const std::string& path, int error) {
  return absl::ErrnoToStatus(error, "log file " + path);
}

int OpenForAppend(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

// "[2026-01-01 12:00:00.123][4711][info][upstream] ".
std::string LineHead(const LogComponent& component, LogLevel level) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm local;
  localtime_r(&now.tv_sec, &local);
  std::array<char, 96> text;
  size_t used = strftime(text.data(), text.size(), "[%Y-%m-%d %H:%M:%S", &local);
  used += static_cast<size_t>(snprintf(text.data() + used, text.size() - used, ".%03ld][%ld][",
                                       now.tv_nsec / 1'000'000, static_cast<long>(syscall(SYS_gettid))));
  std::string head(text.data(), used);
  head += LogLevelName(level);
  head += "][";
  head += component.name();
  head += "] ";
  return head;
}

}  // namespace

std::optional<LogLevel> FindLogLevel(std::string_view name) {
  if (name == "warn") return LogLevel::kWarning;
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::string_view LogLevelName(LogLevel level) {
  return kLevelNames[static_cast<size_t>(level)];
}

LogComponent& LogComponent::Find(std::string_view name) {
  State& state = Global();
  std::lock_guard lock(state.mutex);
  auto found = state.components.find(name);
  if (found == state.components.end()) {
    std::unique_ptr<LogComponent> made(new LogComponent(name, state.level));
    found = state.components.emplace(std::string(name), std::move(made)).first;
  }
  return *found->second;
}

absl::Status ProcessLog::Open(const std::string& path) {
  State& state = Global();
  std::lock_guard lock(state.mutex);
  const int fd = OpenForAppend(path);
  if (fd < 0) return OpenFailed(path, errno);
  const int old = state.fd.load();
  if (old == STDERR_FILENO) {
    state.fd = fd;
  } else {
    dup3(fd, old, O_CLOEXEC);
    close(fd);
  }
  state.path = path;
  return absl::OkStatus();
}

absl::Status ProcessLog::Reopen() {
  State& state = Global();
  std::lock_guard lock(state.mutex);
  if (state.path.empty()) return absl::OkStatus();
  const int fd = OpenForAppend(state.path);
  if (fd < 0) return OpenFailed(state.path, errno);
  dup3(fd, state.fd.load(), O_CLOEXEC);
  close(fd);
  return absl::OkStatus();
}

void ProcessLog::SetLevel(LogLevel level) {
  State& state = Global();
  std::lock_guard lock(state.mutex);
  state.level = level;
  for (const auto& [name, component] : state.components) component->level_ = level;
}

bool ProcessLog::SetComponentLevel(std::string_view name, LogLevel level) {
  State& state = Global();
  std::lock_guard lock(state.mutex);
  const auto found = state.components.find(name);
  if (found == state.components.end()) return false;
  found->second->level_ = level;
  return true;
}

std::vector<std::pair<std::string, LogLevel>> ProcessLog::Components() {
  State& state = Global();
  std::lock_guard lock(state.mutex);
  std::vector<std::pair<std::string, LogLevel>> all;
  for (const auto& [name, component] : state.components) all.emplace_back(name, component->level_.load());
  return all;
}

void ProcessLog::Write(const LogComponent& component, LogLevel level, std::string_view place,
                       std::string_view text) {
  std::string line = LineHead(component, level);
  line += place;
  AppendControlEscaped(line, text);
  line += '\n';
  // One write a line: lines of several threads don't mix.
  [[maybe_unused]] const ssize_t written = write(Global().fd.load(), line.data(), line.size());
}

LogLine::LogLine(const LogComponent& component, LogLevel level, const char* file, int line)
    : component_(component), level_(level) {
  place_ = "[" + std::string(file) + ":" + std::to_string(line) + "] ";
}

}  // namespace narthex
