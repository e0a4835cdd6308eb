#pragma once

#include <string>
#include <string_view>

namespace narthex {

// What a warning says of a deprecated field: that it is one, and what takes its place if that is known.
// `message` is the full name of the message it stands in ("envoy.config.cluster.v3.Cluster"). Thread-safe.
std::string DescribeDeprecated(std::string_view message, std::string_view field);

}  // namespace narthex
