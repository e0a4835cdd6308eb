#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/tls/facts.h"
#include "source/tls/openssl.h"

namespace narthex {

class OcspStaple;

// What a client gets that asks for an OCSP response: one where there is one that is valid; the same, but with
// one that is not valid the handshake fails; a valid one, or the handshake fails.
enum class StaplePolicy { kLenient, kStrict, kMust };

// What a key pair is read from: either chain and key, both PEM, or pkcs12, which is DER and holds both.
struct KeyPairBytes {
  std::string_view chain, key;
  std::string_view pkcs12;
  std::string_view password;  // opens an encrypted key or pkcs12
  std::string_view staple;    // an OCSP response in DER, or empty
};

// A certificate with its chain and its key, checked to fit each other. Immutable, thread-safe.
class KeyPair {
 public:
  enum class Part { kChain, kKey, kPkcs12, kPassword, kStaple };
  // The error says in words what is wrong, and `wrong` with which part.
  static absl::StatusOr<std::shared_ptr<const KeyPair>> Make(const KeyPairBytes& bytes, Part& wrong);

  X509* leaf() const { return leaf_.get(); }
  STACK_OF(X509) * chain() const { return chain_.get(); }
  EVP_PKEY* key() const { return key_.get(); }
  bool is_ecdsa() const { return is_ecdsa_; }
  // Of an ECDSA key, the TLS number of its curve; 0 for other keys.
  uint16_t curve() const { return curve_; }
  const std::shared_ptr<const CertificateFacts>& facts() const { return facts_; }
  // Null without one.
  const std::shared_ptr<const OcspStaple>& staple() const { return staple_; }
  // The policy of the certificate under that of its context: it may demand to be stapled (RFC 7633).
  StaplePolicy PolicyUnder(StaplePolicy policy) const {
    return demands_staple_ ? StaplePolicy::kMust : policy;
  }
  // The DNS names that it serves, in lower case, "*.example.com" among them: its alternative names, or its
  // common name when it has none.
  std::vector<std::string> ServerNames() const;

 private:
  KeyPair() = default;
  absl::Status CheckStrength();

  X509Ptr leaf_;
  X509StackPtr chain_;
  PrivateKeyPtr key_;
  bool is_ecdsa_ = false;
  uint16_t curve_ = 0;
  std::shared_ptr<const CertificateFacts> facts_;
  std::shared_ptr<const OcspStaple> staple_;
  bool demands_staple_ = false;
};

// All certificates of PEM text; an error when there are none, or one is malformed.
absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(std::string_view pem);
// All revocation lists of PEM text; likewise.
absl::StatusOr<std::vector<X509CrlPtr>> ParseRevocationLists(std::string_view pem);

// Certificates, the leaf first, and the key of what a pair is read from, not yet known to fit.
struct ParsedPair {
  std::vector<X509Ptr> certificates;
  PrivateKeyPtr key;
};
absl::StatusOr<ParsedPair> ParsePkcs12(std::string_view der, std::string_view password, KeyPair::Part& wrong);

CertificateFacts FactsOf(const X509* certificate);
// A name that is not a GENERAL_NAME: "CN=client,O=Example" (RFC 2253).
std::string NameInText(const X509_NAME* name);
// The subject in words for an error: its RFC 2253 form.
std::string SubjectOf(const X509* certificate);
// Seconds since 1970; 0 for what is no time.
int64_t SecondsOf(const ASN1_TIME* time);
std::string Sha256Of(const X509* certificate);
// SHA-256 of the SubjectPublicKeyInfo, 32 bytes.
std::string SpkiSha256Of(const X509* certificate);
// "0a1b" for its bytes.
std::string Hex(std::string_view bytes);
// An address of an iPAddress name in text; empty when it is none.
std::string AddressInText(std::string_view bytes);

}  // namespace narthex
