#pragma once

#include <memory>

#include "source/http/client_codec.h"
#include "source/http/http2/http2_stats.h"

namespace narthex {

// Speaks HTTP/2 with prior knowledge on `stream` (RFC 9113 section 3.3): as many exchanges at a time as both
// ends allow. `stats` outlive the connection.
//
// It calls OnGoingAway when the peer sends GOAWAY or has closed while exchanges are left. What it holds is
// bounded as a server's connection is (see MakeHttp2ServerConnection), but for bodies that nobody has read:
// each stream's initial_stream_window_size.
std::unique_ptr<ClientConnection> MakeHttp2ClientConnection(EventLoop& loop, std::unique_ptr<Stream> stream,
                                                            ClientConnectionOwner& owner,
                                                            const ClientCodecOptions& options,
                                                            const Http2Stats& stats);

}  // namespace narthex
