#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace narthex {

// Where the lines of access logs go: memory first, from where a thread of the sink's own writes them, some
// tenths of a second later at most. Whoever appends never waits for the disk, nor for a reader of a pipe.
// When lines come faster than they can be written, those beyond kMaxPending bytes are dropped whole, and
// counted (filesystem.write_dropped). Thread-safe.
class AccessLogSink {
 public:
  static constexpr size_t kMaxPending = 16 * 1024 * 1024;

  // All logs to one path share its sink. The file is opened, and made when it isn't there, with the first
  // line.
  static std::shared_ptr<AccessLogSink> ForFile(const std::string& path);
  // Writes to an open descriptor, which stays open: standard output and error.
  static std::shared_ptr<AccessLogSink> ForDescriptor(int fd);

  // What was appended will still be written, by the sink's thread.
  ~AccessLogSink();
  AccessLogSink(const AccessLogSink&) = delete;

  void Append(std::string_view line);
  // Waits until what was appended so far is written or has failed; false after `timeout`.
  bool Flush(std::chrono::milliseconds timeout);

  // Opens every file by its name again, after it was moved away; a file that can't be opened is kept as it
  // is. Returns at once: what was appended before goes to the old file, what comes after to the new one.
  static void ReopenAll();
  // Flushes all sinks, also those that are gone but not done. The process does it when it exits, for a second
  // at most.
  static bool FlushAll(std::chrono::milliseconds timeout);

 private:
  struct State;
  struct Registry;
  explicit AccessLogSink(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static Registry& All();
  static std::shared_ptr<AccessLogSink> Find(const std::string& path, int fd);
  static void Run(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;  // shared with the thread
};

}  // namespace narthex
