#include "source/tls/ocsp_staple.h"

#include <openssl/err.h>

#include "source/tls/certificate.h"

namespace narthex {
namespace {

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, OpensslFree<&OCSP_RESPONSE_free>>;
using BasicResponsePtr = std::unique_ptr<OCSP_BASICRESP, OpensslFree<&OCSP_BASICRESP_free>>;
using StorePtr = std::unique_ptr<X509_STORE, OpensslFree<&X509_STORE_free>>;
using FeaturesPtr = std::unique_ptr<TLS_FEATURE, OpensslFree<&TLS_FEATURE_free>>;

// RFC 7633 section 4.2.3: the number of the TLS extension.
constexpr long kStatusRequest = 5;

bool SameBytes(const ASN1_OCTET_STRING* text, const unsigned char* bytes, unsigned int size) {
  const std::string_view mine(reinterpret_cast<const char*>(bytes), size);
  return mine == std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                  static_cast<size_t>(ASN1_STRING_length(text)));
}

X509* IssuerIn(STACK_OF(X509) * chain, X509* leaf) {
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* candidate = sk_X509_value(chain, i);
    if (X509_check_issued(candidate, leaf) == X509_V_OK) return candidate;
  }
  return nullptr;
}

// Whether `id` is that of `leaf`. Without its issuer, the issuer's name and the serial number tell.
bool IsOf(const OCSP_CERTID* id, const X509* leaf, const X509* issuer) {
  ASN1_OCTET_STRING *name = nullptr, *key = nullptr;
  ASN1_INTEGER* serial = nullptr;
  ASN1_OBJECT* algorithm = nullptr;
  OCSP_id_get0_info(&name, &algorithm, &key, &serial, const_cast<OCSP_CERTID*>(id));
  const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
  if (digest == nullptr || ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) != 0) return false;
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_NAME_digest(X509_get_issuer_name(leaf), digest, bytes, &size) != 1) return false;
  if (!SameBytes(name, bytes, size)) return false;
  if (issuer == nullptr) return true;
  return X509_pubkey_digest(issuer, digest, bytes, &size) == 1 && SameBytes(key, bytes, size);
}

// By the issuer, or by a responder that the issuer has named. Times are the response's to judge.
bool IsSignedUnder(OCSP_BASICRESP* response, X509* issuer, STACK_OF(X509) * chain) {
  const StorePtr store(X509_STORE_new());
  if (store == nullptr || X509_STORE_add_cert(store.get(), issuer) != 1) return false;
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  return OCSP_basic_verify(response, chain, store.get(), 0) == 1;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const OcspStaple>> OcspStaple::Parse(std::string_view der, X509* leaf,
                                                                    STACK_OF(X509) * chain) {
  ERR_clear_error();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  if (response == nullptr || at != end) {
    ERR_clear_error();
    return absl::InvalidArgumentError("holds no OCSP response in DER form");
  }
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return absl::InvalidArgumentError(std::string("is a responder's error: ") +
                                      OCSP_response_status_str(status));
  }
  const BasicResponsePtr basic(OCSP_response_get1_basic(response.get()));
  if (basic == nullptr) {
    return absl::InvalidArgumentError("holds no basic OCSP response: " + TakeOpensslError());
  }
  X509* issuer = IssuerIn(chain, leaf);
  std::shared_ptr<OcspStaple> staple(new OcspStaple());
  staple->der_ = der;
  if (absl::Status found = staple->Find(basic.get(), leaf, issuer); !found.ok()) return found;
  if (issuer != nullptr && !IsSignedUnder(basic.get(), issuer, chain)) {
    return absl::InvalidArgumentError("is not signed for the certificate's issuer: " + TakeOpensslError());
  }
  ERR_clear_error();
  return staple;
}

absl::Status OcspStaple::Find(OCSP_BASICRESP* response, const X509* leaf, const X509* issuer) {
  for (int i = 0; i < OCSP_resp_count(response); ++i) {
    OCSP_SINGLERESP* one = OCSP_resp_get0(response, i);
    if (!IsOf(OCSP_SINGLERESP_get0_id(one), leaf, issuer)) continue;
    ASN1_GENERALIZEDTIME *from = nullptr, *until = nullptr;
    says_good_ = OCSP_single_get0_status(one, nullptr, nullptr, &from, &until) == V_OCSP_CERTSTATUS_GOOD;
    if (until == nullptr) return absl::InvalidArgumentError("has no nextUpdate: it would never be outdated");
    valid_from_ = SecondsOf(from);
    valid_until_ = SecondsOf(until);
    if (valid_from_ < valid_until_) return absl::OkStatus();
    return absl::InvalidArgumentError("has a nextUpdate that is not behind its thisUpdate");
  }
  return absl::InvalidArgumentError("says nothing of the certificate");
}

bool DemandsStaple(const X509* certificate) {
  const FeaturesPtr features(
      static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr)));
  for (int i = 0; features != nullptr && i < sk_ASN1_INTEGER_num(features.get()); ++i) {
    if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features.get(), i)) == kStatusRequest) return true;
  }
  return false;
}

}  // namespace narthex
