#include <signal.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "filters/registry.h"
#include "source/server/command_line.h"
#include "source/server/explain.h"
#include "source/server/server.h"
#include "source/server/server_log.h"
#include "source/server/snapshot.h"

namespace narthex {
namespace {

// Exit codes that scripts rely on.
constexpr int kFine = 0, kWrongConfiguration = 1, kWrongUsage = 2;

void Print(const Diagnostics& diagnostics, const CommandLine& line) {
  if (line.format == OutputFormat::kJson) {
    std::cout << diagnostics.ToJson() << "\n";
  } else {
    std::cerr << diagnostics.ToText(/*carets=*/true);
  }
}

int Check(const CommandLine& line, const FilterRegistry& registry) {
  Diagnostics diagnostics;
  const bool good = BuildSnapshot(line, registry, diagnostics, nullptr) != nullptr;
  Print(diagnostics, line);
  if (good && line.format == OutputFormat::kText) std::cout << "configuration OK\n";
  return good ? kFine : kWrongConfiguration;
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
  std::cout << (line.format == OutputFormat::kJson ? explanation->ToJson() + "\n" : explanation->ToText());
  return kFine;
}

int Run(const CommandLine& line, const FilterRegistry& registry) {
  if (!OpenLog(line.log_path, line.log_level)) {
    std::cerr << "narthex: cannot open " << line.log_path << ": " << std::strerror(errno) << "\n";
    return kWrongUsage;
  }
  // A peer that closes while we write is an error of that write and nothing else.
  signal(SIGPIPE, SIG_IGN);
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
