#include "source/tls/certificate.h"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "source/base/ascii.h"
#include "source/tls/ocsp_staple.h"

namespace narthex {
namespace {

// Reads PEM blocks of one kind to the end of the text.
template <class Owner, auto Read>
absl::StatusOr<std::vector<Owner>> ParseAll(std::string_view pem, const char* what) {
  ERR_clear_error();
  const BioPtr reader = ReaderOf(pem);
  std::vector<Owner> found;
  while (auto* one = Read(reader.get(), nullptr, nullptr, nullptr)) found.emplace_back(one);
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (at_end && !found.empty()) {
    ERR_clear_error();
    return found;
  }
  if (at_end) {
    ERR_clear_error();
    return absl::InvalidArgumentError(std::string("holds no ") + what + " in PEM form");
  }
  return absl::InvalidArgumentError(std::string("holds a malformed ") + what + ": " + TakeOpensslError());
}

// The password that a key is read with; OpenSSL asks for it only when the key is encrypted.
struct Password {
  std::string_view text;
  bool asked = false;
};

int GivePassword(char* into, int size, int, void* context) {
  auto* password = static_cast<Password*>(context);
  password->asked = true;
  if (password->text.empty() || password->text.size() > static_cast<size_t>(size)) return -1;
  password->text.copy(into, password->text.size());
  return static_cast<int>(password->text.size());
}

absl::StatusOr<PrivateKeyPtr> ParseKey(std::string_view pem, std::string_view password_text,
                                       KeyPair::Part& wrong) {
  ERR_clear_error();
  Password password{password_text};
  const BioPtr reader = ReaderOf(pem);
  PrivateKeyPtr key(PEM_read_bio_PrivateKey(reader.get(), nullptr, &GivePassword, &password));
  if (key != nullptr) return key;
  wrong = KeyPair::Part::kKey;
  if (password.asked && password.text.empty()) {
    ERR_clear_error();
    return absl::InvalidArgumentError("is encrypted, and there is no password");
  }
  if (password.asked) {
    wrong = KeyPair::Part::kPassword;
    return absl::InvalidArgumentError("does not open the private key: " + TakeOpensslError());
  }
  return absl::InvalidArgumentError("holds no private key in PEM form: " + TakeOpensslError());
}

// Text files of passwords end with a line break, which is not meant.
std::string_view WithoutLineBreak(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

absl::StatusOr<ParsedPair> ParsePem(std::string_view chain, std::string_view key, std::string_view password,
                                    KeyPair::Part& wrong) {
  wrong = KeyPair::Part::kChain;
  absl::StatusOr<std::vector<X509Ptr>> certificates = ParseCertificates(chain);
  if (!certificates.ok()) return certificates.status();
  absl::StatusOr<PrivateKeyPtr> private_key = ParseKey(key, password, wrong);
  if (!private_key.ok()) return private_key.status();
  return ParsedPair{*std::move(certificates), *std::move(private_key)};
}

uint16_t CurveOf(EVP_PKEY* key) {
  char group[64];
  if (EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) != 1) return 0;
  const std::string_view name = group;
  if (name == "prime256v1" || name == "P-256") return 23;
  if (name == "secp384r1" || name == "P-384") return 24;
  if (name == "secp521r1" || name == "P-521") return 25;
  return 0;
}

}  // namespace

absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(std::string_view pem) {
  return ParseAll<X509Ptr, &PEM_read_bio_X509_AUX>(pem, "certificate");
}

absl::StatusOr<std::vector<X509CrlPtr>> ParseRevocationLists(std::string_view pem) {
  return ParseAll<X509CrlPtr, &PEM_read_bio_X509_CRL>(pem, "certificate revocation list");
}

absl::StatusOr<std::shared_ptr<const KeyPair>> KeyPair::Make(const KeyPairBytes& bytes, Part& wrong) {
  const std::string_view password = WithoutLineBreak(bytes.password);
  const bool pem = bytes.pkcs12.empty();
  absl::StatusOr<ParsedPair> parsed =
      pem ? ParsePem(bytes.chain, bytes.key, password, wrong) : ParsePkcs12(bytes.pkcs12, password, wrong);
  if (!parsed.ok()) return parsed.status();
  std::shared_ptr<KeyPair> pair(new KeyPair());
  pair->leaf_ = std::move(parsed->certificates.front());
  pair->key_ = std::move(parsed->key);
  if (X509_check_private_key(pair->leaf_.get(), pair->key_.get()) != 1) {
    wrong = pem ? Part::kKey : Part::kPkcs12;
    return absl::InvalidArgumentError("does not fit the certificate: " + TakeOpensslError());
  }
  wrong = pem ? Part::kChain : Part::kPkcs12;
  if (absl::Status strength = pair->CheckStrength(); !strength.ok()) return strength;
  pair->chain_.reset(sk_X509_new_null());
  for (size_t i = 1; i < parsed->certificates.size(); ++i) {
    sk_X509_push(pair->chain_.get(), parsed->certificates[i].release());
  }
  pair->facts_ = std::make_shared<const CertificateFacts>(FactsOf(pair->leaf_.get()));
  pair->demands_staple_ = DemandsStaple(pair->leaf_.get());
  if (bytes.staple.empty()) return pair;
  wrong = Part::kStaple;
  absl::StatusOr<std::shared_ptr<const OcspStaple>> staple =
      OcspStaple::Parse(bytes.staple, pair->leaf_.get(), pair->chain_.get());
  if (!staple.ok()) return staple.status();
  pair->staple_ = *std::move(staple);
  return pair;
}

absl::Status KeyPair::CheckStrength() {
  const int kind = EVP_PKEY_get_base_id(key_.get());
  const int bits = EVP_PKEY_get_bits(key_.get());
  if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS) {
    if (bits >= 2048) return absl::OkStatus();
    return absl::InvalidArgumentError("has an RSA key of " + std::to_string(bits) + " bits; at least 2048");
  }
  if (kind == EVP_PKEY_ED25519) return absl::OkStatus();
  if (kind != EVP_PKEY_EC) return absl::InvalidArgumentError("has a key that is not RSA, ECDSA or Ed25519");
  is_ecdsa_ = true;
  curve_ = CurveOf(key_.get());
  if (curve_ != 0) return absl::OkStatus();
  return absl::InvalidArgumentError("has an ECDSA key on a curve other than P-256, P-384 and P-521");
}

std::vector<std::string> KeyPair::ServerNames() const {
  std::vector<std::string> names;
  for (const std::string& name : facts_->names.dns) names.push_back(ToLowerAscii(name));
  if (names.empty() && !facts_->common_name.empty()) names.push_back(ToLowerAscii(facts_->common_name));
  return names;
}

std::string Sha256Of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

std::string SpkiSha256Of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (length <= 0) return {};
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(der, static_cast<size_t>(length), digest);
  OPENSSL_free(der);
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.append({kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return text;
}

std::string AddressInText(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN];
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  return inet_ntop(family, bytes.data(), text, sizeof text) == nullptr ? "" : text;
}

}  // namespace narthex
