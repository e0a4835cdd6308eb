#include "source/config/diagnostics.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "source/config/utf8.h"

namespace narthex {
namespace {

auto SortKey(const Diagnostic& d) {
  return std::tie(d.origin.file, d.origin.line, d.origin.column, d.origin.path, d.severity, d.message,
                  d.suggestion);
}

void AppendEscape(unsigned char c, std::string& json) {
  constexpr char kHex[] = "0123456789abcdef";
  json += "\\u00";
  json.push_back(kHex[c >> 4]);
  json.push_back(kHex[c & 15]);
}

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    unsigned char c = static_cast<unsigned char>(text[0]);
    size_t length = Utf8Length(text);
    if (c == '"' || c == '\\') {
      json.push_back('\\');
      json.push_back(static_cast<char>(c));
    } else if (c < 0x20 || length == 0) {
      AppendEscape(c, json);
    } else {
      json.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  json.push_back('"');
  return json;
}

// The text of so many characters at the beginning, or at the end, of `text`; a byte that is in no character
// counts as one.
std::string_view FirstCharacters(std::string_view text, size_t count) {
  size_t end = 0;
  for (; count > 0 && end < text.size(); --count) end += std::max<size_t>(Utf8Length(text.substr(end)), 1);
  return text.substr(0, end);
}
std::string_view LastCharacters(std::string_view text, size_t count) {
  size_t begin = text.size();
  for (; count > 0 && begin > 0; --count) {
    --begin;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
  }
  return text.substr(begin);
}

std::string_view LineOf(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

std::string Diagnostic::ToString() const {
  std::string text = origin.Position();
  if (!text.empty()) text += ": ";
  if (severity == Severity::kWarning) text += "warning: ";
  if (!origin.path.empty()) absl::StrAppend(&text, origin.path, ": ");
  text += message;
  if (!suggestion.empty()) absl::StrAppend(&text, "; did you mean \"", suggestion, "\"?");
  return text;
}

void Diagnostics::Error(const ConfigPath& path, std::string_view message, std::string_view suggestion) {
  Add({path.Origin(), Severity::kError, std::string(message), std::string(suggestion)});
}

void Diagnostics::Warning(const ConfigPath& path, std::string_view message, std::string_view suggestion) {
  Add({path.Origin(), Severity::kWarning, std::string(message), std::string(suggestion)});
}

void Diagnostics::Add(Diagnostic diagnostic) {
  const bool error = diagnostic.severity == Severity::kError;
  if (error) ++error_count_;
  if (error && settled_.contains({diagnostic.origin.file, diagnostic.origin.path})) return;
  if (found_.size() >= kMaxKept) {
    ++dropped_;
    return;
  }
  found_.push_back(std::move(diagnostic));
}

void Diagnostics::AddStatus(const absl::Status& status) {
  if (status.ok()) return;
  Diagnostic diagnostic;
  if (!FindOrigin(status, diagnostic.origin, diagnostic.message))
    diagnostic.message = std::string(status.message());
  Add(std::move(diagnostic));
}

void Diagnostics::Settle(size_t since) {
  for (size_t i = since; i < found_.size(); ++i) {
    const Diagnostic& diagnostic = found_[i];
    if (diagnostic.severity != Severity::kError || diagnostic.origin.path.empty()) continue;
    settled_.emplace(diagnostic.origin.file, diagnostic.origin.path);
  }
}

size_t Diagnostics::ReportedErrors() const {
  if (dropped_ > 0) return error_count_;
  const std::vector<Diagnostic> sorted = Sorted();
  const auto errors = std::count_if(sorted.begin(), sorted.end(), [](const Diagnostic& diagnostic) {
    return diagnostic.severity == Severity::kError;
  });
  return static_cast<size_t>(errors);
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> sorted = found_;
  std::sort(sorted.begin(), sorted.end(),
            [](const Diagnostic& a, const Diagnostic& b) { return SortKey(a) < SortKey(b); });
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

void Diagnostics::AttachSource(std::string_view file, std::string_view text) {
  sources_.insert_or_assign(std::string(file), std::string(text));
}

void Diagnostics::AppendSource(const Origin& origin, std::string& text) const {
  auto source = sources_.find(origin.file);
  if (source == sources_.end() || origin.line == 0) return;
  // A line may be a whole file: what stands around the column is enough.
  constexpr size_t kShownBefore = 80, kShownBehind = 80;
  constexpr std::string_view kCut = "...";
  const std::string_view line = LineOf(source->second, origin.line);
  const std::string_view before = FirstCharacters(line, static_cast<size_t>(std::max(origin.column, 1) - 1));
  const std::string_view behind = line.substr(before.size());
  std::string_view left = LastCharacters(before, kShownBefore);
  const std::string_view right = FirstCharacters(behind, kShownBehind);
  text.append("    ").append(left.size() < before.size() ? kCut : "").append(left).append(right);
  text.append(right.size() < behind.size() ? kCut : "").append("\n    ");
  if (left.size() < before.size()) text.append(kCut.size(), ' ');
  for (; !left.empty(); left.remove_prefix(FirstCharacters(left, 1).size())) {
    text.push_back(left[0] == '\t' ? '\t' : ' ');
  }
  text.append("^\n");
}

std::string Diagnostics::ToText(bool carets) const {
  std::string text;
  for (const Diagnostic& diagnostic : Sorted()) {
    text += diagnostic.ToString();
    text.push_back('\n');
    if (carets) AppendSource(diagnostic.origin, text);
  }
  if (dropped_ > 0) absl::StrAppend(&text, "and ", dropped_, " more\n");
  return text;
}

std::string Diagnostics::ToJson() const {
  std::string json = "[";
  for (const Diagnostic& d : Sorted()) {
    absl::StrAppend(&json, json.size() == 1 ? "\n" : ",\n", "  {\"file\": ", JsonString(d.origin.file));
    absl::StrAppend(&json, ", \"line\": ", d.origin.line, ", \"column\": ", d.origin.column);
    absl::StrAppend(&json, ", \"path\": ", JsonString(d.origin.path),
                    ", \"severity\": ", d.severity == Severity::kError ? "\"error\"" : "\"warning\"");
    absl::StrAppend(&json, ", \"message\": ", JsonString(d.message),
                    ", \"suggestion\": ", JsonString(d.suggestion), "}");
  }
  json += json.size() == 1 ? "]\n" : "\n]\n";
  return json;
}

absl::Status Diagnostics::ToStatus() const {
  if (!HasErrors()) return absl::OkStatus();
  std::string text;
  for (const Diagnostic& diagnostic : Sorted()) {
    if (diagnostic.severity != Severity::kError) continue;
    if (!text.empty()) text.push_back('\n');
    text += diagnostic.ToString();
  }
  return absl::InvalidArgumentError(text);
}

}  // namespace narthex
