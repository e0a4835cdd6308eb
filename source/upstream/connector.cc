#include "source/upstream/connector.h"

#include <cstring>
#include <utility>

#include "source/net/socket.h"
#include "source/tls/tls_stream.h"

namespace narthex {

namespace {

SocketOptions OptionsOf(const ConnectionSettings& settings) {
  SocketOptions options;
  if (settings.keepalive.has_value()) {
    options.keepalive = true;
    options.keepalive_probes = static_cast<int>(settings.keepalive->probes.value_or(0));
    options.keepalive_time_s = static_cast<int>(settings.keepalive->time_seconds.value_or(0));
    options.keepalive_interval_s = static_cast<int>(settings.keepalive->interval_seconds.value_or(0));
  }
  return options;
}

Task<ConnectOutcome> ConnectPlain(EventLoop& loop, ConnectTarget target, ClientConnectionOwner& owner) {
  ConnectResult result = co_await Connect(loop, target.address, OptionsOf(target.settings));
  if (result.stream == nullptr) co_return absl::UnavailableError(strerror(result.error));
  co_return ConnectedClient{
      MakeHttp1ClientConnection(loop, std::move(result.stream), owner, target.settings.codec),
      std::move(result.local)};
}

Task<ConnectOutcome> ConnectTls(EventLoop& loop, ConnectTarget target, ClientConnectionOwner& owner) {
  ConnectedSocket socket = co_await ConnectSocket(loop, target.address, OptionsOf(target.settings));
  if (socket.fd.get() < 0) co_return absl::UnavailableError(strerror(socket.error));
  TlsClientOptions tls;
  tls.host_name = target.hostname;
  tls.sessions = target.sessions;
  std::unique_ptr<TlsStream> stream =
      TlsStream::MakeClient(loop, socket.fd.Release(), target.settings.tls, std::move(tls));
  if (stream == nullptr) co_return absl::ResourceExhaustedError("TLS error: out of memory");
  TlsHandshakeResult handshake = co_await stream->Handshake();
  if (!handshake.ok) co_return absl::UnavailableError(handshake.error);
  co_return ConnectedClient{MakeHttp1ClientConnection(loop, std::move(stream), owner, target.settings.codec),
                            std::move(socket.local)};
}

// No frame of its own: the task is that of the kind of connection.
Task<ConnectOutcome> ConnectHttp1(EventLoop& loop, ConnectTarget target, ClientConnectionOwner& owner) {
  return target.settings.tls == nullptr ? ConnectPlain(loop, std::move(target), owner)
                                        : ConnectTls(loop, std::move(target), owner);
}

}  // namespace

Connector MakeHttp1Connector() {
  return &ConnectHttp1;
}

}  // namespace narthex
