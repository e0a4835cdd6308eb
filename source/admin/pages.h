#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "source/admin/admin.h"

namespace narthex {

// Envoy's states of a server.
enum class ServerState { kLive, kDraining, kPreInitializing, kInitializing };
// "LIVE", "DRAINING", "PRE_INITIALIZING", "INITIALIZING".
std::string_view StateName(ServerState state);

// A listener's socket as /listeners shows it: the address is the one that was bound.
struct ListenerRow {
  std::string name;
  std::vector<std::string> addresses;
};

// What the pages ask of the process. All of it runs on the main loop and does not block for long.
class AdminBackend {
 public:
  virtual ~AdminBackend() = default;
  virtual ServerState State() const = 0;
  // The JSON object of /server_info (Envoy's ServerInfo).
  virtual std::string ServerInfo() const = 0;
  virtual std::vector<ListenerRow> Listeners() const = 0;
  virtual std::string ClustersText() const = 0;
  virtual std::string ClustersJson() const = 0;
  // The running configuration as Envoy's ConfigDump, in JSON; of it what ?resource, ?mask and ?name_regex
  // name.
  virtual AdminReply ConfigDump(const AdminRequest& request) const = 0;
  virtual std::string Runtime() const = 0;
  // Sets the query's keys in the runtime's admin layer; an empty value takes a key away. REQUIRES: there are
  // some.
  virtual AdminReply ModifyRuntime(const AdminRequest& request) = 0;
  // JSON, without key material.
  virtual std::string Certificates() const = 0;
  // What `explain` says of a request to the running configuration.
  virtual AdminReply Explain(const AdminRequest& request) const = 0;

  virtual void FailHealthCheck(bool failing) = 0;
  // Stops listening: at once, at the end of a drain, or, when only the connections are to go, not at all.
  enum class ListenerDrain { kAtOnce, kGraceful, kConnectionsOnly };
  virtual void DrainListeners(ListenerDrain how) = 0;
  virtual void Quit() = 0;
  virtual void ReopenLogs() = 0;
};
// /logging: every component's level; by POST with ?level=LEVEL, ?COMPONENT=LEVEL or ?paths=COMPONENT:LEVEL,..
// sets them.
AdminReply LoggingPage(const AdminRequest& request);
// /memory: Envoy's fields, from malloc and /proc.
std::string MemoryJson();
// Bytes "allocated", of "heap_size" and of "physical_size".
uint64_t MemoryInUse(std::string_view kind);

// Every page. `backend` outlives them.
std::vector<AdminPage> MakeAdminPages(AdminBackend& backend);
// /stats, /stats/prometheus and /reset_counters.
std::vector<AdminPage> MakeStatsPages();

}  // namespace narthex
