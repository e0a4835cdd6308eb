#include "source/manager/access_log.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "source/config/unpack.h"

namespace narthex {
namespace {

using envoy::extensions::access_loggers::file::v3::FileAccessLog;
using envoy::extensions::access_loggers::stream::v3::StderrAccessLog;
using envoy::extensions::access_loggers::stream::v3::StdoutAccessLog;

// Whether `file` could be opened for appending, without making it: configuration is also compiled to be
// checked only.
bool CheckWritable(const std::string& file, const ConfigPath& path, Diagnostics& diagnostics) {
  std::error_code ignored;
  std::string wanted = file;
  int mode = W_OK;
  if (std::filesystem::is_directory(file, ignored)) {
    diagnostics.Error(path, "\"" + file + "\" is a directory");
    return false;
  }
  if (!std::filesystem::exists(file, ignored)) {
    wanted = std::filesystem::path(file).parent_path();
    if (wanted.empty()) wanted = ".";
    mode = W_OK | X_OK;
  }
  if (access(wanted.c_str(), mode) == 0) return true;
  diagnostics.Error(path, "cannot write to \"" + file + "\": " + std::strerror(errno));
  return false;
}

// The message's log_format, or Envoy's default.
template <class M>
std::optional<OutputFormat> CompileFormat(const M& config, const ConfigPath& path, Diagnostics& diagnostics) {
  if (!config.has_log_format()) return OutputFormat::DefaultLog();
  absl::StatusOr<OutputFormat> format =
      OutputFormat::Compile(config.log_format(), path.Field("log_format"), OutputFormat::Use::kLog);
  if (format.ok()) return *std::move(format);
  diagnostics.AddStatus(format.status());
  return std::nullopt;
}

struct Output {
  std::optional<OutputFormat> format;
  std::shared_ptr<AccessLogSink> sink;
};

Output CompileFile(const FileAccessLog& config, const ConfigPath& path, Diagnostics& diagnostics) {
  Output output{CompileFormat(config, path, diagnostics), nullptr};
  // The usual names of the standard streams may be sockets, which can't be opened.
  if (config.path() == "/dev/stdout") {
    output.sink = AccessLogSink::ForDescriptor(STDOUT_FILENO);
  } else if (config.path() == "/dev/stderr") {
    output.sink = AccessLogSink::ForDescriptor(STDERR_FILENO);
  } else if (CheckWritable(config.path(), path.Field("path"), diagnostics)) {
    output.sink = AccessLogSink::ForFile(config.path());
  }
  return output;
}

template <class M>
std::optional<M> UnpackAs(const google::protobuf::Any& any, const ConfigPath& path,
                          Diagnostics& diagnostics) {
  absl::StatusOr<M> message = Unpack<M>(any, path);
  if (message.ok()) return *std::move(message);
  diagnostics.AddStatus(message.status());
  return std::nullopt;
}

Output CompileOutput(const google::protobuf::Any& any, const ConfigPath& path, Diagnostics& diagnostics) {
  if (any.Is<FileAccessLog>()) {
    const auto config = UnpackAs<FileAccessLog>(any, path, diagnostics);
    return config ? CompileFile(*config, path, diagnostics) : Output{};
  }
  if (any.Is<StdoutAccessLog>()) {
    const auto config = UnpackAs<StdoutAccessLog>(any, path, diagnostics);
    if (!config) return {};
    return {CompileFormat(*config, path, diagnostics), AccessLogSink::ForDescriptor(STDOUT_FILENO)};
  }
  if (any.Is<StderrAccessLog>()) {
    const auto config = UnpackAs<StderrAccessLog>(any, path, diagnostics);
    if (!config) return {};
    return {CompileFormat(*config, path, diagnostics), AccessLogSink::ForDescriptor(STDERR_FILENO)};
  }
  diagnostics.Error(path, any.type_url().empty() ? "is missing: where shall the log go?"
                                                 : "\"" + any.type_url() + "\" is no access log");
  return {};
}

}  // namespace

std::shared_ptr<const AccessLog> AccessLog::Compile(const envoy::config::accesslog::v3::AccessLog& config,
                                                    const ConfigPath& path, Diagnostics& diagnostics,
                                                    const RuntimeLookup& runtime) {
  std::unique_ptr<const AccessLogFilter> filter;
  bool ok = true;
  if (config.has_filter()) {
    filter = CompileAccessLogFilter(config.filter(), path.Field("filter"), diagnostics, runtime);
    ok = filter != nullptr;
  }
  Output output = CompileOutput(config.typed_config(), path.Field("typed_config"), diagnostics);
  if (!ok || !output.format || output.sink == nullptr) return nullptr;
  return std::make_shared<const AccessLog>(std::move(filter), *std::move(output.format),
                                           std::move(output.sink));
}

void AccessLog::Log(const FormatContext& context) const {
  if (filter_ != nullptr && !filter_->Passes(context)) return;
  // Kept for its capacity.
  thread_local std::string line;
  line.clear();
  format_.AppendTo(line, context);
  sink_->Append(line);
}

}  // namespace narthex
