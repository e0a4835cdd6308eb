#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/filter/registry.h"
#include "source/filter/runtime.h"
#include "source/http/server_codec.h"
#include "source/manager/client_address.h"
#include "source/manager/hcm_stats.h"
#include "source/manager/header_policy.h"
#include "source/manager/path_normalization.h"
#include "source/manager/profile.h"
#include "source/manager/request_id.h"
#include "source/manager/setting.h"
#include "source/router/route_table.h"
#include "source/router/upgrade_rules.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpConnectionManager;
}

namespace envoy::config::route::v3 {
class RouteConfiguration;
}

namespace narthex {

class AccessLog;
class LocalReplyPolicy;
struct CompiledRoute;

// A filter of http_filters as it was written, for `explain`.
struct FilterNote {
  std::string name;
  std::string type;    // full name of its message
  std::string origin;  // "gateway.yaml:30:13: ...http_filters[0]"
  bool disabled = false;
};

// What the connections of a connection manager speak (codec_type).
enum class DownstreamProtocol : uint8_t {
  kAuto,  // what ALPN chose, else HTTP/1.1 unless the client begins with HTTP/2's preface
  kHttp1,
  kHttp2,
};

// A connection manager, compiled: everything that its requests need. Immutable, shared by all workers; an
// exchange holds the one that it began with.
struct HcmConfig {
  std::string stat_prefix;  // "http.<stat_prefix>."
  std::string origin;
  Profile profile = Profile::kEdge;
  DownstreamProtocol protocol = DownstreamProtocol::kAuto;
  ServerCodecOptions codec;
  std::chrono::milliseconds max_stream_duration{0};  // 0: none
  ClientAddressPolicy client_address;
  RequestIdPolicy request_id;
  UpgradeRules upgrades;
  HeaderPolicy headers;
  PathPolicy path;
  HcmStats stats;
  std::vector<std::shared_ptr<const AccessLog>> access_logs;
  std::shared_ptr<const LocalReplyPolicy> local_replies;  // null: as they are
  std::shared_ptr<const RouteTable> routes;
  // What stands in for the route of a request that none takes: the filters as they are without one. Never
  // null.
  std::shared_ptr<const CompiledRoute> no_route;
  // The routes as they were read from a file; null for those that stand in the message itself.
  std::shared_ptr<const envoy::config::route::v3::RouteConfiguration> rds;
  std::vector<FilterNote> filters;
  std::vector<std::vector<FilterNote>> upgrade_filters;  // by the number of UpgradeRule::chain
  std::vector<Setting> settings;                         // of effect, with where each came from
  std::vector<std::string> watched_files;                // that it was made of beside the main one (rds)
  // The origins of those files: ConfigPaths in the route table read them.
  std::vector<std::shared_ptr<const OriginMap>> origins;
};

// What a connection manager is compiled with. Lives only during CompileHcm.
struct HcmCompileContext {
  Diagnostics& diagnostics;
  const FilterRegistry& registry;
  std::function<bool(std::string_view)> has_cluster;
  Profile profile = Profile::kEdge;
  uint32_t buffer_limit = 1024 * 1024;  // the listener's per_connection_buffer_limit_bytes
  std::string node_cluster;             // node.cluster of the bootstrap
  std::string node_id;                  // node.id
  RuntimeLookup runtime = {};
  RuntimeSwitches switches = {};
  // A cluster's name in statistics (alt_stat_name); null: its own.
  std::function<std::string(std::string_view)> stat_name = {};
  uint32_t min_client_rate = 0;       // the profile's; see ServerCodecOptions
  bool tolerate_unsupported = false;  // LoadOptions, for the files that it names
};

// Null after errors were added to the diagnostics. Reads the files that the message names; blocking. The
// OriginMap behind `path` must outlive the result.
std::shared_ptr<const HcmConfig> CompileHcm(
    const envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager& config,
    ConfigPath path, HcmCompileContext& context);

}  // namespace narthex
