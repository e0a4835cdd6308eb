#include "source/server/listener_config.h"

#include <algorithm>
#include <cstring>

#include "envoy/config/listener/v3/listener.pb.h"

namespace narthex {

namespace {

using envoy::config::listener::v3::Listener;

std::string Message(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

KeepaliveConfig CompileKeepalive(const envoy::config::core::v3::TcpKeepalive& keepalive) {
  KeepaliveConfig compiled;
  if (keepalive.has_keepalive_probes()) compiled.probes = keepalive.keepalive_probes().value();
  if (keepalive.has_keepalive_time()) compiled.time_seconds = keepalive.keepalive_time().value();
  if (keepalive.has_keepalive_interval()) compiled.interval_seconds = keepalive.keepalive_interval().value();
  return compiled;
}

SocketOptionConfig CompileOption(const envoy::config::core::v3::SocketOption& option) {
  SocketOptionConfig compiled;
  compiled.level = static_cast<int>(option.level());
  compiled.name = static_cast<int>(option.name());
  if (option.has_int_value()) {
    const int value = static_cast<int>(option.int_value());
    compiled.value.assign(reinterpret_cast<const char*>(&value), sizeof(value));
  } else {
    compiled.value = option.buf_value();
  }
  compiled.stage = static_cast<ListenOptions::Stage>(option.state());
  return compiled;
}

void SetAddress(const envoy::config::core::v3::Address& address, const ConfigPath& path, SocketConfig& socket,
                Diagnostics& diagnostics) {
  socket.address = CompileBindAddress(address, path, diagnostics);
  socket.ipv4_compat = address.socket_address().ipv4_compat();
  socket.mode = address.pipe().mode();
}

}  // namespace

// Envoy's spelling of an address in a statistic's name.
std::string StatPrefixOf(const ListenerConfig& config, const Address& address) {
  std::string name = config.stat_prefix.empty() ? address.ToString() : config.stat_prefix;
  std::replace(name.begin(), name.end(), ':', '_');
  return "listener." + name + ".";
}

Address CompileBindAddress(const envoy::config::core::v3::Address& address, const ConfigPath& path,
                           Diagnostics& diagnostics) {
  if (address.has_pipe()) {
    absl::StatusOr<Address> made = Address::Unix(address.pipe().path());
    if (made.ok()) return *made;
    diagnostics.Error(path.Field("pipe").Field("path"), Message(made.status()));
    return {};
  }
  const auto& socket = address.socket_address();
  if (!address.has_socket_address() || socket.address().empty()) {
    diagnostics.Error(path, "a listener needs an address");
    return {};
  }
  const ConfigPath socket_path = path.Field("socket_address");
  if (socket.protocol() != envoy::config::core::v3::SocketAddress::TCP) {
    diagnostics.Error(socket_path.Field("protocol"), "UDP is not supported; write TCP");
    return {};
  }
  absl::StatusOr<Address> made = Address::Ip(socket.address(), static_cast<uint16_t>(socket.port_value()));
  if (made.ok()) return *made;
  diagnostics.Error(socket_path.Field("address"),
                    "\"" + socket.address() + "\" is no IP address; a listener does not resolve names");
  return {};
}

void CompileListenerSockets(const Listener& listener, const ConfigPath& path, ListenerConfig& into,
                            Diagnostics& diagnostics) {
  SocketConfig first;
  SetAddress(listener.address(), path.Field("address"), first, diagnostics);
  if (listener.has_tcp_backlog_size()) first.backlog = static_cast<int>(listener.tcp_backlog_size().value());
  if (listener.has_enable_reuse_port()) first.reuse_port = listener.enable_reuse_port().value();
  if (listener.has_tcp_keepalive()) first.keepalive = CompileKeepalive(listener.tcp_keepalive());
  for (const auto& option : listener.socket_options()) first.options.push_back(CompileOption(option));
  into.sockets.push_back(first);
  for (int i = 0; i < listener.additional_addresses_size(); ++i) {
    const auto& additional = listener.additional_addresses(i);
    SocketConfig socket = first;
    SetAddress(additional.address(), path.Field("additional_addresses").Index(i).Field("address"), socket,
               diagnostics);
    if (additional.has_tcp_keepalive()) socket.keepalive = CompileKeepalive(additional.tcp_keepalive());
    if (additional.has_socket_options()) {
      socket.options.clear();
      for (const auto& option : additional.socket_options().socket_options()) {
        socket.options.push_back(CompileOption(option));
      }
    }
    into.sockets.push_back(std::move(socket));
  }
}

}  // namespace narthex
