#pragma once

#include <string>

#include "source/server/snapshot.h"

namespace narthex {

// What the snapshot was made of, in JSON of the form of envoy.admin.v3.ConfigDump. No message of this release
// holds a secret in clear.
std::string DumpConfig(const Snapshot& snapshot);

}  // namespace narthex
