#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/tls/certificate_choice.h"
#include "source/tls/stats.h"
#include "source/tls/tls_inputs.h"

namespace narthex {

// What a connection keeps for OpenSSL's callbacks. Loop-confined to its stream.
struct HandshakeRecord {
  std::string server_name;                // a server's: asked for by the client
  std::vector<std::string> verify_names;  // a client's: see TlsClientOptions
  std::shared_ptr<const CertificateFacts> local;
  const KeyPair* pair = nullptr;  // a server's: chosen for this client; the material's
  bool said_hello = false;        // a server's: the client, once
  Stapling stapling = Stapling::kNotAsked;
  const KeyLog* key_log = nullptr;  // null: none; the material's
  PeerVerdict verdict;
  std::string refusal;  // why a callback has ended the handshake, in words
  // A client's: takes each session that the server offers; a reference that the callee owns.
  void (*on_session)(void* context, SSL_SESSION* session) = nullptr;
  void* session_context = nullptr;

  // How many new keys the peer has announced, and for how many bytes. Too many are an attack: each costs more
  // to take than to send.
  uint32_t key_updates = 0;
  uint64_t received = 0;
  bool flooded = false;
};

// A certificate in use, for people.
struct CertificateInUse {
  std::string origin;  // a file, or "<inline>"
  bool is_authority = false;
  std::shared_ptr<const CertificateFacts> facts;
  std::shared_ptr<const OcspStaple> staple = {};  // null: none
};

// One state of a context's certificates, keys and authorities with the SSL_CTX made of them. Connections keep
// the one that they began with. Immutable, thread-safe.
class TlsMaterial {
 public:
  // `process_keys` seal tickets when the configuration has no keys of its own.
  static absl::StatusOr<std::shared_ptr<const TlsMaterial>> Make(TlsInputs inputs,
                                                                 std::shared_ptr<TicketKeys> process_keys);

  // A connection that is yet to be given a descriptor; null when memory is out. `record` must outlive it.
  SslPtr NewConnection(HandshakeRecord& record) const;
  const TlsInputs& inputs() const { return inputs_; }
  std::vector<CertificateInUse> Certificates() const;
  // Protocols in the form of the wire: each behind its length (RFC 7301 section 3.1).
  const std::string& alpn_wire() const { return alpn_wire_; }

 private:
  TlsMaterial(TlsInputs inputs, std::shared_ptr<TicketKeys> keys);
  absl::Status Build();
  absl::Status SetUpServer();
  void SetUpResumption();
  absl::Status SetUpClient();
  void SetUpVerification();
  absl::Status UsePair(const KeyPair& pair);

  static int OnClientHello(SSL* ssl, int* alert, void* material);
  static int OnAlpn(SSL* ssl, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void* material);
  static int OnStatusRequest(SSL* ssl, void* material);
  static void OnKeyLog(const SSL* ssl, const char* line);
  static int OnVerify(X509_STORE_CTX* context, void* material);
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);
  static void OnMessage(int sent, int version, int type, const void* bytes, size_t size, SSL* ssl, void*);

  const TlsInputs inputs_;
  const std::shared_ptr<TicketKeys> keys_;
  const std::string alpn_wire_;
  std::unique_ptr<const CertificateChoice> choice_;  // of a server
  std::vector<CertificateInUse> certificates_;
  SslCtxPtr context_;
};

// The callback of SSL_CTX_set_tlsext_ticket_key_evp_cb for the keys that are the context's application data.
int OnTicketKey(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                int sealing);
// `protocols` in the form of the wire.
std::string AlpnWire(const std::vector<std::string>& protocols);

}  // namespace narthex
