#include <algorithm>

#include "envoy/config/core/v3/health_check.pb.h"
#include "source/base/ascii.h"
#include "source/upstream/config_reader.h"

namespace narthex::cluster_config {

namespace {

using envoy::config::core::v3::HealthCheck;
using std::chrono::milliseconds;

int HexDigit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::string ReadPayload(const HealthCheck::Payload& payload, const ConfigPath& path,
                        Diagnostics& diagnostics) {
  if (payload.has_binary()) {
    if (payload.binary().empty()) diagnostics.Error(path.Field("binary"), "must not be empty");
    return payload.binary();
  }
  const std::string& text = payload.text();
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return HexDigit(c) >= 0; });
  if (!digits || text.size() % 2 != 0) {
    diagnostics.Error(path.Field("text"), "must be bytes in hexadecimal, two digits each");
    return {};
  }
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(HexDigit(text[i]) * 16 + HexDigit(text[i + 1])));
  }
  return bytes;
}

template <class Payloads>
std::vector<std::string> ReadPayloads(const Payloads& payloads, const ConfigPath& path,
                                      Diagnostics& diagnostics) {
  std::vector<std::string> read;
  for (int i = 0; i < payloads.size(); ++i) {
    read.push_back(ReadPayload(payloads.Get(i), path.Index(i), diagnostics));
  }
  return read;
}

template <class Ranges>
std::vector<StatusRange> ReadStatuses(const Ranges& ranges, const ConfigPath& path,
                                      Diagnostics& diagnostics) {
  std::vector<StatusRange> read;
  for (int i = 0; i < ranges.size(); ++i) {
    const auto& range = ranges.Get(i);
    if (range.start() < 100 || range.end() > 600 || range.start() >= range.end()) {
      diagnostics.Error(path.Index(i),
                        "must be a range of statuses from 100, its end at most 600 and above its start");
    }
    read.emplace_back(range.start(), range.end());
  }
  return read;
}

void ReadHeaders(const HealthCheck::HttpHealthCheck& source, const ConfigPath& path, HttpCheck& check,
                 Diagnostics& diagnostics) {
  using Option = envoy::config::core::v3::HeaderValueOption;
  const ConfigPath added = path.Field("request_headers_to_add");
  for (int i = 0; i < source.request_headers_to_add_size(); ++i) {
    const Option& option = source.request_headers_to_add(i);
    const ConfigPath header = added.Index(i).Field("header");
    HeaderEdit edit{ToLowerAscii(option.header().key()), option.header().value(),
                    HeaderEdit::Action::kAppend};
    // It belongs to no request whose properties an operator could tell.
    if (edit.value.find('%') != std::string::npos) {
      diagnostics.Error(header.Field("value"), "a health check's header can't have operators (%)");
    }
    if (edit.name.starts_with(':') || edit.name == "host" || edit.name == "content-length" ||
        edit.name == "transfer-encoding") {
      diagnostics.Error(header.Field("key"), "can't be set for a health check");
    }
    if (option.append_action() == Option::ADD_IF_ABSENT) edit.action = HeaderEdit::Action::kAddIfAbsent;
    if (option.append_action() == Option::OVERWRITE_IF_EXISTS_OR_ADD)
      edit.action = HeaderEdit::Action::kOverwrite;
    if (option.append_action() == Option::OVERWRITE_IF_EXISTS)
      edit.action = HeaderEdit::Action::kOverwriteIfExists;
    if (!edit.value.empty() || option.keep_empty_value()) check.edits.push_back(std::move(edit));
  }
  for (const std::string& name : source.request_headers_to_remove()) {
    check.removed_headers.push_back(ToLowerAscii(name));
  }
}

HttpCheck ReadHttp(const HealthCheck::HttpHealthCheck& source, const ConfigPath& path,
                   Diagnostics& diagnostics) {
  HttpCheck check;
  check.host = source.host();
  check.path = source.path();
  if (source.method() != envoy::config::core::v3::METHOD_UNSPECIFIED) {
    check.method = envoy::config::core::v3::RequestMethod_Name(source.method());
  }
  check.http2 = source.codec_client_type() == envoy::type::v3::HTTP2;
  if (source.codec_client_type() == envoy::type::v3::HTTP3) {
    diagnostics.Error(path.Field("codec_client_type"), "HTTP3 is not supported; use HTTP1 or HTTP2");
  }
  if (source.expected_statuses_size() > 0) {
    check.expected = ReadStatuses(source.expected_statuses(), path.Field("expected_statuses"), diagnostics);
  }
  check.retriable = ReadStatuses(source.retriable_statuses(), path.Field("retriable_statuses"), diagnostics);
  ReadHeaders(source, path, check, diagnostics);
  check.receive = ReadPayloads(source.receive(), path.Field("receive"), diagnostics);
  if (source.has_response_buffer_size()) check.body_limit = source.response_buffer_size().value();
  if (check.method == "HEAD" && !check.receive.empty()) {
    diagnostics.Error(path.Field("receive"), "an answer to HEAD has no body");
  }
  return check;
}

TcpCheck ReadTcp(const HealthCheck::TcpHealthCheck& source, const ConfigPath& path,
                 Diagnostics& diagnostics) {
  TcpCheck check;
  if (source.has_send()) check.send = ReadPayload(source.send(), path.Field("send"), diagnostics);
  check.receive = ReadPayloads(source.receive(), path.Field("receive"), diagnostics);
  if (!check.send.empty() && check.receive.empty()) {
    diagnostics.Warning(path.Field("send"), "has no effect without receive: connecting is enough");
  }
  return check;
}

void ReadIntervals(const HealthCheck& source, HealthCheckSettings& settings) {
  const auto or_else = [](bool set, const google::protobuf::Duration& value, milliseconds otherwise) {
    return set ? ToMilliseconds(value) : otherwise;
  };
  settings.timeout = ToMilliseconds(source.timeout());
  settings.interval = ToMilliseconds(source.interval());
  settings.initial_jitter = ToMilliseconds(source.initial_jitter());
  settings.interval_jitter = ToMilliseconds(source.interval_jitter());
  settings.interval_jitter_percent = source.interval_jitter_percent();
  settings.no_traffic_interval =
      or_else(source.has_no_traffic_interval(), source.no_traffic_interval(), settings.no_traffic_interval);
  settings.no_traffic_healthy_interval =
      or_else(source.has_no_traffic_healthy_interval(), source.no_traffic_healthy_interval(),
              settings.no_traffic_interval);
  settings.unhealthy_interval =
      or_else(source.has_unhealthy_interval(), source.unhealthy_interval(), settings.interval);
  settings.unhealthy_edge_interval = or_else(source.has_unhealthy_edge_interval(),
                                             source.unhealthy_edge_interval(), settings.unhealthy_interval);
  settings.healthy_edge_interval =
      or_else(source.has_healthy_edge_interval(), source.healthy_edge_interval(), settings.interval);
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"

void ReadLogging(const HealthCheck& source, HealthCheckSettings& settings) {
  settings.log_every_failure = source.always_log_health_check_failures();
  settings.log_every_success = source.always_log_health_check_success();
  settings.event_log_path = source.event_log_path();
}

#pragma clang diagnostic pop

void CheckJitter(const google::protobuf::Duration& jitter, const ConfigPath& path, Diagnostics& diagnostics) {
  if (jitter.seconds() < 0 || jitter.nanos() < 0) diagnostics.Error(path, "must not be negative");
}

}  // namespace

void ReadHealthChecks(const ClusterMessage& cluster, const ConfigPath& path, ClusterConfig& config,
                      Diagnostics& diagnostics) {
  if (cluster.health_checks_size() == 0) return;
  const ConfigPath all = path.Field("health_checks");
  for (int i = 1; i < cluster.health_checks_size(); ++i) {
    diagnostics.Error(all.Index(i), "a cluster can have one health check only");
  }
  const HealthCheck& source = cluster.health_checks(0);
  const ConfigPath at = all.Index(0);
  HealthCheckSettings& settings = config.health_check.emplace();
  ReadIntervals(source, settings);
  ReadLogging(source, settings);
  CheckJitter(source.initial_jitter(), at.Field("initial_jitter"), diagnostics);
  CheckJitter(source.interval_jitter(), at.Field("interval_jitter"), diagnostics);
  // As in Envoy none is the same as one.
  settings.unhealthy_threshold = std::max(source.unhealthy_threshold().value(), 1U);
  settings.healthy_threshold = std::max(source.healthy_threshold().value(), 1U);
  settings.alt_port = static_cast<uint16_t>(source.alt_port().value());
  if (source.has_reuse_connection()) settings.reuse_connection = source.reuse_connection().value();
  if (source.has_http_health_check()) {
    settings.check = ReadHttp(source.http_health_check(), at.Field("http_health_check"), diagnostics);
  } else if (source.has_tcp_health_check()) {
    settings.check = ReadTcp(source.tcp_health_check(), at.Field("tcp_health_check"), diagnostics);
  } else {
    settings.check =
        GrpcCheck{source.grpc_health_check().service_name(), source.grpc_health_check().authority()};
  }
  const bool pending = cluster.common_lb_config().ignore_new_hosts_until_first_hc();
  for (EndpointConfig& endpoint : config.endpoints) {
    if (endpoint.check.disabled) continue;
    endpoint.first_health |= HostHealth::kFailedActiveHc;
    if (pending) endpoint.first_health |= HostHealth::kPendingActiveHc;
  }
}

}  // namespace narthex::cluster_config
