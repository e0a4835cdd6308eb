#pragma once

#include <string_view>

namespace narthex {

// Whether Envoy v3 has what we have not: a field `field` of `message` ("envoy.config.cluster.v3.Cluster"),
// or, with an empty `field`, the whole message. Tells "not supported" from "no such thing". Thread-safe;
// slow, for error messages only.
bool IsKnownToEnvoy(std::string_view message, std::string_view field);

// The same with the table of the caller: lines `message field` or `message *`, each ended by a newline.
bool ListsField(std::string_view table, std::string_view message, std::string_view field);

}  // namespace narthex
