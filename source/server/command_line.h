#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace narthex {

// What the process is asked to do.
enum class Verb { kRun, kCheck, kExplain, kHelp, kVersion };

enum class ReportFormat { kText, kJson };

// The request that `explain` follows.
struct ExplainRequest {
  std::string method;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string client = "127.0.0.1";
};

// The command line, understood. A plain value; the names are those of Envoy's flags.
struct CommandLine {
  Verb verb = Verb::kRun;
  Verb help_about = Verb::kHelp;  // for kHelp
  std::string config_path;
  std::string config_yaml;
  uint32_t concurrency = 0;  // workers; 0: one for each core
  std::string log_level = "info";
  std::string log_path;  // empty: standard error
  std::chrono::seconds drain_time{600};
  std::chrono::seconds parent_shutdown_time{900};
  uint32_t base_id = 0;
  bool disable_hot_restart = false;
  std::optional<bool> edge_profile;  // --profile; unset: what the configuration says
  ReportFormat format = ReportFormat::kText;
  bool tolerate_unsupported = false;
  ExplainRequest explain;
};

// Understands `arguments` (without the program's name). An error is one line that says what is wrong and what
// was probably meant; the process then ends with exit code 2.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// What --help prints for a verb; kRun and kHelp give the overview.
std::string_view HelpText(Verb verb);

// "narthex 0.1.0 ..."
std::string VersionText();

}  // namespace narthex
