#pragma once

#include <string>
#include <string_view>

namespace narthex {

// The process's own log: one line an event, in Envoy's default form, written whole. Any thread.

// Sends it to `path` (empty: standard error) from `level` on ("trace" to "critical", or "off"). Call before
// the threads start. False with errno when the file can't be opened.
bool OpenLog(const std::string& path, std::string_view level);
void LogInfo(const std::string& text);
void LogWarning(const std::string& text);
void LogError(const std::string& text);
// After the file was moved away.
void ReopenLog();

}  // namespace narthex
