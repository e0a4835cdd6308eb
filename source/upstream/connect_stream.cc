#include "source/upstream/connect_stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "source/http/exchange.h"
#include "source/net/proxy_protocol.h"
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

TlsClientOptions TlsOptionsOf(const StreamTarget& target) {
  TlsClientOptions tls;
  tls.host_name = target.hostname;
  tls.server_name = target.server_name;
  if (!target.verify_name.empty()) tls.verify_names.emplace_back(target.verify_name);
  tls.sessions = target.sessions;
  tls.alpn = target.alpn;
  return tls;
}

// The errno of a failure, or 0. A new socket's buffer takes a header as a whole, so that nobody has to wait.
int SendHeader(int fd, std::string_view header) {
  ssize_t sent;
  do {
    sent = send(fd, header.data(), header.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return errno;
  return static_cast<size_t>(sent) == header.size() ? 0 : ENOBUFS;
}

}  // namespace

std::string ProxyHeaderFor(const ConnectionSettings& settings, const ConnectionFacts* client) {
  if (settings.proxy_protocol == 0) return {};
  if (client == nullptr) return WriteProxyHeader(settings.proxy_protocol, {}, {});
  return WriteProxyHeader(settings.proxy_protocol, client->remote, client->local);
}

Task<StreamOutcome> ConnectStream(EventLoop& loop, StreamTarget target) {
  ConnectedSocket socket = co_await ConnectSocket(loop, target.address, OptionsOf(target.settings));
  if (socket.error == 0 && !target.proxy_header.empty()) {
    socket.error = SendHeader(socket.fd.get(), target.proxy_header);
  }
  if (socket.error != 0) co_return absl::UnavailableError(strerror(socket.error));
  ConnectedStream connected{nullptr, std::move(socket.local), {}, loop.NowUs()};
  if (target.settings.tls == nullptr) {
    connected.stream = MakeSocketStream(loop, socket.fd.Release());
    co_return connected;
  }
  std::unique_ptr<TlsStream> stream =
      TlsStream::MakeClient(loop, socket.fd.Release(), target.settings.tls, TlsOptionsOf(target));
  if (stream == nullptr) co_return absl::ResourceExhaustedError("TLS error: out of memory");
  TlsHandshakeResult handshake = co_await stream->Handshake();
  if (!handshake.ok) co_return absl::UnavailableError(handshake.error);
  connected.handshaken_us = loop.NowUs();
  connected.alpn = stream->alpn();
  connected.stream = std::move(stream);
  co_return connected;
}

}  // namespace narthex
