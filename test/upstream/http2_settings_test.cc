#include "source/upstream/http2_settings.h"

#include <string>

#include "envoy/config/core/v3/protocol.pb.h"
#include "gtest/gtest.h"
#include "source/config/document.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

struct Compiled {
  explicit Compiled(const std::string& yaml, Http2Options defaults = {}) : options(defaults) {
    envoy::config::core::v3::Http2ProtocolOptions config;
    loaded = LoadString("h2.yaml", yaml, config, document, diagnostics);
    if (loaded) CompileHttp2Options(config, document.Root(), diagnostics, options);
    text = diagnostics.ToText();
  }
  bool Says(std::string_view part) const { return text.find(part) != std::string::npos; }

  ConfigDocument document;
  Diagnostics diagnostics;
  Http2Options options;
  bool loaded = false;
  std::string text;
};

TEST(Http2Settings, LeavesTheDefaultsOfTheEdge) {
  const Compiled compiled("{}");
  EXPECT_EQ(compiled.text, "");
  EXPECT_EQ(compiled.options.max_concurrent_streams, 100u);
  EXPECT_EQ(compiled.options.initial_stream_window_size, 65'536u);
  EXPECT_EQ(compiled.options.initial_connection_window_size, 1'048'576u);
  EXPECT_TRUE(compiled.options.stream_error_on_invalid_http_message);
  EXPECT_EQ(EnvoyHttp2Defaults().initial_stream_window_size, 16u * 1024 * 1024);
}

TEST(Http2Settings, TakesEveryField) {
  const Compiled compiled(
      "hpack_table_size: 1\nmax_concurrent_streams: 2\ninitial_stream_window_size: 65535\n"
      "initial_connection_window_size: 65536\nallow_connect: true\nmax_outbound_frames: 5\n"
      "max_outbound_control_frames: 6\nmax_consecutive_inbound_frames_with_empty_payload: 7\n"
      "max_inbound_priority_frames_per_stream: 8\nmax_inbound_window_update_frames_per_data_frame_sent: 9\n"
      "override_stream_error_on_invalid_http_message: false\nstream_reset_burst: 11\nstream_reset_rate: 12\n"
      "connection_keepalive: {interval: 13s, timeout: 0.0145s, interval_jitter: {value: 16},"
      " connection_idle_interval: 17s}\n");
  ASSERT_TRUE(compiled.loaded) << compiled.text;
  EXPECT_EQ(compiled.text, "");
  const Http2Options& options = compiled.options;
  EXPECT_EQ(options.hpack_table_size, 1u);
  EXPECT_EQ(options.max_concurrent_streams, 2u);
  EXPECT_EQ(options.initial_stream_window_size, 65'535u);
  EXPECT_EQ(options.initial_connection_window_size, 65'536u);
  EXPECT_TRUE(options.allow_connect);
  EXPECT_EQ(options.max_outbound_frames, 5u);
  EXPECT_EQ(options.max_outbound_control_frames, 6u);
  EXPECT_EQ(options.max_consecutive_inbound_frames_with_empty_payload, 7u);
  EXPECT_EQ(options.max_inbound_priority_frames_per_stream, 8u);
  EXPECT_EQ(options.max_inbound_window_update_frames_per_data_frame_sent, 9u);
  EXPECT_FALSE(options.stream_error_on_invalid_http_message);
  EXPECT_EQ(options.stream_reset_burst, 11u);
  EXPECT_EQ(options.stream_reset_rate, 12u);
  EXPECT_EQ(options.keepalive.interval, 13s);
  EXPECT_EQ(options.keepalive.timeout, 15ms);
  EXPECT_EQ(options.keepalive.jitter_percent, 16);
  EXPECT_EQ(options.keepalive.connection_idle_interval, 17s);
}

TEST(Http2Settings, SaysWhatHasNoEffect) {
  EXPECT_TRUE(Compiled("connection_keepalive: {timeout: 1s}").Says("connection_keepalive: has no effect"));
  EXPECT_TRUE(Compiled("initial_connection_window_size: 65535").Says("no stream can fill"));
}

TEST(Http2Settings, RefusesWhatIsOutOfBounds) {
  EXPECT_FALSE(Compiled("initial_stream_window_size: 65534").loaded);
  EXPECT_FALSE(Compiled("max_concurrent_streams: 0").loaded);
  EXPECT_FALSE(Compiled("connection_keepalive: {interval: 1s}").loaded);
  EXPECT_FALSE(Compiled("connection_keepalive: {interval: 0s, timeout: 1s}").loaded);
}

}  // namespace
}  // namespace narthex
