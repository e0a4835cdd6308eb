#pragma once

#include <cstdint>

#include "source/event/event_loop.h"
#include "source/http/message.h"
#include "source/stats/stats.h"

namespace narthex {

// Envoy's response code detail of max_stream_duration.
inline constexpr std::string_view kMaxDurationTimeout = "max_duration_timeout";

// Breaks the body of `response` off when the loop's clock passes `deadline_ms`, and counts that.
void EndBodyAt(EventLoop& loop, uint64_t deadline_ms, Counter reached, Response& response);

}  // namespace narthex
