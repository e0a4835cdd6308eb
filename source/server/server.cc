#include "source/server/server.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "source/base/log.h"
#include "source/filter/health_flag.h"
#include "source/manager/access_log_sink.h"
#include "source/manager/hcm_config.h"
#include "source/server/connection_limit.h"
#include "source/stats/stats.h"

namespace narthex {

namespace {

constexpr std::chrono::milliseconds kDrainCheck{20};
constexpr std::chrono::milliseconds kSettle{50};

uint32_t WorkerCount(const CommandLine& line) {
  return line.concurrency > 0 ? line.concurrency : std::max(1u, std::thread::hardware_concurrency());
}

std::string Text(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

}  // namespace

Server::Server(CommandLine line, const FilterRegistry& registry)
    : line_(std::move(line)),
      registry_(registry),
      loop_(EventLoop::Make()),
      drain_timer_(
          loop_->wheel(), [](void* self) { static_cast<Server*>(self)->CheckDrained(); }, this),
      listeners_timer_(
          loop_->wheel(), [](void* self) { static_cast<Server*>(self)->CloseListeners(); }, this) {}

Server::~Server() {
  if (builder_.joinable()) builder_.join();
  DropStats();
  overload_.reset();
  workers_.clear();
  health_checks_.reset();
  discovery_.reset();
  admin_.reset();
  watch_.reset();
  signals_.clear();
}

bool Server::Start(Diagnostics& diagnostics) {
  snapshot_ = BuildSnapshot(line_, registry_, diagnostics, nullptr);
  if (snapshot_ == nullptr) return false;
  absl::StatusOr<ListenSockets> sockets = ListenSockets::Bind(*snapshot_, WorkerCount(line_), {});
  diagnostics.AddStatus(sockets.status());
  diagnostics.AddStatus(StartAdmin());
  if (diagnostics.HasErrors()) return false;
  sockets_ = *std::move(sockets);
  AddStats();
  StatsStore::Process().SetShown(snapshot_->shown_stats);
  discovery_ = MakeDiscovery(*loop_);
  discovery_->Update(*snapshot_->clusters);
  health_checks_ = MakeHealthChecks(*loop_);
  health_checks_->Update(*snapshot_->clusters);
  // Before there is a connection that a signal's default would break off.
  StartSignals();
  StartWorkers();
  overload_ = std::make_unique<OverloadGuard>(*loop_, shared_, workers_);
  overload_->Update(snapshot_->overload);
  WatchFiles();
  phase_ = Phase::kServing;
  return true;
}

// The address is where the pages are, whatever a later configuration says.
AdminOptions Server::OptionsOfAdmin() const {
  const AdminConfig& config = *snapshot_->admin;
  const Address& at = admin_ != nullptr ? admin_->address() : config.address;
  return {.loopback_only = at.is_loopback(), .allowed = config.allowed, .access_logs = config.access_logs};
}

absl::Status Server::StartAdmin() {
  if (!snapshot_->admin) return absl::OkStatus();
  const AdminConfig& config = *snapshot_->admin;
  admin_handler_ = std::make_unique<AdminHandler>(MakeAdminPages(*this), OptionsOfAdmin());
  absl::StatusOr<std::unique_ptr<AdminServer>> admin =
      AdminServer::Make(*loop_, config.address, *admin_handler_);
  if (!admin.ok()) return ErrorAt(config.origin, Text(admin.status()));
  admin_ = *std::move(admin);
  return absl::OkStatus();
}

void Server::StartWorkers() {
  shared_->max_connections = LimitConnections(*snapshot_, WorkerCount(line_));
  shared_->drain_time = line_.drain_time;
  for (uint32_t i = 0; i < WorkerCount(line_); ++i) {
    workers_.push_back(
        std::make_unique<Worker>(i, shared_, WorkerUpdate{snapshot_, sockets_.ForWorker(*snapshot_, i)}));
  }
  listening_workers_->store(workers_.size());
}

void Server::StartSignals() {
  const auto on = [this](int number, std::function<void()> act) {
    signals_.push_back(loop_->OnSignal(number, std::move(act)));
  };
  on(SIGTERM, [this] { BeginDrain(); });
  on(SIGINT, [this] { BeginDrain(); });
  on(SIGHUP, [this] { RequestReload(); });
  on(SIGUSR1, [this] { ReopenLogs(); });
}

void Server::WatchFiles() {
  if (certificates_ == nullptr) certificates_ = std::make_unique<CertificateWatch>(*loop_, kSettle);
  if (!certificates_->Watch(snapshot_->TlsContexts())) {
    NARTHEX_LOG(kWarning, "config") << "cannot watch certificates for changes; SIGHUP still loads them";
  }
  std::vector<std::string> files = snapshot_->files->files;
  for (const auto& listener : snapshot_->listeners) {
    for (const FilterChainConfig* chain : listener->AllChains()) {
      if (chain->hcm == nullptr) continue;
      files.insert(files.end(), chain->hcm->watched_files.begin(), chain->hcm->watched_files.end());
    }
  }
  // A watch that goes on misses nothing; a new one would not see what changed since the files were read.
  if (files.empty() || files == watched_) return;
  watched_ = files;
  watch_ = FileWatch::Make(*loop_, files, kSettle, [this] { RequestReload(); });
  if (watch_ == nullptr) {
    NARTHEX_LOG(kWarning, "config") << "cannot watch the configuration for changes; SIGHUP still loads it";
  }
}

void Server::Run() {
  NARTHEX_LOG(kInfo, "main") << "serving with " << workers_.size() << " workers";
  loop_->Run();
  NARTHEX_LOG(kInfo, "main") << "exiting";
}

void Server::Stop() {
  loop_->Stop();
}

void Server::Reload() {
  loop_->Post([this] { RequestReload(); });
}

void Server::FailHealthCheck(bool failing) {
  HealthFlag::SetFailing(failing);
  if (!failing) return;
  for (auto& worker : workers_) worker->SendAway();
}

void Server::Quit() {
  loop_->Stop();
}

void Server::ReopenLogs() {
  AccessLogSink::ReopenAll();
  const absl::Status status = ProcessLog::Reopen();
  if (!status.ok()) {
    NARTHEX_LOG(kError, "main") << status;
  }
}

// The process stays ready and alive, as in Envoy: a balancer is told through the health check, if at all.
void Server::DrainListeners(ListenerDrain how) {
  if (how == ListenerDrain::kAtOnce) return CloseListeners();
  DrainConnections();
  // A second request does not put off what the first has begun.
  if (how == ListenerDrain::kGraceful && !listeners_timer_.armed()) listeners_timer_.Arm(line_.drain_time);
}

void Server::DrainConnections() {
  shared_->draining = true;
  for (auto& worker : workers_) worker->Drain();
}

void Server::CloseListeners() {
  if (std::exchange(listeners_closed_, true)) return;
  const std::shared_ptr<std::atomic<size_t>> listening = listening_workers_;
  for (auto& worker : workers_) worker->StopListening([listening] { listening->fetch_sub(1); });
  sockets_ = ListenSockets();
}

void Server::BeginDrain() {
  if (phase_ == Phase::kDraining) {
    NARTHEX_LOG(kInfo, "main") << "second signal: ending at once";
    loop_->Stop();
    return;
  }
  NARTHEX_LOG(kInfo, "main") << "draining for at most " << line_.drain_time.count() << " s";
  phase_ = Phase::kDraining;
  drain_end_ = std::chrono::steady_clock::now() + line_.drain_time;
  HealthFlag::SetFailing(true);
  DrainConnections();
  drain_timer_.Arm(kDrainCheck);
}

void Server::CheckDrained() {
  const bool over = std::chrono::steady_clock::now() >= drain_end_;
  // A worker that still listens may have taken a connection since they were counted.
  if (over || (listening_workers_->load() == 0 && shared_->connections.load() == 0)) {
    CloseListeners();
    loop_->Stop();
    return;
  }
  if (shared_->connections.load() == 0) CloseListeners();
  drain_timer_.Arm(kDrainCheck);
}

Address Server::AdminAddress() const {
  return admin_ ? admin_->address() : Address();
}

}  // namespace narthex
