#include "source/server/command_line.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "source/config/suggest.h"

namespace narthex {

namespace {

using Strings = std::vector<std::string>;

absl::Status UsageError(std::string message) {
  return absl::InvalidArgumentError(std::move(message));
}

// One flag: its names, what it takes and where its value goes.
struct Flag {
  std::string_view name;
  std::string_view letter;       // "-c", or empty
  std::string_view placeholder;  // what its value is called; empty: takes none
  absl::Status (*set)(CommandLine& line, std::string_view value);
};

absl::Status BadValue(std::string_view value, std::string_view expected) {
  return UsageError("\"" + std::string(value) + "\": expected " + std::string(expected));
}

template <class T>
absl::Status SetNumber(std::string_view value, uint64_t max, T& into) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number > max || value.empty()) {
    return BadValue(value, "a number from 0 to " + std::to_string(max));
  }
  into = T(number);
  return absl::OkStatus();
}

std::string Suggestion(std::string_view written, std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t best_distance = 4;
  for (std::string_view candidate : candidates) {
    const size_t distance = EditDistance(written, candidate, 3);
    if (distance < best_distance && distance * 2 <= candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : "; did you mean " + std::string(best) + "?";
}

absl::Status SetOneOf(std::string_view value, std::span<const std::string_view> allowed, std::string& into) {
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    std::string list;
    for (std::string_view word : allowed) list += (list.empty() ? "" : ", ") + std::string(word);
    return UsageError("\"" + std::string(value) + "\" is none of " + list + Suggestion(value, allowed));
  }
  into = value;
  return absl::OkStatus();
}

absl::Status SetLogLevel(CommandLine& line, std::string_view value) {
  static constexpr std::string_view kLevels[] = {"trace", "debug", "info",     "warning",
                                                 "warn",  "error", "critical", "off"};
  return SetOneOf(value, kLevels, line.log_level);
}

absl::Status SetMode(CommandLine& line, std::string_view value) {
  static constexpr std::string_view kModes[] = {"serve", "validate"};
  std::string mode;
  absl::Status status = SetOneOf(value, kModes, mode);
  if (status.ok() && mode == "validate") line.verb = Verb::kCheck;
  return status;
}

absl::Status SetProfile(CommandLine& line, std::string_view value) {
  static constexpr std::string_view kProfiles[] = {"edge", "envoy"};
  std::string profile;
  absl::Status status = SetOneOf(value, kProfiles, profile);
  if (status.ok()) line.edge_profile = profile == "edge";
  return status;
}

absl::Status SetFormat(CommandLine& line, std::string_view value) {
  static constexpr std::string_view kFormats[] = {"text", "json"};
  std::string format;
  absl::Status status = SetOneOf(value, kFormats, format);
  line.format = format == "json" ? ReportFormat::kJson : ReportFormat::kText;
  return status;
}

absl::Status AddHeader(CommandLine& line, std::string_view value) {
  const size_t colon = value.find(':');
  if (colon == std::string_view::npos || colon == 0) return BadValue(value, "'name: value'");
  std::string_view text = value.substr(colon + 1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  line.explain.headers.emplace_back(std::string(value.substr(0, colon)), std::string(text));
  return absl::OkStatus();
}

template <class Duration>
absl::Status SetSeconds(std::string_view value, Duration& into) {
  uint64_t seconds = 0;
  absl::Status status = SetNumber(value, 86400 * 7, seconds);
  if (status.ok()) into = std::chrono::seconds(seconds);
  return status;
}

constexpr uint32_t kMaxWorkers = 1024;

const Flag kFlags[] = {
    {"--config-path", "-c", "FILE",
     [](CommandLine& line, std::string_view value) {
       line.config_path = value;
       return value.empty() ? BadValue(value, "the name of a file") : absl::OkStatus();
     }},
    {"--config-yaml", "", "YAML",
     [](CommandLine& line, std::string_view value) {
       line.config_yaml = value;
       return absl::OkStatus();
     }},
    {"--concurrency", "", "WORKERS",
     [](CommandLine& line, std::string_view value) {
       return SetNumber(value, kMaxWorkers, line.concurrency);
     }},
    {"--log-level", "-l", "LEVEL", &SetLogLevel},
    {"--log-path", "", "FILE",
     [](CommandLine& line, std::string_view value) {
       line.log_path = value;
       return absl::OkStatus();
     }},
    {"--mode", "", "MODE", &SetMode},
    {"--drain-time-s", "", "SECONDS",
     [](CommandLine& line, std::string_view value) { return SetSeconds(value, line.drain_time); }},
    {"--parent-shutdown-time-s", "", "SECONDS",
     [](CommandLine& line, std::string_view value) { return SetSeconds(value, line.parent_shutdown_time); }},
    {"--base-id", "", "NUMBER",
     [](CommandLine& line, std::string_view value) { return SetNumber(value, UINT32_MAX, line.base_id); }},
    {"--disable-hot-restart", "", "",
     [](CommandLine& line, std::string_view) {
       line.disable_hot_restart = true;
       return absl::OkStatus();
     }},
    {"--profile", "", "PROFILE", &SetProfile},
    {"--format", "", "FORMAT", &SetFormat},
    {"--tolerate-unsupported", "", "",
     [](CommandLine& line, std::string_view) {
       line.tolerate_unsupported = true;
       return absl::OkStatus();
     }},
    {"--header", "-H", "'NAME: VALUE'", &AddHeader},
    {"--client", "", "IP",
     [](CommandLine& line, std::string_view value) {
       line.explain.client = value;
       return absl::OkStatus();
     }},
    {"--version", "", "",
     [](CommandLine& line, std::string_view) {
       line.verb = Verb::kVersion;
       return absl::OkStatus();
     }},
};

const Flag* FindFlag(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (flag.name == name || (!flag.letter.empty() && flag.letter == name)) return &flag;
  }
  return nullptr;
}

absl::Status UnknownFlag(std::string_view name) {
  std::vector<std::string_view> names = {"--help"};
  for (const Flag& flag : kFlags) names.push_back(flag.name);
  return UsageError("unknown flag " + std::string(name) + Suggestion(name, names));
}

// Consumes the flag at arguments[at] and its value; `at` is then at the last word used.
absl::Status ReadFlag(const Strings& arguments, size_t& at, CommandLine& line) {
  std::string_view word = arguments[at];
  std::optional<std::string_view> value;
  if (const size_t equals = word.find('='); word.starts_with("--") && equals != std::string_view::npos) {
    value = word.substr(equals + 1);
    word = word.substr(0, equals);
  } else if (!word.starts_with("--") && word.size() > 2) {
    value = word.substr(2);  // -cFILE
    word = word.substr(0, 2);
  }
  const Flag* flag = FindFlag(word);
  if (flag == nullptr) return UnknownFlag(word);
  if (flag->placeholder.empty()) {
    if (value.has_value()) return UsageError(std::string(flag->name) + " takes no value");
    return flag->set(line, {});
  }
  if (!value.has_value()) {
    if (at + 1 >= arguments.size()) {
      return UsageError(std::string(word) + " needs a value: " + std::string(word) + " " +
                        std::string(flag->placeholder));
    }
    value = arguments[++at];
  }
  absl::Status status = flag->set(line, *value);
  if (status.ok()) return status;
  return UsageError(std::string(word) + " " + std::string(status.message().data(), status.message().size()));
}

absl::Status ReadVerb(const std::string& word, CommandLine& line) {
  static constexpr std::pair<std::string_view, Verb> kVerbs[] = {
      {"run", Verb::kRun}, {"check", Verb::kCheck}, {"explain", Verb::kExplain}, {"help", Verb::kHelp}};
  for (const auto& [name, verb] : kVerbs) {
    if (name != word) continue;
    line.verb = verb;
    return absl::OkStatus();
  }
  static constexpr std::string_view kNames[] = {"run", "check", "explain", "help"};
  const std::string suggestion = Suggestion(word, kNames);
  return UsageError("unknown command \"" + word + "\"" +
                    (suggestion.empty() ? "; the commands are run, check and explain" : suggestion));
}

absl::Status CheckPositional(const Strings& words, CommandLine& line) {
  if (line.verb == Verb::kExplain) {
    if (words.size() != 2) {
      return UsageError("explain needs a method and a URL: narthex explain -c FILE GET http://host/path");
    }
    line.explain.method = words[0];
    line.explain.url = words[1];
    return absl::OkStatus();
  }
  if (words.empty()) return absl::OkStatus();
  return UsageError("unexpected \"" + words[0] + "\"; a configuration is named with -c " + words[0]);
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const Strings& arguments) {
  CommandLine line;
  Strings words;
  bool help = false;
  size_t at = 0;
  if (!arguments.empty() && !arguments[0].starts_with("-")) {
    if (absl::Status status = ReadVerb(arguments[0], line); !status.ok()) return status;
    ++at;
  }
  for (; at < arguments.size(); ++at) {
    const std::string& word = arguments[at];
    if (word == "--help" || word == "-h") {
      help = true;
    } else if (word.size() > 1 && word[0] == '-') {
      if (absl::Status status = ReadFlag(arguments, at, line); !status.ok()) return status;
    } else {
      words.push_back(word);
    }
  }
  if (help || line.verb == Verb::kHelp) {
    // `narthex check --help` is about check, `narthex help` about everything.
    line.help_about = line.verb;
    line.verb = Verb::kHelp;
    return line;
  }
  if (line.verb == Verb::kVersion) return line;
  if (absl::Status status = CheckPositional(words, line); !status.ok()) return status;
  if (line.config_path.empty() && line.config_yaml.empty()) {
    return UsageError("no configuration: name a file with -c FILE, or give text with --config-yaml");
  }
  return line;
}

}  // namespace narthex
