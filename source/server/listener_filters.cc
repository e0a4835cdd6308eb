#include "source/server/listener_filters.h"

#include <optional>

#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.pb.h"
#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"
#include "source/config/unpack.h"

namespace narthex {

namespace {

using envoy::config::core::v3::ProxyProtocolConfig;
using envoy::config::listener::v3::Listener;
using envoy::extensions::filters::listener::http_inspector::v3::HttpInspector;
using envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;
using envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;

Counter CounterOf(const std::string& name) {
  return StatsStore::Process().MakeCounter(name);
}

std::optional<ListenerFilter> CompileProxyProtocol(const ProxyProtocol& config, const ConfigPath& path,
                                                   Diagnostics& diagnostics) {
  ProxyProtocolFilter filter(config.stat_prefix());
  filter.optional = config.allow_requests_without_proxy_protocol();
  for (int version : config.disallowed_versions())
    filter.allowed[version == ProxyProtocolConfig::V1 ? 0 : 1] = false;
  if (!filter.allowed[0] && !filter.allowed[1]) {
    diagnostics.Error(path.Field("disallowed_versions"),
                      "leaves no version, so that no header would be accepted");
  }
  return filter;
}

std::optional<ListenerFilter> CompileTlsInspector(const TlsInspector& config) {
  TlsInspectorFilter filter;
  if (config.has_max_client_hello_size()) filter.max_client_hello = config.max_client_hello_size().value();
  filter.close_on_error = config.close_connection_on_client_hello_parsing_errors();
  return filter;
}

template <class M, class Compile>
std::optional<ListenerFilter> Read(const google::protobuf::Any& any, const ConfigPath& path,
                                   Diagnostics& diagnostics, Compile compile) {
  absl::StatusOr<M> message = Unpack<M>(any, path);
  if (message.ok()) return compile(*message);
  diagnostics.AddStatus(message.status());
  return std::nullopt;
}

std::optional<ListenerFilter> CompileOne(const envoy::config::listener::v3::ListenerFilter& filter,
                                         const ConfigPath& path, Diagnostics& diagnostics) {
  const google::protobuf::Any& any = filter.typed_config();
  const ConfigPath at = path.Field("typed_config");
  if (any.Is<ProxyProtocol>()) {
    return Read<ProxyProtocol>(any, at, diagnostics, [&](const ProxyProtocol& config) {
      return CompileProxyProtocol(config, at, diagnostics);
    });
  }
  if (any.Is<TlsInspector>()) return Read<TlsInspector>(any, at, diagnostics, CompileTlsInspector);
  if (any.Is<HttpInspector>()) {
    return Read<HttpInspector>(any, at, diagnostics,
                               [](const HttpInspector&) { return HttpInspectorFilter(); });
  }
  diagnostics.Error(path,
                    "listener filter \"" + filter.name() +
                        "\" is not supported; there are proxy_protocol, tls_inspector and http_inspector");
  return std::nullopt;
}

}  // namespace

ProxyProtocolFilter::ProxyProtocolFilter(const std::string& stat_prefix) {
  const std::string prefix = "proxy_proto." + (stat_prefix.empty() ? "" : stat_prefix + ".");
  not_found_allowed = CounterOf(prefix + "not_found_allowed");
  not_found_disallowed = CounterOf(prefix + "not_found_disallowed");
  for (size_t i = 0; i < std::size(versions); ++i) {
    const std::string version = prefix + "versions.v" + std::to_string(i + 1) + ".";
    versions[i].found = CounterOf(version + "found");
    versions[i].disallowed = CounterOf(version + "disallowed");
    versions[i].error = CounterOf(version + "error");
  }
}

TlsInspectorFilter::TlsInspectorFilter()
    : client_hello_too_large(CounterOf("tls_inspector.client_hello_too_large")),
      tls_found(CounterOf("tls_inspector.tls_found")),
      tls_not_found(CounterOf("tls_inspector.tls_not_found")),
      alpn_found(CounterOf("tls_inspector.alpn_found")),
      alpn_not_found(CounterOf("tls_inspector.alpn_not_found")),
      sni_found(CounterOf("tls_inspector.sni_found")),
      sni_not_found(CounterOf("tls_inspector.sni_not_found")) {}

HttpInspectorFilter::HttpInspectorFilter()
    : read_error(CounterOf("http_inspector.read_error")),
      http10_found(CounterOf("http_inspector.http10_found")),
      http11_found(CounterOf("http_inspector.http11_found")),
      http2_found(CounterOf("http_inspector.http2_found")),
      http_not_found(CounterOf("http_inspector.http_not_found")) {}

ListenerFilters CompileListenerFilters(const Listener& listener, const ConfigPath& path,
                                       Diagnostics& diagnostics) {
  ListenerFilters compiled;
  for (int i = 0; i < listener.listener_filters_size(); ++i) {
    std::optional<ListenerFilter> filter =
        CompileOne(listener.listener_filters(i), path.Field("listener_filters").Index(i), diagnostics);
    if (filter) compiled.filters.push_back(*std::move(filter));
  }
  if (listener.has_listener_filters_timeout()) {
    const auto& timeout = listener.listener_filters_timeout();
    compiled.timeout = std::chrono::milliseconds(timeout.seconds() * 1000 + timeout.nanos() / 1'000'000);
  }
  compiled.continue_on_timeout = listener.continue_on_listener_filters_timeout();
  return compiled;
}

}  // namespace narthex
