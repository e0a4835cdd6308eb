#pragma once

#include <nghttp2/nghttp2.h>

namespace narthex {

// The functions by which nghttp2 tells a session what it has read and written; the same for all sessions.
// User data is the Http2Session.
const nghttp2_session_callbacks* Http2SessionCallbacks();

}  // namespace narthex
