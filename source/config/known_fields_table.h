#pragma once

#include <string_view>

namespace narthex {

// api/known_fields.txt, which the build puts in here.
extern const std::string_view kKnownFields;

}  // namespace narthex
