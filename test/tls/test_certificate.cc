#include "test/tls/test_certificate.h"

#include <openssl/ec.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "source/base/check.h"
#include "source/tls/certificate.h"

namespace narthex {
namespace {

using Key = CertificateRequest::Key;

PrivateKeyPtr MakeKey(Key kind) {
  switch (kind) {
    case Key::kEcdsaP256:
      return PrivateKeyPtr(EVP_EC_gen("P-256"));
    case Key::kEcdsaP384:
      return PrivateKeyPtr(EVP_EC_gen("P-384"));
    case Key::kRsa2048:
      return PrivateKeyPtr(EVP_RSA_gen(2048));
    case Key::kRsa1024:
      return PrivateKeyPtr(EVP_RSA_gen(1024));
    case Key::kEd25519:
      return PrivateKeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  NARTHEX_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// What no configuration of OpenSSL's can write.
void AddRawDns(X509* certificate, const std::string& bytes) {
  GENERAL_NAMES* names = GENERAL_NAMES_new();
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
  GENERAL_NAME_set0_value(name, GEN_DNS, text);
  sk_GENERAL_NAME_push(names, name);
  X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0);
  GENERAL_NAMES_free(names);
}

const EVP_MD* DigestFor(EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

std::string Contents(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace

TestCertificate::TestCertificate(const CertificateRequest& request, const TestCertificate* issuer)
    : certificate_(X509_new()), key_(MakeKey(request.key)) {
  static long next_serial = 1000;
  serial_ = request.serial != 0 ? request.serial : ++next_serial;
  X509* made = certificate_.get();
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made), serial_);
  X509_gmtime_adj(X509_getm_notBefore(made), request.valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(made), request.valid_for_s);
  X509_set_pubkey(made, key_.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(request.common_name.c_str()), -1, -1, 0);
  const TestCertificate& signer = issuer != nullptr ? *issuer : *this;
  X509_set_issuer_name(made, X509_get_subject_name(signer.certificate_.get()));
  AddExtension(made, NID_basic_constraints, request.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (request.authority) AddExtension(made, NID_key_usage, "critical,keyCertSign,cRLSign");
  std::string names;
  for (const std::string& name : request.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) AddExtension(made, NID_subject_alt_name, names);
  if (request.must_staple) AddExtension(made, NID_tlsfeature, "status_request");
  if (!request.raw_dns.empty()) AddRawDns(made, request.raw_dns);
  NARTHEX_CHECK(X509_sign(made, signer.key_.get(), DigestFor(signer.key_.get())) > 0);
}

std::string TestCertificate::Pem() const {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate_.get());
  return Contents(memory.get());
}

std::string TestCertificate::KeyPem(const std::string& password) const {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  const bool sealed = !password.empty();
  PEM_write_bio_PKCS8PrivateKey(memory.get(), key_.get(), sealed ? EVP_aes_256_cbc() : nullptr,
                                sealed ? password.data() : nullptr, static_cast<int>(password.size()),
                                nullptr, nullptr);
  return Contents(memory.get());
}

bool TestCertificate::UseIn(SSL_CTX* context) const {
  return SSL_CTX_use_cert_and_key(context, certificate_.get(), key_.get(), nullptr, 1) == 1;
}

std::string TestCertificate::Sha256Hex() const {
  return Hex(Sha256Of(certificate_.get()));
}

std::string TestCertificate::SpkiBase64() const {
  const std::string digest = SpkiSha256Of(certificate_.get());
  unsigned char text[64];
  const int size = EVP_EncodeBlock(text, reinterpret_cast<const unsigned char*>(digest.data()),
                                   static_cast<int>(digest.size()));
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(size)};
}

std::string TestCertificate::CrlPem(const std::vector<long>& serials) const {
  const X509CrlPtr list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
  ASN1_TIME* time = ASN1_TIME_new();
  X509_CRL_set1_lastUpdate(list.get(), X509_gmtime_adj(time, -3600));
  X509_CRL_set1_nextUpdate(list.get(), X509_gmtime_adj(time, 86400));
  for (const long serial : serials) {
    X509_REVOKED* revoked = X509_REVOKED_new();
    ASN1_INTEGER* number = ASN1_INTEGER_new();
    ASN1_INTEGER_set(number, serial);
    X509_REVOKED_set_serialNumber(revoked, number);
    X509_REVOKED_set_revocationDate(revoked, X509_gmtime_adj(time, -60));
    X509_CRL_add0_revoked(list.get(), revoked);
    ASN1_INTEGER_free(number);
  }
  ASN1_TIME_free(time);
  X509_CRL_sign(list.get(), key_.get(), EVP_sha256());
  const BioPtr memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(memory.get(), list.get());
  return Contents(memory.get());
}

std::string TestCertificate::OcspFor(const TestCertificate& subject, const OcspAnswer& answer) const {
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), subject.certificate_.get(), certificate_.get());
  ASN1_TIME* from = X509_gmtime_adj(nullptr, answer.from_s);
  ASN1_TIME* until = answer.ends ? X509_gmtime_adj(nullptr, answer.until_s) : nullptr;
  ASN1_TIME* revoked = answer.revoked ? X509_gmtime_adj(nullptr, -120) : nullptr;
  const int status = answer.revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD;
  NARTHEX_CHECK(OCSP_basic_add1_status(basic, id, status, 0, revoked, from, until) != nullptr);
  NARTHEX_CHECK(OCSP_basic_sign(basic, certificate_.get(), key_.get(), EVP_sha256(), nullptr, 0) == 1);
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  const BioPtr memory(BIO_new(BIO_s_mem()));
  i2d_OCSP_RESPONSE_bio(memory.get(), response);
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  for (ASN1_TIME* time : {from, until, revoked}) ASN1_TIME_free(time);
  return Contents(memory.get());
}

std::string TestCertificate::Pkcs12(const std::string& password, const TestCertificate& issuer) const {
  STACK_OF(X509)* chain = sk_X509_new_null();
  sk_X509_push(chain, issuer.certificate_.get());
  PKCS12* file =
      PKCS12_create(password.c_str(), nullptr, key_.get(), certificate_.get(), chain, 0, 0, 0, 0, 0);
  NARTHEX_CHECK(file != nullptr);
  const BioPtr memory(BIO_new(BIO_s_mem()));
  i2d_PKCS12_bio(memory.get(), file);
  PKCS12_free(file);
  sk_X509_free(chain);
  return Contents(memory.get());
}

}  // namespace narthex
