#pragma once

#include <openssl/ocsp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "source/tls/openssl.h"

namespace narthex {

// What an authority's responder has said of one certificate (RFC 6960), to be sent with it. Immutable,
// thread-safe.
class OcspStaple {
 public:
  // Of a response in DER. An error when it is malformed, says nothing of `leaf`, has no end, or is not from
  // the issuer; the last is known when the issuer is in `chain`.
  static absl::StatusOr<std::shared_ptr<const OcspStaple>> Parse(std::string_view der, X509* leaf,
                                                                 STACK_OF(X509) * chain);

  const std::string& der() const { return der_; }
  // Seconds since 1970: from when and until when it may be sent.
  int64_t valid_from() const { return valid_from_; }
  int64_t valid_until() const { return valid_until_; }
  bool IsValidAt(int64_t now_s) const { return valid_from_ <= now_s && now_s < valid_until_; }
  // It says that the certificate is good, rather than revoked or unknown.
  bool says_good() const { return says_good_; }

 private:
  OcspStaple() = default;
  // Takes over what the response says of `leaf`.
  absl::Status Find(OCSP_BASICRESP* response, const X509* leaf, const X509* issuer);

  std::string der_;
  int64_t valid_from_ = 0, valid_until_ = 0;
  bool says_good_ = false;
};

// Whether a certificate is to be taken with a response only (RFC 7633): it has the feature status_request.
bool DemandsStaple(const X509* certificate);

}  // namespace narthex
