#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/tls/openssl.h"

namespace narthex {

// A certificate that a test makes.
struct CertificateRequest {
  std::string common_name = "test";
  // As OpenSSL's configuration writes them: "DNS:a.example", "IP:10.0.0.1", "URI:spiffe://a/b",
  // "email:a@example", "otherName:1.2.3.4;UTF8:text".
  std::vector<std::string> names = {};
  enum class Key { kEcdsaP256, kEcdsaP384, kRsa2048, kRsa1024, kEd25519 } key = Key::kEcdsaP256;
  bool authority = false;
  long serial = 0;                // 0: the next of the process
  long valid_from_s = -3600;      // from now
  long valid_for_s = 30 * 86400;  // from now
  std::string raw_dns = {};       // a DNS name of any bytes
  bool must_staple = false;       // only to be taken with an OCSP response
};

// A certificate with its key, and the means to sign others. Of a process's own authorities; never checked.
class TestCertificate {
 public:
  // Signed by `issuer`, or by itself.
  explicit TestCertificate(const CertificateRequest& request, const TestCertificate* issuer = nullptr);

  std::string Pem() const;
  std::string KeyPem(const std::string& password = {}) const;
  std::string Sha256Hex() const;
  std::string SpkiBase64() const;
  // A list that revokes those serial numbers, signed by this authority.
  std::string CrlPem(const std::vector<long>& serials) const;
  // An OCSP response of this authority about `subject`, in DER; times from now.
  struct OcspAnswer {
    long from_s = -60, until_s = 3600;
    bool revoked = false;
    bool ends = true;  // it has a nextUpdate
  };
  std::string OcspFor(const TestCertificate& subject, const OcspAnswer& answer) const;
  // With its key and the certificate of `issuer`, in DER.
  std::string Pkcs12(const std::string& password, const TestCertificate& issuer) const;
  // What an OpenSSL server without our streams shows.
  bool UseIn(SSL_CTX* context) const;
  long serial() const { return serial_; }

 private:
  X509Ptr certificate_;
  PrivateKeyPtr key_;
  long serial_ = 0;
};

}  // namespace narthex
