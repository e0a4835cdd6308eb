#include "source/router/grpc_method_stats.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "source/router/compiled_route.h"

namespace narthex {
namespace {

constexpr uint64_t kUnimplemented = 12;
constexpr size_t kLongestName = 256;

bool IsPlain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

// By cluster, then by name.
template <class Value>
using Table = std::map<std::string, std::map<std::string, Value, std::less<>>, std::less<>>;

// In the table of all threads.
const GrpcMethodStats* FindOrAdd(std::string_view cluster, const std::string& name, bool may_add) {
  static std::mutex mutex;
  static auto& all = *new Table<std::unique_ptr<const GrpcMethodStats>>;
  std::lock_guard lock(mutex);
  auto& methods = all[std::string(cluster)];
  if (auto found = methods.find(name); found != methods.end()) return found->second.get();
  if (!may_add || methods.size() >= GrpcMethodStats::kMostMethods) return nullptr;
  auto& stats = methods[name];
  stats = std::make_unique<const GrpcMethodStats>("cluster." + std::string(cluster) + "." + name);
  return stats.get();
}

}  // namespace

GrpcMethod GrpcMethod::OfPath(std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (!path.starts_with('/')) return {};
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == path.size()) return {};
  const GrpcMethod method{path.substr(0, slash), path.substr(slash + 1)};
  return method.method.find('/') == std::string_view::npos ? method : GrpcMethod();
}

const GrpcMethodStats* GrpcMethodStats::Of(std::string_view cluster, const std::string& name, bool may_add) {
  if (name.empty() || cluster.empty()) return nullptr;
  thread_local Table<const GrpcMethodStats*> known;
  auto methods = known.find(cluster);
  if (methods == known.end()) methods = known.try_emplace(std::string(cluster)).first;
  if (auto found = methods->second.find(name); found != methods->second.end()) return found->second;
  const GrpcMethodStats* stats = FindOrAdd(cluster, name, may_add);
  if (stats != nullptr) methods->second.emplace(name, stats);
  return stats;
}

bool GrpcMethodStats::MakesKnown(uint64_t status) {
  return status != kUnimplemented;
}

std::string GrpcMethodStats::NameOf(std::string_view protocol, const GrpcMethod& method) {
  if (method.method.empty() || method.service.size() + method.method.size() > kLongestName) return {};
  if (!IsPlain(method.service) || !IsPlain(method.method)) return {};
  std::string name(protocol);
  name.append(".").append(method.service).append(".").append(method.method);
  return name;
}

GrpcMethodStats::GrpcMethodStats(std::string prefix) : prefix_(std::move(prefix)) {
  StatsStore& store = StatsStore::Process();
  total_ = store.MakeCounter(prefix_ + ".total");
  success_ = store.MakeCounter(prefix_ + ".success");
  failure_ = store.MakeCounter(prefix_ + ".failure");
}

void GrpcMethodStats::Count(uint64_t status) const {
  total_.Add();
  (status == 0 ? success_ : failure_).Add();
  if (status >= kStatuses) return;
  std::call_once(made_[status], [&] {
    by_status_[status] = StatsStore::Process().MakeCounter(prefix_ + "." + std::to_string(status));
  });
  by_status_[status].Add();
}

void GrpcMethodStats::CountMessages(uint64_t requests, uint64_t responses) const {
  std::call_once(messages_made_, [&] {
    requests_ = StatsStore::Process().MakeCounter(prefix_ + ".request_message_count");
    responses_ = StatsStore::Process().MakeCounter(prefix_ + ".response_message_count");
  });
  requests_.Add(requests);
  responses_.Add(responses);
}

void GrpcMethodStats::RecordTime(uint64_t milliseconds) const {
  std::call_once(time_made_,
                 [&] { time_ = StatsStore::Process().MakeHistogram(prefix_ + ".upstream_rq_time"); });
  time_.Record(milliseconds);
}

std::string_view ClusterStatName(const Exchange& exchange) {
  const auto* route = dynamic_cast<const CompiledRoute*>(exchange.route());
  if (route != nullptr && route->cluster_stats != nullptr) return route->cluster_stats->cluster();
  return exchange.upstream.cluster;
}

}  // namespace narthex
