#include "source/substitution/output_format.h"

#include "envoy/config/core/v3/base.pb.h"
#include "source/config/data_source.h"

namespace narthex {
namespace {

using envoy::config::core::v3::DataSource;
using envoy::config::core::v3::SubstitutionFormatString;

constexpr std::string_view kDefaultLog =
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% "
    "%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    "\"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" "
    "\"%UPSTREAM_HOST%\"\n";

}  // namespace

absl::StatusOr<OutputFormat> OutputFormat::Compile(const SubstitutionFormatString& format,
                                                   const ConfigPath& path, Use use) {
  OutputFormat output;
  output.use_ = use;
  if (format.has_json_format()) {
    absl::StatusOr<JsonFormat> json =
        JsonFormat::Compile(format.json_format(), path.Field("json_format"), format.omit_empty_values());
    if (!json.ok()) return json.status();
    output.json_ = *std::move(json);
    output.content_type_ = "application/json";
  } else {
    const ConfigPath source = path.Field("text_format_source");
    const absl::StatusOr<std::string> text = ReadDataSource(format.text_format_source(), source);
    if (!text.ok()) return text.status();
    const auto absent = format.omit_empty_values() ? SubstitutionFormatter::Absent::kEmpty
                                                   : SubstitutionFormatter::Absent::kDash;
    const bool is_inline = format.text_format_source().specifier_case() == DataSource::kInlineString;
    absl::StatusOr<SubstitutionFormatter> parsed =
        SubstitutionFormatter::Parse(*text, is_inline ? source.Field("inline_string") : source, absent);
    if (!parsed.ok()) return parsed.status();
    output.text_ = *std::move(parsed);
  }
  if (!format.content_type().empty()) output.content_type_ = format.content_type();
  return output;
}

OutputFormat OutputFormat::DefaultLog() {
  OutputFormat output;
  output.use_ = Use::kLog;
  output.text_ = *SubstitutionFormatter::Parse(kDefaultLog, ConfigPath());
  return output;
}

void OutputFormat::AppendTo(std::string& out, const FormatContext& context) const {
  if (json_) {
    json_->AppendTo(out, context);
    out += '\n';
  } else if (use_ == Use::kLog) {
    text_.AppendEscapedTo(out, context);
  } else {
    text_.AppendTo(out, context);
  }
}

}  // namespace narthex
