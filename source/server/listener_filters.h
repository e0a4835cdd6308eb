#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "source/config/config_path.h"
#include "source/config/diagnostics.h"
#include "source/stats/stats.h"

namespace envoy::config::listener::v3 {
class Listener;
}

namespace narthex {

// Takes the PROXY protocol's header off (source/net/proxy_protocol.h).
struct ProxyProtocolFilter {
  explicit ProxyProtocolFilter(const std::string& stat_prefix);

  bool optional = false;           // serves connections without a header too
  bool allowed[2] = {true, true};  // versions 1 and 2
  // "proxy_proto.", and by version "proxy_proto.versions.v1.".
  Counter not_found_allowed, not_found_disallowed;
  struct {
    Counter found, disallowed, error;
  } versions[2];
};

// Looks for a TLS ClientHello and leaves it where it is.
struct TlsInspectorFilter {
  TlsInspectorFilter();

  size_t max_client_hello = 16 * 1024;
  bool close_on_error = false;  // else what is malformed is matched as "raw_buffer"
  // "tls_inspector.".
  Counter client_hello_too_large, tls_found, tls_not_found, alpn_found, alpn_not_found, sni_found,
      sni_not_found;
};

// Looks for a request line or HTTP/2's preface on connections in clear text, and leaves it where it is.
struct HttpInspectorFilter {
  HttpInspectorFilter();

  // "http_inspector.".
  Counter read_error, http10_found, http11_found, http2_found, http_not_found;
};

using ListenerFilter = std::variant<ProxyProtocolFilter, TlsInspectorFilter, HttpInspectorFilter>;

// What looks at a connection's first bytes, in order. Immutable, thread-safe.
struct ListenerFilters {
  std::vector<ListenerFilter> filters;
  std::chrono::milliseconds timeout{15'000};  // of all of them; 0: none
  bool continue_on_timeout = false;           // else the connection is closed
};

// The listener filters of `listener`, at `path`. Load-time.
ListenerFilters CompileListenerFilters(const envoy::config::listener::v3::Listener& listener,
                                       const ConfigPath& path, Diagnostics& diagnostics);

}  // namespace narthex
