#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "source/config/config_path.h"
#include "source/config/origin.h"

namespace narthex {

enum class Severity { kError, kWarning };

// One finding about the configuration.
struct Diagnostic {
  Origin origin;
  Severity severity = Severity::kError;
  std::string message;     // `unknown field "endpoint"`
  std::string suggestion;  // what to write instead, "endpoints", or empty

  // `gateway.yaml:41:9: clusters[0]: unknown field "endpoint"; did you mean "endpoints"?`; a warning says so
  // after the position.
  std::string ToString() const;
  bool operator==(const Diagnostic&) const = default;
};

// Collects what is wrong with a configuration, so that one run reports everything. Loop-confined.
class Diagnostics {
 public:
  // Keeps at most this many findings; further ones are only counted.
  static constexpr size_t kMaxKept = 1000;

  void Error(const ConfigPath& path, std::string_view message, std::string_view suggestion = {});
  void Warning(const ConfigPath& path, std::string_view message, std::string_view suggestion = {});
  void Add(Diagnostic diagnostic);
  // Takes over the error of a compile function, with the position that ConfigPath::Error gave it. An OK
  // status adds nothing.
  void AddStatus(const absl::Status& status);
  // Called when a file was read and checked, with what kept() was before: an error that is found later at the
  // very place of one of the file's only follows from that. It is counted, and not kept.
  void Settle(size_t since);
  size_t kept() const { return found_.size(); }

  bool HasErrors() const { return error_count_ > 0; }
  size_t error_count() const { return error_count_; }
  // As many errors as ToText tells of, and those that are beyond kMaxKept.
  size_t ReportedErrors() const;

  // Sorted by file, line and column; each finding once.
  std::vector<Diagnostic> Sorted() const;

  // Makes ToText quote the lines of `file`. The loader calls it for each file with findings.
  void AttachSource(std::string_view file, std::string_view text);

  // One finding a line; with `carets`, followed by the line of the source and a caret under the column.
  std::string ToText(bool carets = false) const;
  // A JSON array of {file, line, column, path, severity, message, suggestion}, for --format=json.
  std::string ToJson() const;
  // OK without errors; else InvalidArgument with one error a line.
  absl::Status ToStatus() const;

 private:
  void AppendSource(const Origin& origin, std::string& text) const;

  std::vector<Diagnostic> found_;
  std::set<std::pair<std::string, std::string>> settled_;  // file and path of errors
  size_t error_count_ = 0;
  size_t dropped_ = 0;
  std::map<std::string, std::string, std::less<>> sources_;
};

}  // namespace narthex
