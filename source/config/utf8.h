#pragma once

#include <cstddef>
#include <string_view>

namespace narthex {

// The length of the well-formed UTF-8 sequence (RFC 3629 section 4) at the start of `text`, which is not
// empty; 0 when there is none.
size_t Utf8Length(std::string_view text);
bool IsUtf8(std::string_view text);

}  // namespace narthex
