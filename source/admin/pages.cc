#include "source/admin/pages.h"

#include <fstream>

#include "source/base/escape.h"
#include "source/base/heap.h"
#include "source/base/log.h"

namespace narthex {

namespace {

void AppendQuoted(std::string& json, std::string_view text) {
  json += '"';
  AppendJsonEscaped(json, text);
  json += '"';
}

std::string ListenersText(const std::vector<ListenerRow>& rows) {
  std::string text;
  for (const ListenerRow& row : rows) {
    for (const std::string& address : row.addresses) {
      AppendLogEscaped(text, row.name);
      text += "::" + address + "\n";
    }
  }
  return text;
}

// {"socket_address":{"address":"127.0.0.1","port_value":80}} or {"pipe":{"path":"/x"}}.
std::string AddressJson(std::string_view address) {
  const size_t colon = address.rfind(':');
  std::string json;
  if (colon == std::string_view::npos || address.starts_with("/") || address.starts_with("@")) {
    json = "{\"pipe\":{\"path\":";
    AppendQuoted(json, address);
    return json + "}}";
  }
  std::string_view ip = address.substr(0, colon);
  if (ip.starts_with("[")) ip = ip.substr(1, ip.size() - 2);
  json = "{\"socket_address\":{\"address\":";
  AppendQuoted(json, ip);
  return json + ",\"port_value\":" + std::string(address.substr(colon + 1)) + "}}";
}

std::string ListenersJson(const std::vector<ListenerRow>& rows) {
  std::string json = "{\"listener_statuses\":[";
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) json += ",";
    json += "{\"name\":";
    AppendQuoted(json, rows[i].name);
    json += ",\"local_address\":" + (rows[i].addresses.empty() ? "{}" : AddressJson(rows[i].addresses[0]));
    for (size_t more = 1; more < rows[i].addresses.size(); ++more) {
      json += (more == 1 ? ",\"additional_local_addresses\":[" : ",") + AddressJson(rows[i].addresses[more]);
    }
    if (rows[i].addresses.size() > 1) json += "]";
    json += "}";
  }
  return json + "]}";
}

AdminReply Ready(const AdminBackend& backend) {
  const ServerState state = backend.State();
  return {state == ServerState::kLive ? 200 : 503, std::string(StateName(state)) + "\n"};
}

void AddReadingPages(AdminBackend& backend, std::vector<AdminPage>& pages) {
  pages.push_back({"/ready", "200 and LIVE when the gateway takes requests, else 503", false,
                   [&backend](const AdminRequest&) { return Ready(backend); }});
  pages.push_back({"/server_info", "version, state, uptime and command line", false,
                   [&backend](const AdminRequest&) { return JsonReply(backend.ServerInfo()); }});
  pages.push_back({"/listeners", "addresses that accept connections (?format=json)", false,
                   [&backend](const AdminRequest& request) {
                     const std::vector<ListenerRow> rows = backend.Listeners();
                     if (request.Get("format") == "json") return JsonReply(ListenersJson(rows));
                     return AdminReply{200, ListenersText(rows)};
                   }});
  pages.push_back({"/clusters", "clusters and their hosts (?format=json)", false,
                   [&backend](const AdminRequest& request) {
                     if (request.Get("format") == "json") return JsonReply(backend.ClustersJson());
                     return AdminReply{200, backend.ClustersText()};
                   }});
  pages.push_back(
      {"/config_dump",
       "the configuration that runs, secrets hidden (?resource=static_clusters, ?mask, ?name_regex)", false,
       [&backend](const AdminRequest& request) { return backend.ConfigDump(request); }});
  pages.push_back({"/runtime", "runtime layers and their values", false,
                   [&backend](const AdminRequest&) { return JsonReply(backend.Runtime()); }});
  pages.push_back({"/init_dump", "what the gateway still waits for before it serves (?mask)", false,
                   [](const AdminRequest&) { return JsonReply("{}\n"); }});
  pages.push_back({"/explain", "which route takes a request (?method=GET&url=http://host/path)", false,
                   [&backend](const AdminRequest& request) { return backend.Explain(request); }});
  pages.push_back(
      {"/memory", "memory in use", false, [](const AdminRequest&) { return JsonReply(MemoryJson()); }});
  pages.push_back({"/certs", "certificates in use", false,
                   [&backend](const AdminRequest&) { return JsonReply(backend.Certificates()); }});
  // Reading the levels is harmless; the page itself asks for a POST when one is to be set.
  pages.push_back(
      {"/logging", "log levels (POST ?level=debug or ?COMPONENT=debug sets them)", false, &LoggingPage});
}

AdminReply Ok() {
  return {200, "OK\n"};
}

AdminReply DrainListeners(AdminBackend& backend, const AdminRequest& request) {
  using Drain = AdminBackend::ListenerDrain;
  for (const auto& [key, value] : request.query) {
    // Above all inboundonly, which must not drain everything.
    if (key != "graceful" && key != "skip_exit")
      return {400, "usage: POST /drain_listeners?graceful&skip_exit\n"};
  }
  backend.DrainListeners(request.Has("skip_exit")  ? Drain::kConnectionsOnly
                         : request.Has("graceful") ? Drain::kGraceful
                                                   : Drain::kAtOnce);
  return Ok();
}

AdminReply ModifyRuntime(AdminBackend& backend, const AdminRequest& request) {
  if (!request.query.empty()) return backend.ModifyRuntime(request);
  return {400,
          "usage: POST /runtime_modify?key1=value1&key2=value2\n"
          "use an empty value to remove what was set before\n"};
}

void AddChangingPages(AdminBackend& backend, std::vector<AdminPage>& pages) {
  pages.push_back({"/runtime_modify", "set values in the runtime's admin layer (?KEY=VALUE; empty: unset)",
                   true,
                   [&backend](const AdminRequest& request) { return ModifyRuntime(backend, request); }});
  pages.push_back({"/healthcheck/fail", "make /ready and health checks fail", true,
                   [&backend](const AdminRequest&) { return backend.FailHealthCheck(true), Ok(); }});
  pages.push_back({"/healthcheck/ok", "undo /healthcheck/fail", true,
                   [&backend](const AdminRequest&) { return backend.FailHealthCheck(false), Ok(); }});
  pages.push_back(
      {"/drain_listeners",
       "stop accepting connections (?graceful: after the drain time; ?skip_exit: drain connections only)",
       true, [&backend](const AdminRequest& request) { return DrainListeners(backend, request); }});
  pages.push_back({"/reopen_logs", "open the log files again, after they were moved", true,
                   [&backend](const AdminRequest&) { return backend.ReopenLogs(), Ok(); }});
  pages.push_back({"/quitquitquit", "end the process", true, [&backend](const AdminRequest&) {
                     AdminReply reply = Ok();
                     reply.afterwards = [&backend] { backend.Quit(); };
                     return reply;
                   }});
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  uint64_t resident = 0;
  statm >> pages >> resident;
  return resident * 4096;
}

}  // namespace

std::string_view StateName(ServerState state) {
  switch (state) {
    case ServerState::kLive:
      return "LIVE";
    case ServerState::kDraining:
      return "DRAINING";
    case ServerState::kPreInitializing:
      return "PRE_INITIALIZING";
    case ServerState::kInitializing:
      break;
  }
  return "INITIALIZING";
}

std::vector<AdminPage> MakeAdminPages(AdminBackend& backend) {
  // /logging knows these also before their first line.
  for (const char* component : {"access_log", "config", "listener", "main", "upstream"}) {
    LogComponent::Find(component);
  }
  std::vector<AdminPage> pages = MakeStatsPages();
  AddReadingPages(backend, pages);
  AddChangingPages(backend, pages);
  return pages;
}

uint64_t MemoryInUse(std::string_view kind) {
  if (kind == "physical_size") return ResidentBytes();
  const Heap heap = Heap::Now();
  return kind == "allocated" ? heap.allocated : heap.size;
}

std::string MemoryJson() {
  const Heap heap = Heap::Now();
  const auto number = [](uint64_t value) { return "\"" + std::to_string(value) + "\""; };
  return "{\"allocated\":" + number(heap.allocated) + ",\"heap_size\":" + number(heap.size) +
         ",\"pageheap_unmapped\":\"0\"" + ",\"pageheap_free\":" + number(heap.free) +
         ",\"total_thread_cache\":\"0\"" + ",\"total_physical_bytes\":" + number(ResidentBytes()) + "}";
}

}  // namespace narthex
