#pragma once

#include <string>
#include <string_view>

namespace narthex {

// Appends `text` as the inside of a JSON string (without its quotes): quotes, backslashes and control bytes
// are escaped; bytes that aren't UTF-8 become U+FFFD, so that the result is JSON whatever the bytes.
void AppendJsonEscaped(std::string& out, std::string_view text);

// Appends `text` so that it can't end a log line or a quoted field of it, or move a terminal's cursor: \n,
// \r,
// \t, \" and \\, and \xNN for other control bytes and bytes that aren't UTF-8. The result is UTF-8.
void AppendLogEscaped(std::string& out, std::string_view text);

// The same for text that a person reads as it is, outside any quotes: quotes and backslashes stay.
void AppendControlEscaped(std::string& out, std::string_view text);

}  // namespace narthex
