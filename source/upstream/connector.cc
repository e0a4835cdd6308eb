#include "source/upstream/connector.h"

#include <cstring>
#include <utility>

#include "source/net/socket.h"

namespace narthex {

namespace {

Task<ConnectOutcome> ConnectHttp1(EventLoop& loop, const Address& address, const ConnectionSettings& settings,
                                  ClientConnectionOwner& owner) {
  SocketOptions options;
  if (settings.keepalive.has_value()) {
    options.keepalive = true;
    options.keepalive_probes = static_cast<int>(settings.keepalive->probes.value_or(0));
    options.keepalive_time_s = static_cast<int>(settings.keepalive->time_seconds.value_or(0));
    options.keepalive_interval_s = static_cast<int>(settings.keepalive->interval_seconds.value_or(0));
  }
  ConnectResult result = co_await Connect(loop, address, std::move(options));
  if (result.stream == nullptr) co_return absl::UnavailableError(strerror(result.error));
  co_return ConnectedClient{MakeHttp1ClientConnection(loop, std::move(result.stream), owner, settings.codec),
                            std::move(result.local)};
}

}  // namespace

Connector MakeHttp1Connector() {
  return &ConnectHttp1;
}

}  // namespace narthex
