#include "source/http/http2/http2_stats.h"

#include <string>

namespace narthex {

Http2Stats::Http2Stats(std::string_view prefix) {
  StatsStore& store = StatsStore::Process();
  const auto counter = [&](std::string_view name) {
    return store.MakeCounter(std::string(prefix).append(name));
  };
  rx_reset = counter("rx_reset");
  tx_reset = counter("tx_reset");
  rx_messaging_error = counter("rx_messaging_error");
  header_overflow = counter("header_overflow");
  trailers = counter("trailers");
  goaway_sent = counter("goaway_sent");
  keepalive_timeout = counter("keepalive_timeout");
  stream_refused_errors = counter("stream_refused_errors");
  streams_active = store.MakeGauge(std::string(prefix).append("streams_active"));
  for (size_t i = 1; i < floods.size(); ++i) {
    constexpr std::string_view kScope = "http2.";
    floods[i] = counter(Http2FloodName(static_cast<Http2Flood>(i)).substr(kScope.size()));
  }
}

const Http2Stats& Http2Stats::Downstream() {
  static const Http2Stats stats("http2.");
  return stats;
}

}  // namespace narthex
