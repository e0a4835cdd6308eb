#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "source/config/origin.h"
#include "source/net/address.h"

namespace narthex {

// What a cluster's configuration says of the health of its hosts, compiled. Immutable values.

// From `first` up to, but not including, `second`.
using StatusRange = std::pair<int64_t, int64_t>;

// A change of a request's header fields.
struct HeaderEdit {
  enum class Action : uint8_t { kAppend, kAddIfAbsent, kOverwrite, kOverwriteIfExists };
  std::string name, value;
  Action action = Action::kAppend;
};

struct HttpCheck {
  std::string method = "GET", host, path;
  bool http2 = false;
  std::vector<StatusRange> expected{{200, 201}};
  std::vector<StatusRange> retriable;
  std::vector<HeaderEdit> edits;
  std::vector<std::string> removed_headers;
  std::vector<std::string> receive;  // what the body holds, in this order
  uint64_t body_limit = 1024;        // how much of it is looked at; 0: all
};

struct TcpCheck {
  std::string send;
  std::vector<std::string> receive;
};

struct GrpcCheck {
  std::string service, authority;
};

// Active checks.
struct HealthCheckSettings {
  std::variant<HttpCheck, TcpCheck, GrpcCheck> check;
  std::chrono::milliseconds timeout{0}, interval{0};
  std::chrono::milliseconds initial_jitter{0}, interval_jitter{0};
  uint32_t interval_jitter_percent = 0;
  uint32_t unhealthy_threshold = 1, healthy_threshold = 1;
  // In place of `interval`, all resolved: see HealthVerdict::NextInterval.
  std::chrono::milliseconds no_traffic_interval{60'000}, no_traffic_healthy_interval{60'000};
  std::chrono::milliseconds unhealthy_interval{0}, unhealthy_edge_interval{0}, healthy_edge_interval{0};
  bool reuse_connection = true;
  bool log_every_failure = false, log_every_success = false;
  uint16_t alt_port = 0;       // 0: the host's
  std::string event_log_path;  // empty: none
};

// What one endpoint has otherwise.
struct EndpointCheck {
  Address address;       // empty: the host's
  uint16_t port = 0;     // 0: the host's, or the check's alt_port
  std::string hostname;  // empty: the check's
  bool disabled = false;
};

// A detection of outliers, and the share of its detections that eject, in percent.
struct OutlierRule {
  uint32_t limit = 0;
  uint32_t enforcing = 0;
};

// Passive checks; the values are Envoy's defaults.
struct OutlierSettings {
  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds base_ejection_time{30'000};
  std::chrono::milliseconds max_ejection_time{300'000};
  std::chrono::milliseconds max_ejection_time_jitter{0};
  uint32_t max_ejection_percent = 10;
  bool always_eject_one_host = false;
  bool split_local_origin = false;
  bool uneject_by_active_check = true;
  // In a row.
  OutlierRule consecutive_5xx{5, 100};
  OutlierRule consecutive_gateway_failure{5, 0};
  OutlierRule consecutive_local_origin_failure{5, 100};
  // By shares among the hosts; `limit` is the factor of the standard deviation, in thousandths.
  OutlierRule success_rate{1900, 100};
  uint32_t local_origin_success_rate_enforcing = 100;
  uint32_t success_rate_hosts = 5, success_rate_volume = 100;
  OutlierRule failure_percentage{85, 0};
  uint32_t local_origin_failure_percentage_enforcing = 0;
  uint32_t failure_percentage_hosts = 5, failure_percentage_volume = 50;
};

}  // namespace narthex
