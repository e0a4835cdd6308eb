#include "source/tls/parameters.h"

#include <string_view>
#include <vector>

#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "source/tls/openssl.h"

namespace narthex {
namespace {

using envoy::extensions::transport_sockets::tls::v3::TlsParameters;

// Forward secrecy and authenticated encryption only; what a modern client can't do is opened by
// configuration.
constexpr std::string_view kDefaultCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
// AES-128 first: it has no known weakness, and costs least.
constexpr char kTls13Ciphers[] = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
// P-384 also for certificates on it, which TLS 1.2 asks to be among them.
constexpr std::string_view kDefaultGroups = "X25519:P-256:P-384";
constexpr std::string_view kGroups[] = {"X25519", "P-256", "P-384", "P-521", "X448"};
constexpr std::string_view kSignatures[] = {"ecdsa_secp256r1_sha256",
                                            "ecdsa_secp384r1_sha384",
                                            "ecdsa_secp521r1_sha512",
                                            "ed25519",
                                            "ed448",
                                            "rsa_pss_rsae_sha256",
                                            "rsa_pss_rsae_sha384",
                                            "rsa_pss_rsae_sha512",
                                            "rsa_pss_pss_sha256",
                                            "rsa_pss_pss_sha384",
                                            "rsa_pss_pss_sha512",
                                            "rsa_pkcs1_sha256",
                                            "rsa_pkcs1_sha384",
                                            "rsa_pkcs1_sha512"};

int VersionOf(TlsParameters::TlsProtocol protocol, int automatic, const ConfigPath& path,
              Diagnostics& diagnostics) {
  switch (protocol) {
    case TlsParameters::TLS_AUTO:
      return automatic;
    case TlsParameters::TLSv1_2:
      return TLS1_2_VERSION;
    case TlsParameters::TLSv1_3:
      return TLS1_3_VERSION;
    default:
      diagnostics.Error(path, TlsParameters::TlsProtocol_Name(protocol) +
                                  " is not supported, since it is broken (RFC 8996); use TLSv1_2 or TLSv1_3");
      return automatic;
  }
}

// Why a suite is not to be used, or "".
std::string_view WeaknessOf(const SSL_CIPHER* cipher) {
  if (SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null) return "authenticates nobody";
  if (SSL_CIPHER_get_cipher_nid(cipher) == NID_undef) return "encrypts nothing";
  if (SSL_CIPHER_get_bits(cipher, nullptr) < 128) return "has a key of less than 128 bits";
  const int key = SSL_CIPHER_get_auth_nid(cipher);
  if (key != NID_auth_rsa && key != NID_auth_ecdsa) {
    return "needs a kind of key that is not supported";
  }
  if (SSL_CIPHER_get_digest_nid(cipher) == NID_md5) return "has a broken digest";
  return {};
}

// Of all that OpenSSL has, whatever its level of security; null when there is none of that name.
const SSL_CIPHER* FindCipher(SSL_CTX* everything, const std::string& name) {
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(everything);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
    const char* standard = SSL_CIPHER_standard_name(cipher);
    if (name == SSL_CIPHER_get_name(cipher) || (standard != nullptr && name == standard)) return cipher;
  }
  return nullptr;
}

// A list with names that OpenSSL does not know loses them without a word, so each is looked for.
void CheckCipher(SSL_CTX* everything, const std::string& name, const ConfigPath& path,
                 Diagnostics& diagnostics, std::string& list) {
  const SSL_CIPHER* found = FindCipher(everything, name);
  if (found != nullptr && SSL_CIPHER_get_auth_nid(found) == NID_auth_any) {
    return diagnostics.Error(path,
                             "\"" + name + "\" is of TLS 1.3, whose cipher suites are not configurable");
  }
  if (found == nullptr) {
    return diagnostics.Error(path, "\"" + name + "\" is no cipher suite that OpenSSL has");
  }
  if (const std::string_view weakness = WeaknessOf(found); !weakness.empty()) {
    diagnostics.Error(path, "\"" + name + "\" is weak: it " + std::string(weakness));
    return;
  }
  if (SSL_CIPHER_get_kx_nid(found) == NID_kx_rsa) {
    diagnostics.Warning(path, "\"" + name + "\" has no forward secrecy: who gets the key reads old traffic");
  }
  list.append(list.empty() ? "" : ":").append(SSL_CIPHER_get_name(found));
}

// Names, of which "[A|B]" is a group that the client chooses from.
void ReadCiphers(const TlsParameters& config, const ConfigPath& path, Diagnostics& diagnostics,
                 TlsParameterSet& set) {
  const SslCtxPtr everything(SSL_CTX_new(TLS_method()));
  if (everything == nullptr ||
      SSL_CTX_set_cipher_list(everything.get(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0") != 1) {
    return diagnostics.Error(path, "cannot be checked: " + TakeOpensslError());
  }
  for (int i = 0; i < config.cipher_suites_size(); ++i) {
    std::string_view names = config.cipher_suites(i);
    const ConfigPath place = path.Index(static_cast<size_t>(i));
    if (names.starts_with('[') && names.ends_with(']')) {
      names = names.substr(1, names.size() - 2);
      set.prefer_chacha_if_client_does = true;
    }
    while (true) {
      const size_t bar = names.find('|');
      CheckCipher(everything.get(), std::string(names.substr(0, bar)), place, diagnostics, set.ciphers);
      if (bar == std::string_view::npos) break;
      names.remove_prefix(bar + 1);
    }
  }
}

template <class Names, size_t N>
std::string ReadNames(const Names& names, const std::string_view (&known)[N], std::string_view what,
                      const ConfigPath& path, Diagnostics& diagnostics) {
  std::string list;
  for (int i = 0; i < names.size(); ++i) {
    bool found = false;
    for (const std::string_view name : known) found |= name == names[i];
    if (!found) {
      std::string all;
      for (const std::string_view name : known) all.append(all.empty() ? "" : ", ").append(name);
      diagnostics.Error(path.Index(static_cast<size_t>(i)),
                        "\"" + names[i] + "\" is no " + std::string(what) + " that is supported: " + all);
      continue;
    }
    list.append(list.empty() ? "" : ":").append(names[i]);
  }
  return list;
}

}  // namespace

absl::Status TlsParameterSet::Apply(SSL_CTX* context) const {
  SSL_CTX_set_security_level(context, 2);
  const bool applied = SSL_CTX_set_min_proto_version(context, min_version) == 1 &&
                       SSL_CTX_set_max_proto_version(context, max_version) == 1 &&
                       SSL_CTX_set_cipher_list(context, ciphers.c_str()) == 1 &&
                       SSL_CTX_set_ciphersuites(context, kTls13Ciphers) == 1 &&
                       SSL_CTX_set1_groups_list(context, groups.c_str()) == 1 &&
                       (signatures.empty() || SSL_CTX_set1_sigalgs_list(context, signatures.c_str()) == 1);
  if (!applied) return absl::InvalidArgumentError("does not work together: " + TakeOpensslError());
  if (prefer_chacha_if_client_does) SSL_CTX_set_options(context, SSL_OP_PRIORITIZE_CHACHA);
  return absl::OkStatus();
}

TlsParameterSet CompileTlsParameters(const TlsParameters& config, const ConfigPath& path,
                                     Diagnostics& diagnostics) {
  TlsParameterSet set;
  set.min_version = VersionOf(config.tls_minimum_protocol_version(), TLS1_2_VERSION,
                              path.Field("tls_minimum_protocol_version"), diagnostics);
  set.max_version = VersionOf(config.tls_maximum_protocol_version(), TLS1_3_VERSION,
                              path.Field("tls_maximum_protocol_version"), diagnostics);
  if (set.min_version > set.max_version) {
    diagnostics.Error(path.Field("tls_maximum_protocol_version"), "is below tls_minimum_protocol_version");
  }
  if (config.cipher_suites().empty()) {
    set.ciphers = kDefaultCiphers;
    set.prefer_chacha_if_client_does = true;
  } else {
    ReadCiphers(config, path.Field("cipher_suites"), diagnostics, set);
  }
  set.groups = config.ecdh_curves().empty() ? std::string(kDefaultGroups)
                                            : ReadNames(config.ecdh_curves(), kGroups, "curve",
                                                        path.Field("ecdh_curves"), diagnostics);
  set.signatures = ReadNames(config.signature_algorithms(), kSignatures, "signature algorithm",
                             path.Field("signature_algorithms"), diagnostics);
  return set;
}

}  // namespace narthex
