#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "source/config/config_path.h"

namespace envoy::config::core::v3 {
class DataSource;
}

namespace narthex {

// The bytes that a DataSource at `path` stands for: written in place, in a file, or in an environment
// variable. An error at the position of what can't be read. Load-time only.
absl::StatusOr<std::string> ReadDataSource(const envoy::config::core::v3::DataSource& source,
                                           const ConfigPath& path);

}  // namespace narthex
