#include "source/upstream/cluster_set.h"

#include <functional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "source/upstream/worker_cluster.h"

namespace narthex {

namespace {

class WorkerClusters final : public ClusterManager {
 public:
  WorkerClusters(EventLoop& loop, Connectors connectors) : loop_(loop), connectors_(std::move(connectors)) {}

  Cluster* Find(std::string_view name) override {
    const auto found = clusters_.find(name);
    return found == clusters_.end() ? nullptr : found->second.get();
  }

  Errands& errands() override { return errands_; }

  void Update(std::shared_ptr<const ClusterSet> set) override {
    Map next;
    for (const auto& [name, runtime] : set->clusters) {
      const auto found = clusters_.find(name);
      if (found != clusters_.end() && &found->second->runtime() == runtime.get()) {
        next[name] = std::move(found->second);
      } else {
        next[name] = std::make_unique<WorkerCluster>(loop_, runtime, connectors_);
      }
    }
    std::swap(clusters_, next);
    for (auto& [name, cluster] : next) {
      if (cluster != nullptr) Retire(std::move(cluster));
    }
    set_ = std::move(set);
  }

 private:
  // Finds by string_view.
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  using Map = absl::flat_hash_map<std::string, std::unique_ptr<WorkerCluster>, Hash, std::equal_to<>>;

  // Requests that are under way end as they began; then it goes.
  void Retire(std::unique_ptr<WorkerCluster> cluster) {
    WorkerCluster* key = cluster.get();
    retired_[key] = std::move(cluster);
    key->Retire([this, key] {
      const auto found = retired_.find(key);
      loop_.DeleteLater(std::move(found->second));
      retired_.erase(found);
    });
  }

  EventLoop& loop_;
  const Connectors connectors_;
  std::shared_ptr<const ClusterSet> set_;
  Map clusters_;
  absl::flat_hash_map<WorkerCluster*, std::unique_ptr<WorkerCluster>> retired_;
  Errands errands_;  // goes first, for its exchanges are the clusters'
};

}  // namespace

std::shared_ptr<const ClusterSet> MakeClusterSet(
    const std::vector<std::shared_ptr<const ClusterConfig>>& configs, const ClusterSet* previous) {
  auto set = std::make_shared<ClusterSet>();
  for (const std::shared_ptr<const ClusterConfig>& config : configs) {
    std::shared_ptr<ClusterRuntime> before;
    if (previous != nullptr) {
      const auto found = previous->clusters.find(config->name);
      if (found != previous->clusters.end()) before = found->second;
    }
    const bool unchanged = before != nullptr && before->config().content_hash == config->content_hash;
    set->clusters[config->name] = unchanged ? before : ClusterRuntime::Make(config, before.get());
  }
  return set;
}

std::unique_ptr<ClusterManager> MakeClusterManager(EventLoop& loop, std::shared_ptr<const ClusterSet> set,
                                                   Connectors connectors) {
  auto clusters = std::make_unique<WorkerClusters>(loop, std::move(connectors));
  clusters->Update(std::move(set));
  return clusters;
}

}  // namespace narthex
