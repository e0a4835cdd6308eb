#pragma once

#include <string_view>

namespace narthex {

// The registered reason phrase of a status ("Not Found"), empty for one that is not registered. Static text.
std::string_view ReasonPhrase(int status);

// The value of ":status", three digits; 0 when it is something else.
int ParseStatus(std::string_view text);

}  // namespace narthex
