#include "source/tls/read_validation.h"

#include <openssl/evp.h>
#include <openssl/objects.h>

#include <algorithm>
#include <optional>

#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"

namespace narthex {
namespace {

using envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext;
using envoy::extensions::transport_sockets::tls::v3::CommonTlsContext;
using envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig;
using envoy::extensions::transport_sockets::tls::v3::SubjectAltNameMatcher;

// Both parts of a combined context end in one of these, the later over the earlier, as messages merge.
struct Merged {
  ValidationRules rules;
  std::optional<SecretReader::Content> ca, crl;
  ConfigPath names_path, crl_path, expired_path;
};

// 64 hexadecimal digits, with or without colons between pairs; empty when it is something else.
std::string HashOf(std::string_view text) {
  std::string bytes;
  for (size_t at = 0; at < text.size(); at += 2) {
    if (at != 0 && text[at] == ':') ++at;
    if (at + 2 > text.size()) return {};
    int value = 0;
    for (const char c : text.substr(at, 2)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return {};
      value = value * 16 + digit;
    }
    bytes += static_cast<char>(value);
  }
  return bytes.size() == 32 ? bytes : std::string();
}

// The 32 bytes of 44 characters of base64; empty when it is something else.
std::string PinOf(const std::string& text) {
  unsigned char bytes[36];
  if (text.size() != 44 || !text.ends_with('=')) return {};
  const int size = EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data()), 44);
  return size == 33 ? std::string(reinterpret_cast<const char*>(bytes), 32) : std::string();
}

void ReadPins(const CertificateValidationContext& config, const ConfigPath& path, Diagnostics& diagnostics,
              ValidationRules& rules) {
  for (int i = 0; i < config.verify_certificate_hash_size(); ++i) {
    std::string hash = HashOf(config.verify_certificate_hash(i));
    if (hash.empty()) {
      diagnostics.Error(path.Field("verify_certificate_hash").Index(static_cast<size_t>(i)),
                        "is no SHA-256 in hexadecimal digits, with or without colons");
    }
    rules.certificate_hashes.push_back(std::move(hash));
  }
  for (int i = 0; i < config.verify_certificate_spki_size(); ++i) {
    std::string pin = PinOf(config.verify_certificate_spki(i));
    if (pin.empty()) {
      diagnostics.Error(path.Field("verify_certificate_spki").Index(static_cast<size_t>(i)),
                        "is no SHA-256 in base64");
    }
    rules.key_hashes.push_back(std::move(pin));
  }
}

void ReadName(const SubjectAltNameMatcher& config, const ConfigPath& path, Diagnostics& diagnostics,
              ValidationRules& rules) {
  using Kind = NameMatcher::Kind;
  NameMatcher& name = rules.names.emplace_back();
  switch (config.san_type()) {
    case SubjectAltNameMatcher::EMAIL:
      name.kind = Kind::kEmail;
      break;
    case SubjectAltNameMatcher::URI:
      name.kind = Kind::kUri;
      break;
    case SubjectAltNameMatcher::IP_ADDRESS:
      name.kind = Kind::kIp;
      break;
    case SubjectAltNameMatcher::OTHER_NAME:
      name.kind = Kind::kOther;
      break;
    default:
      name.kind = Kind::kDns;
  }
  CompileStringMatcher(config.matcher(), path.Field("matcher"), diagnostics, name.text);
  if (name.kind != Kind::kOther) {
    if (!config.oid().empty()) diagnostics.Error(path.Field("oid"), "is only for san_type OTHER_NAME");
    return;
  }
  ASN1_OBJECT* object = OBJ_txt2obj(config.oid().c_str(), /*no_name=*/1);
  if (object == nullptr) {
    diagnostics.Error(path.Field("oid"),
                      "san_type OTHER_NAME needs an object identifier in dots, as "
                      "\"1.3.6.1.4.1.311.20.2.3\"");
  }
  ASN1_OBJECT_free(object);
  name.oid = config.oid();
}

void Merge(const CertificateValidationContext& config, const ConfigPath& path, SecretReader& reader,
           Diagnostics& diagnostics, Merged& into) {
  if (config.has_trusted_ca()) into.ca = reader.Read(config.trusted_ca(), path.Field("trusted_ca"));
  if (config.has_crl()) {
    into.crl = reader.Read(config.crl(), path.Field("crl"));
    into.crl_path = path.Field("crl");
  }
  ReadPins(config, path, diagnostics, into.rules);
  const ConfigPath names = path.Field("match_typed_subject_alt_names");
  if (config.match_typed_subject_alt_names_size() > 0) into.names_path = names;
  for (int i = 0; i < config.match_typed_subject_alt_names_size(); ++i) {
    ReadName(config.match_typed_subject_alt_names(i), names.Index(static_cast<size_t>(i)), diagnostics,
             into.rules);
  }
  if (config.allow_expired_certificate()) {
    into.rules.allow_expired = true;
    into.expired_path = path.Field("allow_expired_certificate");
  }
  into.rules.only_leaf_crl |= config.only_verify_leaf_cert_crl();
  if (config.trust_chain_verification() == CertificateValidationContext::ACCEPT_UNTRUSTED) {
    into.rules.accept_untrusted = true;
    diagnostics.Warning(
        path.Field("trust_chain_verification"),
        "takes every certificate, and anyone can make one with any name: believe nothing that "
        "is said of it, in x-forwarded-client-cert for one");
  }
  // The trusted certificate counts here, and does not for OpenSSL. With 0 none would be left to trust: as
  // with Envoy, it is 1.
  if (config.has_max_verify_depth())
    into.rules.max_depth = std::max(static_cast<int>(config.max_verify_depth().value()) - 1, 0);
}

void MergeSecret(const SdsSecretConfig& config, const ConfigPath& path, SecretReader& reader,
                 Diagnostics& diagnostics, Merged& into) {
  const std::optional<PlacedSecret> found = reader.Find(config, path);
  if (!found) return;
  if (!found->secret->has_validation_context()) {
    return diagnostics.Error(found->path, "holds no validation_context, as " + path.ToString() + " needs");
  }
  Merge(found->secret->validation_context(), found->path.Field("validation_context"), reader, diagnostics,
        into);
}

bool MergeAll(const CommonTlsContext& config, const ConfigPath& path, SecretReader& reader,
              Diagnostics& diagnostics, Merged& into) {
  switch (config.validation_context_type_case()) {
    case CommonTlsContext::kValidationContext:
      Merge(config.validation_context(), path.Field("validation_context"), reader, diagnostics, into);
      return true;
    case CommonTlsContext::kValidationContextSdsSecretConfig:
      MergeSecret(config.validation_context_sds_secret_config(),
                  path.Field("validation_context_sds_secret_config"), reader, diagnostics, into);
      return true;
    case CommonTlsContext::kCombinedValidationContext: {
      const auto& combined = config.combined_validation_context();
      const ConfigPath place = path.Field("combined_validation_context");
      Merge(combined.default_validation_context(), place.Field("default_validation_context"), reader,
            diagnostics, into);
      MergeSecret(combined.validation_context_sds_secret_config(),
                  place.Field("validation_context_sds_secret_config"), reader, diagnostics, into);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

Validation ReadValidation(const CommonTlsContext& config, const ConfigPath& path, SecretReader& reader,
                          Diagnostics& diagnostics) {
  const size_t errors_before = diagnostics.error_count();
  Merged merged;
  if (!MergeAll(config, path, reader, diagnostics, merged)) return {};
  if (!merged.ca && !merged.rules.names.empty()) {
    diagnostics.Error(merged.names_path, "needs trusted_ca: anyone can make a certificate with these names");
  }
  if (!merged.ca && merged.crl) diagnostics.Error(merged.crl_path, "needs trusted_ca");
  if (!merged.ca && merged.rules.allow_expired) {
    diagnostics.Error(merged.expired_path, "needs trusted_ca: without, no certificate is judged by its time");
  }
  if (diagnostics.error_count() != errors_before) return {};
  Validation validation;
  if (merged.ca) {
    validation.ca_origin = merged.ca->origin;
    validation.content = merged.ca->bytes;
  }
  if (merged.crl) validation.content += merged.crl->bytes;
  PeerVerifier::Part wrong = PeerVerifier::Part::kCa;
  absl::StatusOr<std::shared_ptr<const PeerVerifier>> verifier = PeerVerifier::Make(
      std::move(merged.rules), merged.ca ? merged.ca->bytes : "", merged.crl ? merged.crl->bytes : "", wrong);
  if (!verifier.ok()) {
    reader.Report(wrong == PeerVerifier::Part::kCa ? *merged.ca : *merged.crl,
                  std::string(verifier.status().message()));
    return {};
  }
  validation.verifier = *std::move(verifier);
  return validation;
}

}  // namespace narthex
