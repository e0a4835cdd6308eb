#include "source/tls/read_certificates.h"

#include <time.h>

#include <optional>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/tls/ocsp_staple.h"

namespace narthex {
namespace {

using envoy::config::core::v3::DataSource;
using envoy::extensions::transport_sockets::tls::v3::CommonTlsContext;
using envoy::extensions::transport_sockets::tls::v3::TlsCertificate;
using Content = SecretReader::Content;

// What the fields of one TlsCertificate hold.
struct CertificateContents {
  std::optional<Content> chain, key, pkcs12, password, staple;

  const Content& BlamedFor(KeyPair::Part part) const {
    switch (part) {
      case KeyPair::Part::kChain:
        return *chain;
      case KeyPair::Part::kKey:
        return *key;
      case KeyPair::Part::kPkcs12:
        return *pkcs12;
      case KeyPair::Part::kPassword:
        return *password;
      case KeyPair::Part::kStaple:
        break;
    }
    return *staple;
  }
};

// Whether the right fields are there.
bool HasItsParts(const TlsCertificate& config, const ConfigPath& path, Diagnostics& diagnostics) {
  const bool pem = config.has_certificate_chain() || config.has_private_key();
  if (config.has_pkcs12() && pem) {
    diagnostics.Error(path.Field("pkcs12"), "cannot stand beside certificate_chain and private_key");
    return false;
  }
  if (config.has_pkcs12()) return true;
  if (!config.has_certificate_chain())
    diagnostics.Error(path, "needs certificate_chain");
  else if (!config.has_private_key())
    diagnostics.Error(path, "needs private_key");
  return config.has_certificate_chain() && config.has_private_key();
}

// Nullopt when a part cannot be read.
std::optional<CertificateContents> ReadParts(const TlsCertificate& config, const ConfigPath& path,
                                             SecretReader& reader) {
  CertificateContents contents;
  bool ok = true;
  const auto read = [&](bool there, const DataSource& source, const char* field) {
    std::optional<Content> content;
    if (!there) return content;
    content = reader.Read(source, path.Field(field));
    ok &= content.has_value();
    return content;
  };
  contents.chain = read(config.has_certificate_chain(), config.certificate_chain(), "certificate_chain");
  contents.key = read(config.has_private_key(), config.private_key(), "private_key");
  contents.pkcs12 = read(config.has_pkcs12(), config.pkcs12(), "pkcs12");
  contents.password = read(config.has_password(), config.password(), "password");
  contents.staple = read(config.has_ocsp_staple(), config.ocsp_staple(), "ocsp_staple");
  if (!ok) return std::nullopt;
  return contents;
}

std::string_view BytesOf(const std::optional<Content>& content) {
  return content ? std::string_view(content->bytes) : std::string_view();
}

void ReadCertificate(const TlsCertificate& config, const ConfigPath& path, SecretReader& reader,
                     Diagnostics& diagnostics, TlsInputs& inputs) {
  if (!HasItsParts(config, path, diagnostics)) return;
  const std::optional<CertificateContents> contents = ReadParts(config, path, reader);
  if (!contents) return;
  KeyPair::Part wrong = KeyPair::Part::kChain;
  absl::StatusOr<std::shared_ptr<const KeyPair>> pair =
      KeyPair::Make({.chain = BytesOf(contents->chain),
                     .key = BytesOf(contents->key),
                     .pkcs12 = BytesOf(contents->pkcs12),
                     .password = BytesOf(contents->password),
                     .staple = BytesOf(contents->staple)},
                    wrong);
  if (!pair.ok()) return reader.Report(contents->BlamedFor(wrong), std::string(pair.status().message()));
  inputs.pairs.push_back(*std::move(pair));
  inputs.pair_origins.push_back((contents->chain ? *contents->chain : *contents->pkcs12).origin);
}

}  // namespace

void ReadCertificates(const CommonTlsContext& config, const ConfigPath& path, SecretReader& reader,
                      Diagnostics& diagnostics, TlsInputs& inputs) {
  const ConfigPath plain = path.Field("tls_certificates");
  const ConfigPath named = path.Field("tls_certificate_sds_secret_configs");
  if (config.tls_certificates_size() > 0 && config.tls_certificate_sds_secret_configs_size() > 0) {
    diagnostics.Error(named, "cannot stand beside tls_certificates; use one of them");
  }
  for (int i = 0; i < config.tls_certificates_size(); ++i) {
    ReadCertificate(config.tls_certificates(i), plain.Index(static_cast<size_t>(i)), reader, diagnostics,
                    inputs);
  }
  for (int i = 0; i < config.tls_certificate_sds_secret_configs_size(); ++i) {
    const ConfigPath place = named.Index(static_cast<size_t>(i));
    const auto found = reader.Find(config.tls_certificate_sds_secret_configs(i), place);
    if (!found) continue;
    if (!found->secret->has_tls_certificate()) {
      diagnostics.Error(found->path, "holds no tls_certificate, as " + place.ToString() + " needs");
      continue;
    }
    ReadCertificate(found->secret->tls_certificate(), found->path.Field("tls_certificate"), reader,
                    diagnostics, inputs);
  }
}

void CheckStaples(const TlsInputs& inputs, const ConfigPath& path, Diagnostics& diagnostics) {
  const int64_t now = time(nullptr);
  for (const auto& pair : inputs.pairs) {
    const std::string of = "the certificate of \"" + pair->facts()->subject + "\"";
    const StaplePolicy policy = pair->PolicyUnder(inputs.stapling);
    if (pair->staple() == nullptr) {
      if (policy == StaplePolicy::kMust) diagnostics.Error(path, of + " needs an ocsp_staple");
      continue;
    }
    if (!pair->staple()->says_good()) {
      diagnostics.Warning(path, "the OCSP response for " + of + " says that it is revoked or unknown");
    }
    if (pair->staple()->IsValidAt(now)) continue;
    const std::string what = "the OCSP response for " + of +
                             (now < pair->staple()->valid_from() ? " is not valid yet" : " is outdated");
    if (policy == StaplePolicy::kLenient) {
      diagnostics.Warning(path, what + ", and not sent");
    } else {
      diagnostics.Error(path, what);
    }
  }
}

}  // namespace narthex
