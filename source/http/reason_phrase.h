#pragma once

#include <string_view>

namespace narthex {

// What follows is not HTTP (RFC 9110 section 15.2.2). Also the answer to an extended CONNECT that was taken
// up, whichever status HTTP/2 has for that.
inline constexpr int kSwitchingProtocols = 101;

// The registered reason phrase of a status ("Not Found"), empty for one that is not registered. Static text.
std::string_view ReasonPhrase(int status);

// The value of ":status", three digits; 0 when it is something else.
int ParseStatus(std::string_view text);

}  // namespace narthex
