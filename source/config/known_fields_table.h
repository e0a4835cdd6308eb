#pragma once

#include <string_view>

namespace narthex {

// Lines `message field`: every field of the Envoy v3 messages, written at build time from
// api/known_fields.txt.
extern const std::string_view kKnownFields;

}  // namespace narthex
