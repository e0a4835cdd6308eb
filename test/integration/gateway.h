#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "source/filter/registry.h"
#include "source/net/address.h"
#include "source/server/server.h"

namespace narthex {

// The real server in this process: started by the constructor on ports of its own, stopped by the destructor.
// Fails the test when the configuration is wrong. Only one at a time: statistics belong to the process.
class Gateway {
 public:
  // `yaml` is written to a file, so that it can be replaced.
  explicit Gateway(const std::string& yaml, uint32_t workers = 1);
  ~Gateway();

  // The port of the first listener.
  uint16_t port() const { return port_; }
  // Waits until the server has ended by itself: after a signal, for one.
  void WaitForEnd();
  // Replaces the file and waits until a configuration serves that was read since: this one, unless another
  // Replace went shortly before it.
  void Replace(const std::string& yaml);

 private:
  std::string file_;
  FilterRegistry registry_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  uint16_t port_ = 0;
};

// A gateway with one listener and the routes of one virtual host, which may go to cluster "service" at
// `upstream`. `fields` are further fields of the connection manager, as "name: value" in a flow mapping.
std::string GatewayYaml(uint16_t upstream,
                        const std::string& routes = "[{match: {prefix: /}, route: {cluster: service}}]",
                        const std::vector<std::string>& fields = {});

// The value of a statistic, and whether it gets to be `wanted` in time.
uint64_t Stat(std::string_view name);
bool StatBecomes(std::string_view name, uint64_t wanted);

}  // namespace narthex
