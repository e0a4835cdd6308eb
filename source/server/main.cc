#include <signal.h>

#include <iostream>
#include <string>
#include <vector>

#include "filters/registry.h"
#include "source/base/log.h"
#include "source/server/command_line.h"
#include "source/server/connection_limit.h"
#include "source/server/explain.h"
#include "source/server/lint.h"
#include "source/server/server.h"
#include "source/server/snapshot.h"

namespace narthex {
namespace {

// Exit codes that scripts rely on.
constexpr int kFine = 0, kWrongConfiguration = 1, kWrongUsage = 2;

void Print(const Diagnostics& diagnostics, const CommandLine& line) {
  if (line.format == ReportFormat::kJson) {
    std::cout << diagnostics.ToJson() << "\n";
  } else {
    std::cerr << diagnostics.ToText(/*carets=*/true);
  }
}

// The last line of a text report; scripts read the exit code.
std::string Summary(const CommandLine& line, const Diagnostics& diagnostics) {
  const std::string name = line.config_path.empty() ? "<--config-yaml>" : line.config_path;
  const size_t errors = diagnostics.ReportedErrors();
  if (errors > 0) return name + ": " + std::to_string(errors) + (errors == 1 ? " error" : " errors");
  const size_t warnings = diagnostics.Sorted().size();
  return name + ": configuration OK" + (warnings == 0 ? "" : ", warnings: " + std::to_string(warnings));
}

// Binds nothing, writes nothing, resolves nothing.
int Check(const CommandLine& line, const FilterRegistry& registry) {
  Diagnostics diagnostics;
  const auto snapshot = BuildSnapshot(line, registry, diagnostics, nullptr);
  if (snapshot != nullptr) LintSnapshot(*snapshot, diagnostics);
  Print(diagnostics, line);
  if (line.format == ReportFormat::kText) std::cout << Summary(line, diagnostics) << "\n";
  return snapshot != nullptr ? kFine : kWrongConfiguration;
}

int Explain(const CommandLine& line, const FilterRegistry& registry) {
  Diagnostics diagnostics;
  const std::shared_ptr<const Snapshot> snapshot = BuildSnapshot(line, registry, diagnostics, nullptr);
  if (snapshot == nullptr) {
    Print(diagnostics, line);
    return kWrongConfiguration;
  }
  const absl::StatusOr<Explanation> explanation = ExplainIn(*snapshot, line.explain);
  if (!explanation.ok()) {
    std::cerr << "narthex: " << explanation.status().message() << "\n";
    return kWrongUsage;
  }
  std::cout << (line.format == ReportFormat::kJson ? explanation->ToJson() + "\n" : explanation->ToText());
  return kFine;
}

int Run(const CommandLine& line, const FilterRegistry& registry) {
  ProcessLog::SetLevel(FindLogLevel(line.log_level).value_or(LogLevel::kInfo));
  if (!line.log_path.empty()) {
    if (const absl::Status opened = ProcessLog::Open(line.log_path); !opened.ok()) {
      std::cerr << "narthex: " << opened.message() << "\n";
      return kWrongUsage;
    }
  }
  // A peer that closes while we write is an error of that write and nothing else.
  signal(SIGPIPE, SIG_IGN);
  RaiseDescriptorLimit();
  Server server(line, registry);
  Diagnostics diagnostics;
  const bool started = server.Start(diagnostics);
  Print(diagnostics, line);
  if (!started) return kWrongConfiguration;
  server.Run();
  return kFine;
}

int Main(const std::vector<std::string>& arguments) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  if (!line.ok()) {
    std::cerr << "narthex: " << line.status().message() << "\nTry: narthex --help\n";
    return kWrongUsage;
  }
  const FilterRegistry registry(BuiltInFilters());
  switch (line->verb) {
    case Verb::kHelp:
      std::cout << HelpText(line->help_about);
      return kFine;
    case Verb::kVersion:
      std::cout << VersionText() << "\n";
      return kFine;
    case Verb::kCheck:
      return Check(*line, registry);
    case Verb::kExplain:
      return Explain(*line, registry);
    case Verb::kRun:
      return Run(*line, registry);
  }
  return kWrongUsage;
}

}  // namespace
}  // namespace narthex

int main(int count, char** values) {
  return narthex::Main(std::vector<std::string>(values + 1, values + count));
}
