#include "source/upstream/connector.h"

#include <cstring>
#include <utility>

#include "source/http/http2/http2_client.h"
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

std::unique_ptr<ClientConnection> MakeCodec(EventLoop& loop, std::unique_ptr<Stream> stream, bool http2,
                                            const ConnectTarget& target, ClientConnectionOwner& owner) {
  const ClientCodecOptions& options = target.settings.codec;
  if (!http2) return MakeHttp1ClientConnection(loop, std::move(stream), owner, options);
  return MakeHttp2ClientConnection(loop, std::move(stream), owner, options, *target.http2);
}

Task<ConnectOutcome> ConnectPlain(EventLoop& loop, ConnectTarget target, ClientConnectionOwner& owner) {
  ConnectResult result = co_await Connect(loop, target.address, OptionsOf(target.settings));
  if (result.stream == nullptr) co_return absl::UnavailableError(strerror(result.error));
  const bool http2 = target.protocol == UpstreamProtocol::kHttp2;
  co_return ConnectedClient{MakeCodec(loop, std::move(result.stream), http2, target, owner),
                            std::move(result.local)};
}

TlsClientOptions TlsOptionsOf(const ConnectTarget& target) {
  TlsClientOptions tls;
  tls.host_name = target.hostname;
  tls.server_name = target.server_name;
  if (target.settings.auto_san_validation && !target.server_name.empty()) {
    tls.verify_names = {tls.server_name};
  }
  tls.sessions = target.sessions;
  if (target.protocol != UpstreamProtocol::kHttp1) tls.alpn.push_back("h2");
  if (target.protocol != UpstreamProtocol::kHttp2) tls.alpn.push_back("http/1.1");
  return tls;
}

Task<ConnectOutcome> ConnectTls(EventLoop& loop, ConnectTarget target, ClientConnectionOwner& owner) {
  ConnectedSocket socket = co_await ConnectSocket(loop, target.address, OptionsOf(target.settings));
  if (socket.fd.get() < 0) co_return absl::UnavailableError(strerror(socket.error));
  std::unique_ptr<TlsStream> stream =
      TlsStream::MakeClient(loop, socket.fd.Release(), target.settings.tls, TlsOptionsOf(target));
  if (stream == nullptr) co_return absl::ResourceExhaustedError("TLS error: out of memory");
  TlsHandshakeResult handshake = co_await stream->Handshake();
  if (!handshake.ok) co_return absl::UnavailableError(handshake.error);
  // With one version for all, the upstream is known to speak it whether or not ALPN says so.
  const bool http2 = target.protocol == UpstreamProtocol::kAlpn ? stream->alpn() == "h2"
                                                                : target.protocol == UpstreamProtocol::kHttp2;
  co_return ConnectedClient{MakeCodec(loop, std::move(stream), http2, target, owner),
                            std::move(socket.local)};
}

// No frame of its own: the task is that of the kind of connection.
Task<ConnectOutcome> ConnectHttp(EventLoop& loop, ConnectTarget target, ClientConnectionOwner& owner) {
  return target.settings.tls == nullptr ? ConnectPlain(loop, std::move(target), owner)
                                        : ConnectTls(loop, std::move(target), owner);
}

}  // namespace

Connector MakeHttpConnector() {
  return &ConnectHttp;
}

}  // namespace narthex
