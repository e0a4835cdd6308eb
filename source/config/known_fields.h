#pragma once

#include <string_view>

namespace narthex {

// Whether Envoy v3 has a field `field` in `message` ("envoy.config.cluster.v3.Cluster"), or, with an empty
// `field`, such a message at all. Tells "not supported" from "no such thing". Thread-safe; for error
// messages, not for a request's path.
bool IsKnownToEnvoy(std::string_view message, std::string_view field);

// The same with the table of the caller: lines `message field`, sorted or not, each ended by a newline.
bool ListsField(std::string_view table, std::string_view message, std::string_view field);

}  // namespace narthex
