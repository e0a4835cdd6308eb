#pragma once

#include <string>
#include <string_view>

#include "source/stats/stats.h"

namespace narthex {

// What is counted of a handshake that succeeded. Views of static text.
struct TlsAgreement {
  std::string_view version, cipher, group;  // an empty group is not counted
  bool resumed = false;
  bool peer_certificate = false;
};

// What became of a client's wish for an OCSP response.
enum class Stapling { kNotAsked, kSent, kOmitted, kFailed };

// The statistics of the TLS of a listener's filter chain or a cluster, by Envoy's names behind
// "listener.ADDRESS." or "cluster.NAME.". Values, thread-safe.
struct TlsStats {
  // Counts into the void.
  TlsStats() = default;
  // `socket` is Envoy's word for what counts updates: "server_ssl_socket_factory" or
  // "client_ssl_socket_factory".
  TlsStats(const std::string& prefix, std::string_view socket);

  Counter connection_error, handshake, session_reused, no_certificate;
  Counter fail_verify_no_cert, fail_verify_error, fail_verify_san, fail_verify_cert_hash;
  Counter ocsp_staple_requests, ocsp_staple_responses, ocsp_staple_omitted, ocsp_staple_failed;
  // Files that were read again and taken; that were refused, so that the old ones stay (ours).
  Counter context_update, context_update_failed;

  // Counts a handshake that succeeded, with its version, cipher and group by name.
  void CountHandshake(const TlsAgreement& agreed) const;
  void CountStapling(Stapling stapling) const;

 private:
  std::string prefix_;  // "listener.ADDRESS.ssl."
};

}  // namespace narthex
