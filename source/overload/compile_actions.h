#pragma once

#include "source/overload/overload_config.h"

namespace narthex {

// The actions of `manager`, at `path`, and what configures them. REQUIRES: the monitors of `into` are there.
void CompileOverloadActions(const envoy::config::overload::v3::OverloadManager& manager,
                            const ConfigPath& path, OverloadConfig& into, Diagnostics& diagnostics);

}  // namespace narthex
