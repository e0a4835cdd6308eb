#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace narthex {

// The names of a certificate's subject alternative names, as they stand there; other kinds are left out.
struct CertificateNames {
  std::vector<std::string> dns, uri, email;
  std::vector<std::string> ip;  // in text: "10.0.0.1", "fe80::1"
};

// What a certificate says, in the forms that access logs and headers have. No key material. Immutable value.
struct CertificateFacts {
  std::string subject;  // RFC 2253: "CN=client,O=Example"
  std::string issuer;
  std::string common_name;  // of the subject, the last one; may be empty
  CertificateNames names;
  std::string serial;              // hexadecimal digits in lower case, two for each byte
  std::string sha256_fingerprint;  // of the DER form; hexadecimal digits in lower case
  std::string sha1_fingerprint;
  int64_t valid_from = 0;  // seconds since 1970
  int64_t valid_until = 0;
  std::string pem;

  // The PEM form as Envoy writes it to logs and headers: percent-encoded.
  std::string UrlEncodedPem() const;
};

// What one TLS connection has agreed on, made once after its handshake. Immutable, shared.
struct TlsFacts {
  std::string version;      // "TLSv1.3"
  std::string cipher;       // OpenSSL's name: "TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"
  uint16_t cipher_id = 0;   // IANA's number
  std::string group;        // "X25519", "P-256"; empty without one, as when a TLS 1.2 session was resumed
  std::string server_name;  // that the client asked for, in lower case
  std::string alpn;         // empty: none
  std::string session_id;   // hexadecimal digits; empty without one
  bool resumed = false;
  // The peer's chain, its own certificate first; empty when it presented none.
  std::vector<CertificateFacts> peer_chain;
  // Whether the peer's certificate passed a validation context that verifies it.
  bool peer_validated = false;
  // Of the certificate that this end presented; null without one. Shared by all its connections.
  std::shared_ptr<const CertificateFacts> local;

  const CertificateFacts* peer() const { return peer_chain.empty() ? nullptr : peer_chain.data(); }
  // The certificates of the peer in the form of UrlEncodedPem, one behind the other.
  std::string UrlEncodedPeerChain() const;
};

}  // namespace narthex
