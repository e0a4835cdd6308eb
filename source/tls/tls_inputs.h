#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/tls/certificate.h"
#include "source/tls/key_log.h"
#include "source/tls/parameters.h"
#include "source/tls/peer_verifier.h"
#include "source/tls/secret_reader.h"
#include "source/tls/ticket_keys.h"

namespace envoy::extensions::transport_sockets::tls::v3 {
class DownstreamTlsContext;
class UpstreamTlsContext;
}  // namespace envoy::extensions::transport_sockets::tls::v3

namespace narthex {

// One reading of a TLS configuration with all that it refers to: what contexts are made of.
struct TlsInputs {
  bool is_server = false;
  TlsParameterSet parameters;
  std::vector<std::shared_ptr<const KeyPair>> pairs;
  std::vector<std::string> pair_origins;         // a file, or "<inline>"; one for each pair
  std::shared_ptr<const PeerVerifier> verifier;  // null: peers are not verified
  std::string ca_origin;
  std::vector<std::string> alpn;          // in the order of preference
  std::shared_ptr<const KeyLog> key_log;  // null: none
  std::string identity;  // of the configuration and of what verifies peers: binds sessions to it

  // Of a server.
  bool require_client_certificate = false;
  bool require_sni = false;
  StaplePolicy stapling = StaplePolicy::kLenient;
  bool full_scan = false;
  bool prefer_client_ciphers = false;
  bool stateless_resumption = true;
  bool stateful_resumption = true;
  std::chrono::seconds session_timeout{7200};
  std::shared_ptr<TicketKeys> ticket_keys;  // of the configuration; null: the process's own

  // Of a client.
  std::string sni;
  bool auto_host_sni = false;
  bool auto_sni_san_validation = false;
  uint32_t max_session_keys = 1;
};

// Reads what the configuration at `path` refers to. Everything wrong goes to `diagnostics`; the result is to
// be used only when there was no error. Blocks for files: configuration and main thread only.
TlsInputs ReadDownstreamTls(const envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext& config,
                            const ConfigPath& path, SecretReader& reader, Diagnostics& diagnostics);
TlsInputs ReadUpstreamTls(const envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext& config,
                          const ConfigPath& path, SecretReader& reader, Diagnostics& diagnostics);

}  // namespace narthex
