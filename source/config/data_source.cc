#include "source/config/data_source.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "envoy/config/core/v3/base.pb.h"

namespace narthex {

using envoy::config::core::v3::DataSource;

absl::StatusOr<std::string> ReadDataSource(const DataSource& source, const ConfigPath& path) {
  switch (source.specifier_case()) {
    case DataSource::kFilename: {
      std::ifstream file(source.filename(), std::ios::binary);
      if (!file) return path.Field("filename").Error("cannot read \"" + source.filename() + "\"");
      return std::string(std::istreambuf_iterator<char>(file), {});
    }
    case DataSource::kEnvironmentVariable: {
      const char* value = std::getenv(source.environment_variable().c_str());
      if (value != nullptr) return std::string(value);
      return path.Field("environment_variable").Error("\"" + source.environment_variable() + "\" is not set");
    }
    case DataSource::kInlineBytes:
      return source.inline_bytes();
    default:
      return source.inline_string();
  }
}

}  // namespace narthex
