#pragma once

#include <chrono>
#include <string_view>

namespace narthex {

// `now` as the value of a Date field (RFC 9110 section 5.6.7). Made once a second on each thread: the view
// holds until the thread asks again.
std::string_view HttpDate(std::chrono::system_clock::time_point now);

}  // namespace narthex
