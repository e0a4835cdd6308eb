#include <openssl/pem.h>

#include "source/tls/certificate.h"

namespace narthex {
namespace {

std::string ContentsOf(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

std::string_view BytesOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string CommonNameOf(const X509_NAME* name) {
  int at = -1, last = -1;
  while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0) last = at;
  if (last < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  // A name that a C string would cut short names nobody.
  return text.find('\0') == std::string::npos ? text : std::string();
}

CertificateNames NamesOf(const X509* certificate) {
  CertificateNames names;
  const GeneralNamesPtr found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; found != nullptr && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found.get(), i), &kind);
    std::vector<std::string>* list = kind == GEN_DNS     ? &names.dns
                                     : kind == GEN_URI   ? &names.uri
                                     : kind == GEN_EMAIL ? &names.email
                                     : kind == GEN_IPADD ? &names.ip
                                                         : nullptr;
    if (list == nullptr) continue;
    const std::string_view bytes = BytesOf(static_cast<const ASN1_STRING*>(value));
    std::string text = kind == GEN_IPADD ? AddressInText(bytes) : std::string(bytes);
    if (!text.empty() && text.find('\0') == std::string::npos) list->push_back(std::move(text));
  }
  return names;
}

std::string SerialOf(const X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  if (number == nullptr) return {};
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return bytes.empty() ? "00" : Hex(bytes);
}

std::string Sha1Of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha1(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

std::string PemOf(const X509* certificate) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  return ContentsOf(memory.get());
}

}  // namespace

std::string NameInText(const X509_NAME* name) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return ContentsOf(memory.get());
}

int64_t SecondsOf(const ASN1_TIME* time) {
  tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

std::string SubjectOf(const X509* certificate) {
  return NameInText(X509_get_subject_name(certificate));
}

CertificateFacts FactsOf(const X509* certificate) {
  CertificateFacts facts;
  facts.subject = SubjectOf(certificate);
  facts.issuer = NameInText(X509_get_issuer_name(certificate));
  facts.common_name = CommonNameOf(X509_get_subject_name(certificate));
  facts.names = NamesOf(certificate);
  facts.serial = SerialOf(certificate);
  facts.sha256_fingerprint = Hex(Sha256Of(certificate));
  facts.sha1_fingerprint = Hex(Sha1Of(certificate));
  facts.valid_from = SecondsOf(X509_get0_notBefore(certificate));
  facts.valid_until = SecondsOf(X509_get0_notAfter(certificate));
  facts.pem = PemOf(certificate);
  return facts;
}

}  // namespace narthex
