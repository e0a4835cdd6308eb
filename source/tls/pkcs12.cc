#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "source/tls/certificate.h"

namespace narthex {
namespace {

using Pkcs12Ptr = std::unique_ptr<PKCS12, OpensslFree<&PKCS12_free>>;

bool Opens(PKCS12* file, const std::string& password) {
  return PKCS12_verify_mac(file, password.c_str(), -1) == 1 ||
         // Two ways to have no password are about (RFC 7292 appendix B.1).
         (password.empty() && PKCS12_verify_mac(file, nullptr, 0) == 1);
}

}  // namespace

absl::StatusOr<ParsedPair> ParsePkcs12(std::string_view der, std::string_view password_text,
                                       KeyPair::Part& wrong) {
  ERR_clear_error();
  wrong = KeyPair::Part::kPkcs12;
  const std::string password(password_text);
  const BioPtr reader = ReaderOf(der);
  const Pkcs12Ptr file(d2i_PKCS12_bio(reader.get(), nullptr));
  if (file == nullptr) {
    ERR_clear_error();
    return absl::InvalidArgumentError("holds no PKCS #12 in DER form");
  }
  if (!Opens(file.get(), password)) {
    if (password.empty()) {
      ERR_clear_error();
      return absl::InvalidArgumentError("is encrypted, and there is no password");
    }
    wrong = KeyPair::Part::kPassword;
    return absl::InvalidArgumentError("does not open the PKCS #12 file: " + TakeOpensslError());
  }
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* others = nullptr;
  const bool parsed = PKCS12_parse(file.get(), password.c_str(), &key, &leaf, &others) == 1;
  ParsedPair pair;
  pair.key.reset(key);
  pair.certificates.emplace_back(leaf);
  const X509StackPtr rest(others);
  // RC2 and DES, which old programs seal with, are in no provider that is loaded.
  if (!parsed) return absl::InvalidArgumentError("holds what cannot be read: " + TakeOpensslError());
  if (leaf == nullptr || key == nullptr) {
    return absl::InvalidArgumentError("holds no private key with a certificate that fits it");
  }
  while (sk_X509_num(rest.get()) > 0) pair.certificates.emplace_back(sk_X509_shift(rest.get()));
  return pair;
}

}  // namespace narthex
