#include "source/upstream/http2_settings.h"

#include "envoy/config/core/v3/protocol.pb.h"
#include "source/config/duration.h"

namespace narthex {
namespace {

using envoy::config::core::v3::Http2ProtocolOptions;
using envoy::config::core::v3::KeepaliveSettings;
using std::chrono::milliseconds;

void CompileKeepalive(const KeepaliveSettings& config, const ConfigPath& path, Diagnostics& diagnostics,
                      Http2Options::Keepalive& keepalive) {
  keepalive.timeout = ToMilliseconds(config.timeout());
  if (config.has_interval()) keepalive.interval = ToMilliseconds(config.interval());
  if (config.has_interval_jitter()) keepalive.jitter_percent = config.interval_jitter().value();
  if (config.has_connection_idle_interval()) {
    keepalive.connection_idle_interval = ToMilliseconds(config.connection_idle_interval());
  }
  if (!config.has_interval() && !config.has_connection_idle_interval()) {
    diagnostics.Warning(path, "has no effect without an interval or a connection_idle_interval");
  }
}

void CompileGuards(const Http2ProtocolOptions& config, Http2Options& options) {
  if (config.has_max_outbound_frames()) options.max_outbound_frames = config.max_outbound_frames().value();
  if (config.has_max_outbound_control_frames()) {
    options.max_outbound_control_frames = config.max_outbound_control_frames().value();
  }
  if (config.has_max_consecutive_inbound_frames_with_empty_payload()) {
    options.max_consecutive_inbound_frames_with_empty_payload =
        config.max_consecutive_inbound_frames_with_empty_payload().value();
  }
  if (config.has_max_inbound_priority_frames_per_stream()) {
    options.max_inbound_priority_frames_per_stream = config.max_inbound_priority_frames_per_stream().value();
  }
  if (config.has_max_inbound_window_update_frames_per_data_frame_sent()) {
    options.max_inbound_window_update_frames_per_data_frame_sent =
        config.max_inbound_window_update_frames_per_data_frame_sent().value();
  }
  if (config.has_stream_reset_burst()) options.stream_reset_burst = config.stream_reset_burst().value();
  if (config.has_stream_reset_rate()) options.stream_reset_rate = config.stream_reset_rate().value();
}

}  // namespace

Http2Options EnvoyHttp2Defaults() {
  constexpr uint32_t kMiB = 1024 * 1024;
  Http2Options options;
  options.max_concurrent_streams = 1024;
  options.initial_stream_window_size = 16 * kMiB;
  options.initial_connection_window_size = 24 * kMiB;
  options.stream_reset_burst = 1000;
  options.stream_error_on_invalid_http_message = false;
  return options;
}

void CompileHttp2Options(const Http2ProtocolOptions& config, ConfigPath path, Diagnostics& diagnostics,
                         Http2Options& options) {
  if (config.has_hpack_table_size()) options.hpack_table_size = config.hpack_table_size().value();
  if (config.has_max_concurrent_streams()) {
    options.max_concurrent_streams = config.max_concurrent_streams().value();
  }
  if (config.has_initial_stream_window_size()) {
    options.initial_stream_window_size = config.initial_stream_window_size().value();
  }
  if (config.has_initial_connection_window_size()) {
    options.initial_connection_window_size = config.initial_connection_window_size().value();
  }
  if (options.initial_connection_window_size < options.initial_stream_window_size) {
    diagnostics.Warning(path,
                        "no stream can fill its initial_stream_window_size, because that of the connection "
                        "is smaller");
  }
  if (config.allow_connect()) options.allow_connect = true;
  if (config.has_override_stream_error_on_invalid_http_message()) {
    options.stream_error_on_invalid_http_message =
        config.override_stream_error_on_invalid_http_message().value();
  }
  CompileGuards(config, options);
  if (config.has_connection_keepalive()) {
    CompileKeepalive(config.connection_keepalive(), path.Field("connection_keepalive"), diagnostics,
                     options.keepalive);
  }
}

}  // namespace narthex
