#pragma once

#include <memory>

#include "source/http/server_codec.h"

namespace narthex {

// Serves HTTP/2 on `stream`, from the client's preface on (RFC 9113 section 3.4); the same contract as
// MakeHttp1ServerConnection, for many requests at a time. Options are `options.http2` and those of
// ServerCodecOptions that are not HTTP/1's own.
//
// What a connection holds at most: initial_connection_window_size of bodies that nobody has read (a stream
// its initial_stream_window_size), in blocks of memory of which a quarter may be others', and a block more
// for each stream; a piece of BodyReadSize in each direction and one of each stream's response,
// max_concurrent_streams exchanges with max_header_kb of fields each, hpack_table_size twice, and
// max_outbound_control_frames that wait to be sent.
// `received` has been read of the stream before.
std::unique_ptr<ServerConnection> MakeHttp2ServerConnection(std::unique_ptr<Stream> stream,
                                                            ServerConnectionContext context,
                                                            Buffer received = {});

}  // namespace narthex
