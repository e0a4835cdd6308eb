#include "source/upstream/connector.h"

#include <utility>

#include "source/http/http2/http2_client.h"
#include "source/upstream/connect_stream.h"

namespace narthex {

namespace {

StreamTarget StreamTargetOf(const ConnectTarget& target) {
  StreamTarget stream{.address = target.address,
                      .hostname = target.hostname,
                      .settings = target.settings,
                      .proxy_header = target.proxy_header,
                      .server_name = target.server_name,
                      .verify_name = target.verify_name,
                      .sessions = target.sessions};
  if (target.settings.tls == nullptr) return stream;
  if (target.protocol != UpstreamProtocol::kHttp1) stream.alpn.push_back("h2");
  if (target.protocol != UpstreamProtocol::kHttp2) stream.alpn.push_back("http/1.1");
  return stream;
}

Task<ConnectOutcome> ConnectHttp(EventLoop& loop, ConnectTarget target, ClientConnectionOwner& owner) {
  StreamOutcome made = co_await ConnectStream(loop, StreamTargetOf(target));
  if (!made.ok()) co_return made.status();
  const ClientCodecOptions& options = target.settings.codec;
  // With one version for all, the upstream is known to speak it whether or not ALPN says so.
  const bool http2 = target.protocol == UpstreamProtocol::kAlpn ? made->alpn == "h2"
                                                                : target.protocol == UpstreamProtocol::kHttp2;
  co_return ConnectedClient{
      http2 ? MakeHttp2ClientConnection(loop, std::move(made->stream), owner, options, *target.http2)
            : MakeHttp1ClientConnection(loop, std::move(made->stream), owner, options),
      std::move(made->local), made->connected_us, made->handshaken_us};
}

}  // namespace

Connector MakeHttpConnector() {
  return &ConnectHttp;
}

}  // namespace narthex
