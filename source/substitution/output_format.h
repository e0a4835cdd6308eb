#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "source/substitution/formatter.h"
#include "source/substitution/json_format.h"

namespace envoy::config::core::v3 {
class SubstitutionFormatString;
}

namespace narthex {

// Envoy's SubstitutionFormatString, compiled: the text of a log line or of a body. Immutable, any thread.
class OutputFormat {
 public:
  // A body takes the values' bytes as they are; in a line of a log those that could break it are escaped.
  // JSON is always escaped.
  enum class Use { kBody, kLog };

  // `path` is the message's place. Reads the file or the environment variable that text_format_source names.
  static absl::StatusOr<OutputFormat> Compile(const envoy::config::core::v3::SubstitutionFormatString& format,
                                              const ConfigPath& path, Use use);
  // Envoy's default format of access logs.
  static OutputFormat DefaultLog();

  // JSON is one line and ends with a line feed; a text ends as it was written.
  void AppendTo(std::string& out, const FormatContext& context) const;

  // The configured content type; else "application/json" or "text/plain".
  std::string_view content_type() const { return content_type_; }

 private:
  Use use_ = Use::kBody;
  std::string content_type_ = "text/plain";
  SubstitutionFormatter text_;
  std::optional<JsonFormat> json_;  // rather than text_
};

}  // namespace narthex
