#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "source/admin/admin_server.h"
#include "source/admin/pages.h"
#include "source/event/event_loop.h"
#include "source/event/file_watch.h"
#include "source/filter/registry.h"
#include "source/server/command_line.h"
#include "source/server/listen_sockets.h"
#include "source/server/overload_guard.h"
#include "source/server/snapshot.h"
#include "source/server/worker.h"
#include "source/tls/certificate_watch.h"
#include "source/upstream/discovery.h"
#include "source/upstream/health/health_checks.h"

namespace narthex {

// The process: the main loop with signals, administration and reloads, and the workers. Made, run and
// destroyed by one thread at a time.
class Server : private AdminBackend {
 public:
  Server(CommandLine line, const FilterRegistry& registry);
  ~Server() override;

  // Loads the configuration, binds and starts the workers. False after everything that is wrong has been
  // added to `diagnostics`.
  bool Start(Diagnostics& diagnostics);
  // Serves until a signal or a page ends it.
  void Run();

  // For tests in the same process. Any thread.
  void Stop();
  void Reload();
  // The addresses as bound, by listener; call after Start. The admin's is empty without one.
  std::vector<ListenerRow> Listeners() const override;
  Address AdminAddress() const;

 private:
  enum class Phase { kStarting, kServing, kDraining };

  // AdminBackend.
  ServerState State() const override;
  std::string ServerInfo() const override;
  std::string ClustersText() const override;
  std::string ClustersJson() const override;
  AdminReply ConfigDump(const AdminRequest& request) const override;
  std::string Runtime() const override;
  AdminReply ModifyRuntime(const AdminRequest& request) override;
  std::string Certificates() const override;
  AdminReply Explain(const AdminRequest& request) const override;
  void FailHealthCheck(bool failing) override;
  void DrainListeners(ListenerDrain how) override;
  void Quit() override;
  void ReopenLogs() override;

  absl::Status StartAdmin();
  // Of the present configuration. REQUIRES: it has admin pages.
  AdminOptions OptionsOfAdmin() const;
  void StartWorkers();
  void StartSignals();
  void WatchFiles();
  void AddStats();
  void AddCertificateGauges();
  void AddGauge(std::string_view name, std::function<int64_t()> read);
  void DropStats();
  int64_t UptimeSeconds() const;

  // Builds a snapshot aside and publishes it; one at a time, and the last request wins.
  void RequestReload();
  void BuildAside();
  void OnBuilt(std::shared_ptr<const Snapshot> built, std::string problems);
  void Publish(std::shared_ptr<const Snapshot> next);
  void CountListeners(const Snapshot& before, const Snapshot& after);
  void CountClusters(const Snapshot& before, const Snapshot& after);

  void BeginDrain();
  // Ends the process when the last connection has gone, or the drain time is over.
  void CheckDrained();
  void CloseListeners();
  void DrainConnections();

  const CommandLine line_;
  const FilterRegistry& registry_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::unique_ptr<EventLoop> loop_;
  Phase phase_ = Phase::kStarting;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<Discovery> discovery_;
  std::unique_ptr<HealthChecks> health_checks_;
  ListenSockets sockets_;
  std::shared_ptr<WorkerShared> shared_ = std::make_shared<WorkerShared>();
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<OverloadGuard> overload_;
  std::vector<std::unique_ptr<IoRegistration>> signals_;
  std::unique_ptr<FileWatch> watch_;
  std::unique_ptr<CertificateWatch> certificates_;
  std::vector<std::string> watched_;
  std::unique_ptr<AdminHandler> admin_handler_;
  std::unique_ptr<AdminServer> admin_;
  std::thread builder_;
  std::vector<std::string> computed_;  // names of gauges that read this server
  bool building_ = false;
  bool rebuild_ = false;
  bool listeners_closed_ = false;
  // How many workers have not stopped to listen yet.
  std::shared_ptr<std::atomic<size_t>> listening_workers_ = std::make_shared<std::atomic<size_t>>(0);
  std::chrono::steady_clock::time_point drain_end_;
  Timer drain_timer_;
  Timer listeners_timer_;  // until they close, after /drain_listeners?graceful
};

}  // namespace narthex
