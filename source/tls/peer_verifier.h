#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/config/string_matcher.h"
#include "source/tls/openssl.h"

namespace narthex {

// Compares one kind of a certificate's subject alternative names. Immutable.
struct NameMatcher {
  enum class Kind : uint8_t { kDns, kUri, kEmail, kIp, kOther };
  Kind kind = Kind::kDns;
  StringMatcher text;  // an exact DNS name also matches a wildcard of the certificate
  std::string oid;     // of kOther, in dots

  bool Matches(const GENERAL_NAME* name) const;
};

// How a peer's certificate is judged beside its chain. Immutable value.
struct ValidationRules {
  std::vector<NameMatcher> names;  // one must match; empty: any name
  // Pins, 32 bytes each: one of either list must fit; both empty: any.
  std::vector<std::string> certificate_hashes, key_hashes;
  bool allow_expired = false;
  bool accept_untrusted = false;  // take everything, and say of what fails that it is not validated
  bool only_leaf_crl = false;
  int max_depth = 99;  // certificates between the peer's and a trusted one
};

// What was wrong with a certificate.
struct PeerVerdict {
  enum class Failure : uint8_t { kNone, kChain, kName, kPin };
  Failure failure = Failure::kNone;
  std::string detail;  // in words, with the certificate's subject
};

// Judges the certificates of peers. Immutable, thread-safe.
class PeerVerifier {
 public:
  // `ca` and `crl` are PEM text, empty for none. The error says what is wrong with them, and `wrong` with
  // which.
  enum class Part { kCa, kCrl };
  static absl::StatusOr<std::shared_ptr<const PeerVerifier>> Make(ValidationRules rules, std::string_view ca,
                                                                  std::string_view crl, Part& wrong);

  // For SSL_CTX_set_cert_verify_callback: whether the handshake goes on. `hosts`: of these names
  // and addresses one must be among the certificate's DNS names or IP addresses, unless it is empty. Leaves
  // X509_V_OK in `context` exactly when the certificate has passed everything.
  bool Verify(X509_STORE_CTX* context, const std::vector<std::string>& hosts, PeerVerdict& verdict) const;

  // Whether it says of any certificate that it is good or not; without, all are taken and none is validated.
  bool judges() const { return has_ca() || !rules_.certificate_hashes.empty() || !rules_.key_hashes.empty(); }
  // Whether a client is asked for its certificate. One that nothing judges would be anybody's, and what is
  // written of it (x-forwarded-client-cert) of anybody's making: only who takes it knowingly asks.
  bool asks() const { return judges() || rules_.accept_untrusted; }
  bool has_ca() const { return !authorities_.empty(); }
  // The trusted certificates and the revocation lists; a reference of its own.
  X509_STORE* store() const { return store_.get(); }
  const std::vector<X509Ptr>& authorities() const { return authorities_; }

 private:
  using StorePtr = std::unique_ptr<X509_STORE, OpensslFree<&X509_STORE_free>>;

  PeerVerifier() = default;
  absl::Status AddAuthorities(std::string_view ca);
  absl::Status AddRevocationLists(std::string_view crl);
  bool VerifyChain(X509_STORE_CTX* context, PeerVerdict& verdict) const;
  bool VerifyNames(X509* leaf, const std::vector<std::string>& hosts, PeerVerdict& verdict) const;
  bool VerifyPins(X509* leaf, PeerVerdict& verdict) const;

  ValidationRules rules_;
  StorePtr store_;
  std::vector<X509Ptr> authorities_;
  bool has_crl_ = false;
};

// Whether a certificate's DNS name, which may be "*.example.com", stands for the host `name`. Ignores case; a
// wildcard stands for one label.
bool DnsNameMatches(std::string_view pattern, std::string_view name);

}  // namespace narthex
