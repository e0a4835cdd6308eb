#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "google/protobuf/util/json_util.h"
#include "source/base/escape.h"
#include "source/filter/health_flag.h"
#include "source/server/admin_runtime.h"
#include "source/server/config_dump.h"
#include "source/server/explain.h"
#include "source/server/server.h"
#include "source/tls/certificates_page.h"

namespace narthex {

namespace {

std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  return google::protobuf::util::MessageToJsonString(message, &json, options).ok() ? json : "{}";
}

void AppendString(std::string& json, std::string_view key, std::string_view value) {
  json += '"';
  json += key;
  json += "\":\"";
  AppendJsonEscaped(json, value);
  json += '"';
}

}  // namespace

ServerState Server::State() const {
  if (phase_ == Phase::kDraining || HealthFlag::failing()) return ServerState::kDraining;
  return phase_ == Phase::kServing ? ServerState::kLive : ServerState::kPreInitializing;
}

std::string Server::ServerInfo() const {
  const std::string uptime = "\"" + std::to_string(UptimeSeconds()) + "s\"";
  std::string json = "{";
  AppendString(json, "version", VersionText());
  json += ",";
  AppendString(json, "state", StateName(State()));
  json += ",\"uptime_current_epoch\":" + uptime + ",\"uptime_all_epochs\":" + uptime;
  json += ",\"hot_restart_version\":\"disabled\",\"command_line_options\":{";
  AppendString(json, "config_path", line_.config_path);
  json += ",\"concurrency\":" + std::to_string(workers_.size()) + ",";
  AppendString(json, "log_level", line_.log_level);
  json += ",";
  AppendString(json, "log_path", line_.log_path);
  json += ",\"base_id\":\"" + std::to_string(line_.base_id) + "\",\"mode\":\"Serve\",\"drain_time\":\"" +
          std::to_string(line_.drain_time.count()) + "s\",\"parent_shutdown_time\":\"" +
          std::to_string(line_.parent_shutdown_time.count()) +
          "s\",\"disable_hot_restart\":" + (line_.disable_hot_restart ? "true" : "false") + "},\"node\":";
  return json + Json(snapshot_->files->bootstrap->node()) + "}";
}

std::vector<ListenerRow> Server::Listeners() const {
  std::vector<ListenerRow> rows;
  for (const BoundAddress& bound : sockets_.all()) {
    if (rows.empty() || rows.back().name != bound.listener) rows.push_back({bound.listener, {}});
    rows.back().addresses.push_back(bound.bound().ToString());
  }
  return rows;
}

AdminReply Server::ConfigDump(const AdminRequest& request) const {
  const ConfigDumpQuery query{request.Get("resource"), request.Get("mask"), request.Get("name_regex")};
  absl::StatusOr<std::string> dump = DumpConfig(*snapshot_, query);
  if (dump.ok()) return JsonReply(*std::move(dump));
  const auto text = dump.status().message();
  return {absl::IsNotFound(dump.status()) ? 404 : 400, std::string(text.data(), text.size()) + "\n"};
}

std::string Server::Certificates() const {
  return CertificatesJson(snapshot_->TlsContexts(), std::chrono::system_clock::now());
}

std::string Server::Runtime() const {
  std::string json = "{\"layers\":[";
  for (size_t i = 0; i < snapshot_->runtime_layers.size(); ++i) {
    json += i > 0 ? ",\"" : "\"";
    AppendJsonEscaped(json, snapshot_->runtime_layers[i]);
    json += "\"";
  }
  json += "],\"entries\":{";
  bool first = true;
  for (const auto& [key, value] : snapshot_->runtime) {
    json += first ? "\"" : ",\"";
    first = false;
    AppendJsonEscaped(json, key);
    json += "\":{\"final_value\":";
    // A string, whatever the layer has: Envoy's form.
    if (value.starts_with('"')) {
      json += value + "}";
      continue;
    }
    json += '"';
    AppendJsonEscaped(json, value);
    json += "\"}";
  }
  return json + "}}";
}

// The values count once a snapshot has been built of them, aside like that of a changed file: /runtime shows
// them from then on, and every worker has the same.
AdminReply Server::ModifyRuntime(const AdminRequest& request) {
  if (!snapshot_->has_admin_layer) {
    return {
        503,
        "there is no admin layer: add one to layered_runtime.layers, as {name: admin, admin_layer: {}}\n"};
  }
  if (phase_ == Phase::kDraining || listeners_closed_) {
    return {503, "the gateway is ending, and takes no other configuration\n"};
  }
  if (!snapshot_->admin_runtime->Modify(request.query)) {
    return {400, "more than " + std::to_string(AdminRuntime::kMaxKeys) + " keys\n"};
  }
  RequestReload();
  return {200, "OK\n"};
}

AdminReply Server::Explain(const AdminRequest& request) const {
  ExplainRequest asked;
  asked.method = request.Get("method").empty() ? "GET" : std::string(request.Get("method"));
  asked.url = request.Get("url");
  if (asked.url.empty())
    return {400, "usage: /explain?method=GET&url=http://host/path&header=name:value&client=IP\n"};
  if (!request.Get("client").empty()) asked.client = request.Get("client");
  for (const auto& [key, value] : request.query) {
    const size_t colon = value.find(':');
    if (key != "header" || colon == std::string::npos) continue;
    const size_t begin = value.find_first_not_of(' ', colon + 1);
    asked.headers.emplace_back(value.substr(0, colon), begin == std::string::npos ? "" : value.substr(begin));
  }
  absl::StatusOr<Explanation> explanation = ExplainIn(*snapshot_, asked);
  if (!explanation.ok()) {
    const auto text = explanation.status().message();
    return {400, std::string(text.data(), text.size()) + "\n"};
  }
  if (request.Get("format") == "json") return JsonReply(explanation->ToJson());
  return {200, explanation->ToText()};
}

}  // namespace narthex
