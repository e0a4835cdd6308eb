#include "test/integration/gateway.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>

#include "filters/registry.h"
#include "gtest/gtest.h"
#include "source/stats/stats.h"

namespace narthex {

namespace {

constexpr std::chrono::seconds kLimit{20};

void Write(const std::string& file, const std::string& text) {
  std::ofstream(file + ".new") << text;
  std::rename((file + ".new").c_str(), file.c_str());
}

uint64_t Updates() {
  return Stat("server.config_update_success");
}

}  // namespace

Gateway::Gateway(const std::string& yaml, uint32_t workers)
    : file_(testing::TempDir() + "/gateway-" + std::to_string(getpid()) + ".yaml"),
      registry_(BuiltInFilters()) {
  Write(file_, yaml);
  CommandLine line;
  line.config_path = file_;
  line.concurrency = workers;
  server_ = std::make_unique<Server>(line, registry_);
  std::promise<uint16_t> started;
  // The loop belongs to this thread while it runs; Stop may still be on its way out of it when Run returns,
  // so the destructor ends both.
  thread_ = std::thread([&] {
    Diagnostics diagnostics;
    const bool good = server_->Start(diagnostics);
    EXPECT_TRUE(good) << diagnostics.ToText();
    std::string address = good ? server_->Listeners().at(0).addresses.at(0) : ":0";
    started.set_value(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    if (good) server_->Run();
  });
  port_ = started.get_future().get();
}

Gateway::~Gateway() {
  if (port_ != 0) server_->Stop();
  WaitForEnd();
  server_.reset();
  std::remove(file_.c_str());
}

void Gateway::WaitForEnd() {
  if (thread_.joinable()) thread_.join();
}

void Gateway::Replace(const std::string& yaml) {
  const uint64_t before = Updates();
  Write(file_, yaml);
  server_->Reload();
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (Updates() == before && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_GT(Updates(), before) << "the new configuration was not taken";
}

uint64_t Stat(std::string_view name) {
  return StatsStore::Process().ValueOf(name);
}

bool StatBecomes(std::string_view name, uint64_t wanted) {
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (Stat(name) != wanted && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return Stat(name) == wanted;
}

std::string GatewayYaml(uint16_t upstream, const std::string& routes,
                        const std::vector<std::string>& fields) {
  std::string more;
  for (const std::string& field : fields) more += "          " + field + "\n";
  return R"(static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: )" +
         routes + "}]}\n" + more + R"(          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: service
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: service
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: )" +
         std::to_string(upstream) + "}}}\n";
}

}  // namespace narthex
