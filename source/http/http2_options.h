#pragma once

#include <chrono>
#include <cstdint>

namespace narthex {

// Limits of an HTTP/2 connection (RFC 9113), named as Envoy's Http2ProtocolOptions; the values here are those
// of Envoy's guide for the edge where its defaults are for trusted peers. Zero durations mean never.
struct Http2Options {
  // Of the HPACK decoder, and the most that the encoder uses. Bytes.
  uint32_t hpack_table_size = 4096;
  uint32_t max_concurrent_streams = 100;
  // What a peer may send of one stream, or a client of all, that nobody has read yet. Bytes. An upstream gets
  // the connection's window back at once: one answer that is not read must not hold up the others.
  uint32_t initial_stream_window_size = 64 * 1024;
  uint32_t initial_connection_window_size = 1024 * 1024;
  // Take CONNECT and extended CONNECT (RFC 8441), and hand them on.
  bool allow_connect = false;

  // Frames that wait for the peer to read; the second counts no DATA and no heads of responses.
  uint32_t max_outbound_frames = 10'000;
  uint32_t max_outbound_control_frames = 1000;
  // HEADERS, CONTINUATION and DATA without payload that end nothing, in a row.
  uint32_t max_consecutive_inbound_frames_with_empty_payload = 1;
  uint32_t max_inbound_priority_frames_per_stream = 100;
  uint32_t max_inbound_window_update_frames_per_data_frame_sent = 10;
  // How many streams a client may have reset, by its own frames or by breaking the rules on them: at once,
  // and a second. One for each stream that was answered does not count; of those 100 are remembered.
  uint64_t stream_reset_burst = 200;
  uint64_t stream_reset_rate = 33;

  // A malformed message resets its stream, as RFC 9113 section 8.1.1 says; otherwise it ends the connection.
  bool stream_error_on_invalid_http_message = true;

  // PINGs that find out whether the peer is still there.
  struct Keepalive {
    std::chrono::milliseconds interval{0};
    std::chrono::milliseconds timeout{0};  // how long an answer may take; set when one of the others is
    // An interval is longer by up to so much of itself, at random, so that peers are not asked all at once.
    double jitter_percent = 15;
    // A stream that is opened on a connection idle for so long is preceded by a PING (client side).
    std::chrono::milliseconds connection_idle_interval{0};
  };
  Keepalive keepalive;
};

}  // namespace narthex
