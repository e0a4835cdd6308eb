#include <string_view>

#include "source/admin/pages.h"
#include "source/base/log.h"

namespace narthex {

namespace {

AdminReply Usage(const std::string& problem) {
  return {400, problem +
                   "\nusage: POST /logging?level=LEVEL, ?COMPONENT=LEVEL or ?paths=COMPONENT:LEVEL,...\n"
                   "levels: trace debug info warning error critical off\n"};
}

std::string AllLevels() {
  std::string text = "active loggers:\n";
  for (const auto& [component, level] : ProcessLog::Components()) {
    text += "  " + component + ": " + std::string(LogLevelName(level)) + "\n";
  }
  return text;
}

// Empty, or what is wrong.
std::string SetOne(std::string_view component, std::string_view value) {
  const std::optional<LogLevel> level = FindLogLevel(value);
  if (!level) return "unknown level \"" + std::string(value) + "\"";
  if (component == "level") {
    ProcessLog::SetLevel(*level);
    return "";
  }
  if (ProcessLog::SetComponentLevel(component, *level)) return "";
  return "unknown component \"" + std::string(component) + "\"";
}

// "http:debug,main:info".
std::string SetPaths(std::string_view list) {
  while (!list.empty()) {
    const std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(part.size() + 1, list.size()));
    const size_t colon = part.find(':');
    if (colon == std::string_view::npos)
      return "expected COMPONENT:LEVEL, found \"" + std::string(part) + "\"";
    if (std::string problem = SetOne(part.substr(0, colon), part.substr(colon + 1)); !problem.empty())
      return problem;
  }
  return "";
}

}  // namespace

AdminReply LoggingPage(const AdminRequest& request) {
  if (!request.query.empty() && request.method != "POST") {
    return {405, "Method Not Allowed: setting a level changes something; use POST\n"};
  }
  for (const auto& [key, value] : request.query) {
    const std::string problem = key == "paths" ? SetPaths(value) : SetOne(key, value);
    if (!problem.empty()) return Usage(problem);
  }
  return {200, AllLevels()};
}

}  // namespace narthex
