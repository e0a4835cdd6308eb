#pragma once

#include <atomic>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace narthex {

// The process's own log, in Envoy's default form, one line an event:
//
//   NARTHEX_LOG(kInfo, "upstream") << "host " << address << " failed " << count << " times";
//   [2026-01-01 12:00:00.123][4711][info][upstream] [source/upstream/host.cc:41] host 10.0.0.1:80 failed ...

enum class LogLevel { kTrace, kDebug, kInfo, kWarning, kError, kCritical, kOff };

// "trace" to "critical", "off"; also "warn".
std::optional<LogLevel> FindLogLevel(std::string_view name);
std::string_view LogLevelName(LogLevel level);

// A part of the program with a level of its own (admin /logging). Lives as long as the process. Thread-safe.
class LogComponent {
 public:
  // The component of that name, made with the common level when it is new.
  static LogComponent& Find(std::string_view name);

  bool Enabled(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }
  const std::string& name() const { return name_; }

 private:
  friend class ProcessLog;
  LogComponent(std::string_view name, LogLevel level) : name_(name), level_(level) {}

  const std::string name_;
  std::atomic<LogLevel> level_;
};

// Where the lines go. Thread-safe.
class ProcessLog {
 public:
  // To the end of the file `path` from now on, rather than to standard error. The error says why not.
  static absl::Status Open(const std::string& path);
  // Opens the file by its name again, after it was moved away; keeps the old one when that fails.
  static absl::Status Reopen();

  // The level of all components, also of those to come.
  static void SetLevel(LogLevel level);
  // False when no component has this name (yet).
  static bool SetComponentLevel(std::string_view component, LogLevel level);
  // All components by name, with their levels.
  static std::vector<std::pair<std::string, LogLevel>> Components();

  // Writes one line: control bytes of `text` are escaped. Lost when it can't be written: the log must not
  // stop traffic.
  static void Write(const LogComponent& component, LogLevel level, std::string_view place,
                    std::string_view text);
};

// One line in the making; written by its destructor. Made by NARTHEX_LOG.
class LogLine {
 public:
  LogLine(const LogComponent& component, LogLevel level, const char* file, int line);
  ~LogLine() { ProcessLog::Write(component_, level_, place_, text_); }
  LogLine(const LogLine&) = delete;

  LogLine& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  LogLine& operator<<(const char* text) { return *this << std::string_view(text); }
  LogLine& operator<<(const std::string& text) { return *this << std::string_view(text); }
  LogLine& operator<<(char c) {
    text_ += c;
    return *this;
  }
  LogLine& operator<<(bool value) { return *this << (value ? "true" : "false"); }
  LogLine& operator<<(const absl::Status& status) { return *this << status.ToString(); }
  template <class T>
    requires std::integral<T> || std::floating_point<T>
  LogLine& operator<<(T value) {
    text_ += std::to_string(value);
    return *this;
  }

 private:
  const LogComponent& component_;
  const LogLevel level_;
  std::string place_;
  std::string text_;
};

}  // namespace narthex

// Evaluates nothing behind it while the component is below `level`.
#define NARTHEX_LOG(level, component)                                                         \
  if (static ::narthex::LogComponent& narthex_log = ::narthex::LogComponent::Find(component); \
      !narthex_log.Enabled(::narthex::LogLevel::level)) {                                     \
  } else                                                                                      \
    ::narthex::LogLine(narthex_log, ::narthex::LogLevel::level, __FILE__, __LINE__)
