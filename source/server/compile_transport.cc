#include "source/server/compile_transport.h"

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/core/v3/proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/config/unpack.h"

namespace narthex {

namespace {

using envoy::config::core::v3::ProxyProtocolConfig;
using envoy::config::core::v3::TransportSocket;
using envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport;
using envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;
using envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;

// Among the secrets of the bootstrap.
std::optional<PlacedSecret> FindSecret(const ConfigFiles& files, std::string_view name) {
  const auto& resources = files.bootstrap->static_resources();
  const ConfigPath path = files.root.Field("static_resources").Field("secrets");
  for (int i = 0; i < resources.secrets_size(); ++i) {
    if (resources.secrets(i).name() == name) return PlacedSecret{&resources.secrets(i), path.Index(i)};
  }
  return std::nullopt;
}

template <class M, class Compile>
std::shared_ptr<TlsContext> CompileTransport(const TransportSocket& socket, const ConfigPath& path,
                                             const std::string& stat_prefix, const TransportContext& context,
                                             Compile compile) {
  const google::protobuf::Any& any = socket.typed_config();
  if (any.type_url().empty() || any.Is<RawBuffer>()) return nullptr;
  const ConfigPath at = path.Field("typed_config");
  absl::StatusOr<M> message = Unpack<M>(any, at);
  context.diagnostics.AddStatus(message.status());
  if (!message.ok()) return nullptr;
  return compile(
      *message, at,
      {.diagnostics = context.diagnostics,
       .stat_prefix = stat_prefix,
       .find_secret = [files = context.files](std::string_view name) { return FindSecret(*files, name); },
       .ticket_keys = context.ticket_keys,
       .keep = context.files});
}

}  // namespace

std::shared_ptr<TlsContext> CompileDownstreamTransport(const TransportSocket& socket, const ConfigPath& path,
                                                       const std::string& stat_prefix,
                                                       const TransportContext& context) {
  return CompileTransport<DownstreamTlsContext>(socket, path, stat_prefix, context, &CompileDownstreamTls);
}

UpstreamTransport CompileUpstreamTransport(const TransportSocket& socket, const ConfigPath& path,
                                           const std::string& stat_prefix, const TransportContext& context) {
  const auto compile = [&](const TransportSocket& inner, const ConfigPath& at) {
    return CompileTransport<UpstreamTlsContext>(inner, at, stat_prefix, context, &CompileUpstreamTls);
  };
  if (!socket.typed_config().Is<ProxyProtocolUpstreamTransport>()) return {compile(socket, path)};
  const ConfigPath at = path.Field("typed_config");
  absl::StatusOr<ProxyProtocolUpstreamTransport> message =
      Unpack<ProxyProtocolUpstreamTransport>(socket.typed_config(), at);
  context.diagnostics.AddStatus(message.status());
  if (!message.ok()) return {};
  const bool first = message->config().version() == ProxyProtocolConfig::V1;
  return {compile(message->transport_socket(), at.Field("transport_socket")), first ? 1 : 2};
}

}  // namespace narthex
