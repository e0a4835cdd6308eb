#include <algorithm>
#include <atomic>
#include <utility>

#include "source/base/log.h"
#include "source/server/connection_limit.h"
#include "source/server/server.h"
#include "source/stats/stats.h"
#include "source/tls/certificates_page.h"

namespace narthex {

namespace {

Counter CounterOf(std::string_view name) {
  return StatsStore::Process().MakeCounter(name);
}

bool SameListener(const ListenerConfig& left, const ListenerConfig& right) {
  return left.name == right.name && left.sockets == right.sockets;
}

// The administration pages stand where they were opened: who moves them must not look for them in vain.
void WarnOfAdmin(const Snapshot& before, const Snapshot& after, const Address& pages) {
  const bool same = before.admin.has_value() == after.admin.has_value() &&
                    (!before.admin || before.admin->address == after.admin->address);
  if (same) return;
  const std::string position = after.admin ? after.admin->origin.ToString() + ": " : "";
  NARTHEX_LOG(kWarning, "config") << position << "a changed admin address needs a restart; the pages stay at "
                                  << (before.admin ? pages.ToString() : "none");
}

void OnPublished() {
  CounterOf("server.config_update_success").Add();
  NARTHEX_LOG(kInfo, "config") << "the new configuration serves";
}

// A line of the log for each finding.
void LogEachLine(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) {
      NARTHEX_LOG(kError, "config") << text.substr(0, end);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

void Server::RequestReload() {
  if (phase_ == Phase::kDraining || listeners_closed_) return;
  if (building_) {
    rebuild_ = true;
    return;
  }
  building_ = true;
  if (builder_.joinable()) builder_.join();
  builder_ = std::thread([this] { BuildAside(); });
}

// On the configuration thread.
void Server::BuildAside() {
  Diagnostics diagnostics;
  std::shared_ptr<const Snapshot> built = BuildSnapshot(line_, registry_, diagnostics, snapshot_.get());
  loop_->Post([this, built = std::move(built), problems = diagnostics.ToText()]() mutable {
    OnBuilt(std::move(built), std::move(problems));
  });
}

void Server::OnBuilt(std::shared_ptr<const Snapshot> built, std::string problems) {
  building_ = false;
  if (phase_ == Phase::kDraining || listeners_closed_) return;
  if (built != nullptr) {
    Publish(std::move(built));
  } else {
    CounterOf("server.config_update_rejected").Add();
    NARTHEX_LOG(kError, "config") << "the new configuration is wrong and the old one goes on";
    LogEachLine(problems);
  }
  if (std::exchange(rebuild_, false)) RequestReload();
}

void Server::Publish(std::shared_ptr<const Snapshot> next) {
  const auto workers = static_cast<uint32_t>(workers_.size());
  absl::StatusOr<ListenSockets> sockets = ListenSockets::Bind(*next, workers, sockets_);
  if (!sockets.ok()) {
    CounterOf("server.config_update_rejected").Add();
    NARTHEX_LOG(kError, "config") << "the new configuration cannot be served and the old one goes on";
    Diagnostics problem;
    problem.AddStatus(sockets.status());
    LogEachLine(problem.ToText());
    return;
  }
  WarnOfAdmin(*snapshot_, *next, AdminAddress());
  CountListeners(*snapshot_, *next);
  CountClusters(*snapshot_, *next);
  sockets_ = *std::move(sockets);
  snapshot_ = std::move(next);
  if (admin_ != nullptr && snapshot_->admin) admin_handler_->SetOptions(OptionsOfAdmin());
  StatsStore::Process().SetShown(snapshot_->shown_stats);
  shared_->max_connections = LimitConnections(*snapshot_, workers);
  discovery_->Update(*snapshot_->clusters);
  health_checks_->Update(*snapshot_->clusters);
  // Counted when the last worker has it: whoever sees the count gets answers of the new configuration.
  auto left = std::make_shared<std::atomic<uint32_t>>(workers);
  const auto applied = [this, left] {
    if (left->fetch_sub(1) == 1) loop_->Post([] { OnPublished(); });
  };
  for (uint32_t i = 0; i < workers; ++i) {
    workers_[i]->Apply({snapshot_, sockets_.ForWorker(*snapshot_, i)}, applied);
  }
  overload_->Update(snapshot_->overload);
  WatchFiles();
}

void Server::CountListeners(const Snapshot& before, const Snapshot& after) {
  const auto has = [](const Snapshot& snapshot, const ListenerConfig& wanted) {
    for (const auto& listener : snapshot.listeners) {
      if (SameListener(*listener, wanted)) return true;
    }
    return false;
  };
  for (const auto& listener : after.listeners) {
    const bool kept = has(before, *listener);
    CounterOf(kept ? "listener_manager.listener_modified" : "listener_manager.listener_added").Add();
    if (!kept) CounterOf("listener_manager.listener_create_success").Add();
  }
  for (const auto& listener : before.listeners) {
    if (!has(after, *listener)) CounterOf("listener_manager.listener_removed").Add();
  }
}

void Server::CountClusters(const Snapshot& before, const Snapshot& after) {
  for (const auto& [name, cluster] : after.clusters->clusters) {
    const auto old = before.clusters->clusters.find(name);
    if (old == before.clusters->clusters.end()) {
      CounterOf("cluster_manager.cluster_added").Add();
    } else if (old->second != cluster) {
      CounterOf("cluster_manager.cluster_modified").Add();
    }
  }
  for (const auto& [name, cluster] : before.clusters->clusters) {
    if (!after.clusters->clusters.contains(name)) CounterOf("cluster_manager.cluster_removed").Add();
  }
}

void Server::AddGauge(std::string_view name, std::function<int64_t()> read) {
  StatsStore::Process().SetComputedGauge(name, std::move(read));
  computed_.emplace_back(name);
}

void Server::AddCertificateGauges() {
  // Without any, none expires: a number that no alarm is set at.
  AddGauge("server.days_until_first_cert_expiring", [this] {
    return DaysUntilFirstExpiry(snapshot_->TlsContexts(), std::chrono::system_clock::now())
        .value_or(UINT32_MAX);
  });
  AddGauge("server.seconds_until_first_ocsp_response_expiring", [this] {
    return SecondsUntilFirstStapleExpires(snapshot_->TlsContexts(), std::chrono::system_clock::now())
        .value_or(UINT32_MAX);
  });
}

void Server::AddStats() {
  const auto gauge = [this](std::string_view name, std::function<int64_t()> read) {
    AddGauge(name, std::move(read));
  };
  gauge("server.live", [this] { return State() == ServerState::kLive ? 1 : 0; });
  gauge("server.state", [this] { return static_cast<int64_t>(State()); });
  gauge("server.concurrency", [this] { return static_cast<int64_t>(workers_.size()); });
  gauge("server.total_connections", [this] { return static_cast<int64_t>(shared_->connections.load()); });
  gauge("server.uptime", [this] { return UptimeSeconds(); });
  gauge("listener_manager.workers_started", [this] { return workers_.empty() ? 0 : 1; });
  gauge("listener_manager.total_listeners_active",
        [this] { return static_cast<int64_t>(snapshot_->listeners.size()); });
  for (const char* kind : {"allocated", "heap_size", "physical_size"}) {
    gauge(std::string("server.memory_") + kind,
          [kind = std::string_view(kind)] { return static_cast<int64_t>(MemoryInUse(kind)); });
  }
  gauge("cluster_manager.active_clusters",
        [this] { return static_cast<int64_t>(snapshot_->clusters->clusters.size()); });
  AddCertificateGauges();
  gauge("runtime.num_keys", [this] { return static_cast<int64_t>(snapshot_->runtime.size()); });
  gauge("runtime.num_layers", [this] { return static_cast<int64_t>(snapshot_->runtime_layers.size()); });
  CounterOf("cluster_manager.cluster_added").Add(snapshot_->clusters->clusters.size());
  for (const char* name : {"cluster_manager.cluster_modified", "cluster_manager.cluster_removed",
                           "listener_manager.listener_modified", "listener_manager.listener_removed"}) {
    CounterOf(name);
  }
  CounterOf("listener_manager.listener_added").Add(snapshot_->listeners.size());
  CounterOf("listener_manager.listener_create_success").Add(snapshot_->listeners.size());
  CounterOf("server.config_update_success");
  CounterOf("server.config_update_rejected");
}

// The store outlives this server.
void Server::DropStats() {
  for (const std::string& name : computed_) {
    StatsStore::Process().SetComputedGauge(name, [] { return int64_t{0}; });
  }
}

int64_t Server::UptimeSeconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_)
      .count();
}

}  // namespace narthex
