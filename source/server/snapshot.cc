#include "source/server/snapshot.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <utility>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "google/protobuf/util/json_util.h"
#include "narthex/config/bootstrap/v1/bootstrap.pb.h"
#include "source/config/unpack.h"
#include "source/server/admin_runtime.h"
#include "source/server/snapshot_parts.h"
#include "source/tls/ticket_keys.h"
#include "source/upstream/cluster_set.h"

namespace narthex {

namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using ProfileMessage = narthex::config::bootstrap::v1::Profile;

// What bootstrap_extensions say of the profile; the command line wins.
void CompileProfile(const ConfigFiles& files, const CommandLine& line, Snapshot& snapshot,
                    Diagnostics& diagnostics) {
  bool edge = true;
  std::optional<uint32_t> client_rate;
  const ConfigPath path = files.root.Field("bootstrap_extensions");
  const auto& extensions = files.bootstrap->bootstrap_extensions();
  for (int i = 0; i < extensions.size(); ++i) {
    const ConfigPath config = path.Index(i).Field("typed_config");
    absl::StatusOr<ProfileMessage> profile = Unpack<ProfileMessage>(extensions[i].typed_config(), config);
    diagnostics.AddStatus(profile.status());
    if (!profile.ok()) continue;
    edge = profile->profile() == ProfileMessage::EDGE;
    if (profile->has_min_client_bytes_per_second()) {
      client_rate = profile->min_client_bytes_per_second().value();
      snapshot.min_client_rate_path = config.Field("min_client_bytes_per_second");
    }
  }
  snapshot.edge_profile = line.edge_profile.value_or(edge);
  snapshot.min_client_rate = client_rate.value_or(snapshot.edge_profile ? kEdgeMinClientRate : 0);
}

void CompileRegexEngine(const ConfigFiles& files, Diagnostics& diagnostics) {
  if (!files.bootstrap->has_default_regex_engine()) return;
  const std::string& type = files.bootstrap->default_regex_engine().typed_config().type_url();
  if (type.ends_with("GoogleRE2")) return;
  diagnostics.Error(files.root.Field("default_regex_engine").Field("typed_config"),
                    "only the RE2 engine (envoy.extensions.regex_engines.v3.GoogleRE2) is supported");
}

void FlattenRuntime(const google::protobuf::Struct& values, const std::string& prefix,
                    std::map<std::string, std::string>& into) {
  for (const auto& [key, value] : values.fields()) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (value.has_struct_value()) {
      FlattenRuntime(value.struct_value(), name, into);
      continue;
    }
    std::string json;
    if (google::protobuf::util::MessageToJsonString(value, &json).ok()) into[name] = json;
  }
}

void CompileRuntime(const ConfigFiles& files, Snapshot& snapshot, Diagnostics& diagnostics) {
  const ConfigPath layers = files.root.Field("layered_runtime").Field("layers");
  for (const auto& layer : files.bootstrap->layered_runtime().layers()) {
    const ConfigPath path = layers.Index(snapshot.runtime_layers.size());
    const auto& earlier = snapshot.runtime_layers;
    if (std::find(earlier.begin(), earlier.end(), layer.name()) != earlier.end()) {
      diagnostics.Error(path.Field("name"), "another layer has the name \"" + layer.name() + "\" already");
    }
    if (layer.has_admin_layer() && std::exchange(snapshot.has_admin_layer, true)) {
      diagnostics.Error(path.Field("admin_layer"),
                        "there is an admin layer already, and one is all there can be");
    }
    snapshot.runtime_layers.push_back(layer.name());
    if (layer.has_static_layer()) FlattenRuntime(layer.static_layer(), "", snapshot.runtime);
    if (!layer.has_admin_layer()) continue;
    for (auto& [key, value] : snapshot.admin_runtime->Values()) snapshot.runtime[key] = value;
  }
}

// A JSON number, bare or in quotes.
std::optional<double> ToNumber(const std::map<std::string, std::string>& runtime, const std::string& key) {
  const auto found = runtime.find(key);
  if (found == runtime.end()) return std::nullopt;
  std::string_view text = found->second;
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<double> Snapshot::RuntimeNumber(const std::string& key) const {
  if (const auto number = ToNumber(runtime, key)) return number;
  const auto numerator = ToNumber(runtime, key + ".numerator");
  if (!numerator) return std::nullopt;
  const auto denominator = runtime.find(key + ".denominator");
  if (denominator == runtime.end() || denominator->second == "\"HUNDRED\"") return numerator;
  return *numerator / (denominator->second == "\"MILLION\"" ? 10'000 : 100);
}

std::vector<std::shared_ptr<TlsContext>> Snapshot::TlsContexts() const {
  std::vector<std::shared_ptr<TlsContext>> contexts;
  for (const auto& listener : listeners) {
    for (const FilterChainConfig* chain : listener->AllChains()) {
      if (chain->tls != nullptr) contexts.push_back(chain->tls);
    }
  }
  for (const auto& [name, cluster] : clusters->clusters) {
    if (cluster->config().connection.tls != nullptr) contexts.push_back(cluster->config().connection.tls);
  }
  return contexts;
}

std::string ListenerConnectionsKey(const std::string& listener) {
  return "envoy.resource_limits.listener." + listener + ".connection_limit";
}

uint64_t ConnectionLimit(const Snapshot& snapshot, const std::string& key, uint64_t edge) {
  const std::optional<double> number = snapshot.RuntimeNumber(key);
  if (number) return *number > 0 ? static_cast<uint64_t>(*number) : 0;
  return snapshot.edge_profile ? edge : UINT64_MAX;
}

std::shared_ptr<const Snapshot> BuildSnapshot(const CommandLine& line, const FilterRegistry& registry,
                                              Diagnostics& diagnostics, const Snapshot* previous) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->files = LoadConfigFiles(line, diagnostics);
  snapshot->ticket_keys = previous != nullptr ? previous->ticket_keys : TicketKeys::MakeRotating();
  snapshot->admin_runtime = previous != nullptr ? previous->admin_runtime : std::make_shared<AdminRuntime>();
  const ConfigFiles& files = *snapshot->files;
  CompileProfile(files, line, *snapshot, diagnostics);
  CompileRegexEngine(files, diagnostics);
  CompileRuntime(files, *snapshot, diagnostics);
  CompileOverloadManager(files, *snapshot, diagnostics);
  CompileStatsConfig(files, previous, *snapshot, diagnostics);
  CompileAdmin(files, *snapshot, diagnostics);
  CompileClusters(files, previous, *snapshot, diagnostics);
  CompileListeners(files, registry, *snapshot, diagnostics);
  CheckAddresses(*snapshot, diagnostics);
  return diagnostics.HasErrors() ? nullptr : snapshot;
}

}  // namespace narthex
