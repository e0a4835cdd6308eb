#include "source/server/config_dump.h"

#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "google/protobuf/util/json_util.h"
#include "source/base/escape.h"
#include "source/config/unpack.h"
#include "source/manager/hcm_config.h"
#include "source/server/redact.h"

namespace narthex {
namespace {

using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using google::protobuf::Message;

std::string Json(const Message& message) {
  const std::unique_ptr<Message> shown(message.New());
  shown->CopyFrom(message);
  RedactSecrets(*shown);
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  return google::protobuf::util::MessageToJsonString(*shown, &json, options).ok() ? json : "{}";
}

// As an Any is printed: with its type.
std::string TypedJson(const Message& message) {
  std::string json = Json(message);
  json.insert(1, absl::StrCat("\"@type\":\"type.googleapis.com/", message.GetDescriptor()->full_name(),
                              json == "{}" ? "\"" : "\","));
  return json;
}

class Dump {
 public:
  explicit Dump(const Snapshot& snapshot)
      : snapshot_(snapshot),
        updated_(absl::StrCat(
            "\"last_updated\":\"",
            absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::FromChrono(snapshot.made), absl::UTCTimeZone()),
            "\"")) {}

  std::string All() const {
    const ConfigFiles& files = *snapshot_.files;
    return absl::StrCat(
        "{\"configs\":[",
        absl::StrJoin({Section("BootstrapConfigDump",
                               {absl::StrCat("\"bootstrap\":", Json(*files.bootstrap)), updated_}),
                       Clusters(files), Listeners(files), Routes(files)},
                      ","),
        "]}");
  }

 private:
  using Entries = std::vector<std::string>;

  static std::string Section(const char* type, const Entries& members) {
    return absl::StrCat("{\"@type\":\"type.googleapis.com/envoy.admin.v3.", type, "\",",
                        absl::StrJoin(members, ","), "}");
  }

  static std::string List(const char* key, const Entries& entries) {
    return absl::StrCat("\"", key, "\":[", absl::StrJoin(entries, ","), "]");
  }

  // {"cluster":{..},"last_updated":..}
  std::string Entry(const char* key, const Message& message) const {
    return absl::StrCat("{\"", key, "\":", TypedJson(message), ",", updated_, "}");
  }

  std::string Clusters(const ConfigFiles& files) const {
    Entries fixed, dynamic;
    for (size_t i = 0; i < files.clusters.size(); ++i) {
      (i < files.static_clusters ? fixed : dynamic).push_back(Entry("cluster", *files.clusters[i].message));
    }
    return Section("ClustersConfigDump",
                   {List("static_clusters", fixed), List("dynamic_active_clusters", dynamic)});
  }

  std::string Listeners(const ConfigFiles& files) const {
    Entries fixed, dynamic;
    for (size_t i = 0; i < files.listeners.size(); ++i) {
      const auto& listener = *files.listeners[i].message;
      if (i < files.static_listeners) {
        fixed.push_back(Entry("listener", listener));
        continue;
      }
      std::string name;
      AppendJsonEscaped(name, snapshot_.listeners[i]->name);
      dynamic.push_back(
          absl::StrCat("{\"name\":\"", name, "\",\"active_state\":", Entry("listener", listener), "}"));
    }
    return Section("ListenersConfigDump",
                   {List("static_listeners", fixed), List("dynamic_listeners", dynamic)});
  }

  // Tables of the connection managers: those within them, and those of files.
  std::string Routes(const ConfigFiles& files) const {
    Entries fixed, dynamic;
    const auto add = [&](const envoy::config::listener::v3::FilterChain& chain) {
      if (chain.filters().empty()) return;
      const auto hcm =
          Unpack<HttpConnectionManager>(chain.filters(chain.filters_size() - 1).typed_config(), ConfigPath());
      if (hcm.ok() && hcm->has_route_config()) fixed.push_back(Entry("route_config", hcm->route_config()));
    };
    for (const auto& placed : files.listeners) {
      for (const auto& chain : placed.message->filter_chains()) add(chain);
      if (placed.message->has_default_filter_chain()) add(placed.message->default_filter_chain());
    }
    for (const auto& listener : snapshot_.listeners) {
      for (const FilterChainConfig* chain : listener->AllChains()) {
        if (chain->hcm == nullptr || chain->hcm->rds == nullptr) continue;
        dynamic.push_back(Entry("route_config", *chain->hcm->rds));
      }
    }
    return Section("RoutesConfigDump",
                   {List("static_route_configs", fixed), List("dynamic_route_configs", dynamic)});
  }

  const Snapshot& snapshot_;
  const std::string updated_;
};

}  // namespace

std::string DumpConfig(const Snapshot& snapshot) {
  return Dump(snapshot).All();
}

}  // namespace narthex
