#include <openssl/sha.h>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "source/tls/client_hello.h"
#include "source/tls/read_certificates.h"
#include "source/tls/read_validation.h"
#include "source/tls/tls_inputs.h"

namespace narthex {
namespace {

using envoy::extensions::transport_sockets::tls::v3::CommonTlsContext;
using envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using envoy::extensions::transport_sockets::tls::v3::TlsSessionTicketKeys;
using envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;

void ReadTicketKeys(const TlsSessionTicketKeys& config, const ConfigPath& path, SecretReader& reader,
                    TlsInputs& inputs) {
  std::vector<SecretReader::Content> contents;
  std::vector<std::string> keys;
  for (int i = 0; i < config.keys_size(); ++i) {
    auto content = reader.Read(config.keys(i), path.Field("keys").Index(static_cast<size_t>(i)));
    if (!content) return;
    keys.push_back(content->bytes);
    contents.push_back(*std::move(content));
  }
  size_t wrong = 0;
  absl::StatusOr<std::shared_ptr<TicketKeys>> made = TicketKeys::MakeFixed(keys, wrong);
  if (made.ok()) {
    inputs.ticket_keys = *std::move(made);
  } else if (wrong < contents.size()) {
    reader.Report(contents[wrong], std::string(made.status().message()));
  }
}

void ReadResumption(const DownstreamTlsContext& config, const ConfigPath& path, SecretReader& reader,
                    Diagnostics& diagnostics, TlsInputs& inputs) {
  inputs.stateful_resumption = !config.disable_stateful_session_resumption();
  if (config.has_session_timeout()) {
    inputs.session_timeout = std::chrono::seconds(config.session_timeout().seconds());
    // OpenSSL would still resume within the same second.
    if (inputs.session_timeout.count() == 0) inputs.stateless_resumption = inputs.stateful_resumption = false;
  }
  switch (config.session_ticket_keys_type_case()) {
    case DownstreamTlsContext::kSessionTicketKeys:
      return ReadTicketKeys(config.session_ticket_keys(), path.Field("session_ticket_keys"), reader, inputs);
    case DownstreamTlsContext::kSessionTicketKeysSdsSecretConfig: {
      const ConfigPath place = path.Field("session_ticket_keys_sds_secret_config");
      const auto found = reader.Find(config.session_ticket_keys_sds_secret_config(), place);
      if (!found) return;
      if (!found->secret->has_session_ticket_keys()) {
        return diagnostics.Error(found->path,
                                 "holds no session_ticket_keys, as " + place.ToString() + " needs");
      }
      return ReadTicketKeys(found->secret->session_ticket_keys(), found->path.Field("session_ticket_keys"),
                            reader, inputs);
    }
    case DownstreamTlsContext::kDisableStatelessSessionResumption:
      if (config.disable_stateless_session_resumption()) inputs.stateless_resumption = false;
      return;
    default:
      return;
  }
}

void ReadAlpn(const CommonTlsContext& config, const ConfigPath& path, Diagnostics& diagnostics,
              TlsInputs& inputs) {
  for (int i = 0; i < config.alpn_protocols_size(); ++i) {
    const std::string& protocol = config.alpn_protocols(i);
    if (protocol.empty() || protocol.size() > 255) {
      diagnostics.Error(path.Field("alpn_protocols").Index(static_cast<size_t>(i)),
                        "must have 1 to 255 bytes");
    }
    inputs.alpn.push_back(protocol);
  }
}

void WarnOfUnusableCurves(const TlsInputs& inputs, const ConfigPath& path, Diagnostics& diagnostics) {
  if (inputs.parameters.min_version > TLS1_2_VERSION) return;
  for (const auto& pair : inputs.pairs) {
    if (!pair->is_ecdsa()) continue;
    const std::string curve = pair->curve() == 23 ? "P-256" : pair->curve() == 24 ? "P-384" : "P-521";
    if ((":" + inputs.parameters.groups + ":").find(":" + curve + ":") != std::string::npos) continue;
    diagnostics.Warning(path, "the certificate of \"" + pair->facts()->subject + "\" is on " + curve +
                                  ", which is not among ecdh_curves: clients of TLS 1.2 cannot use it");
  }
}

void CheckClientCertificates(const TlsInputs& inputs, const ConfigPath& path, Diagnostics& diagnostics) {
  const PeerVerifier* verifier = inputs.verifier.get();
  if (verifier != nullptr && verifier->asks()) return;
  if (inputs.require_client_certificate) {
    diagnostics.Error(path.Field("require_client_certificate"),
                      "any certificate would do: a validation context needs trusted_ca, a pin, or "
                      "trust_chain_verification: ACCEPT_UNTRUSTED");
  } else if (verifier != nullptr) {
    diagnostics.Warning(path.Field("common_tls_context"),
                        "the validation context judges no certificate, so clients are not asked for one; add "
                        "trusted_ca or a pin");
  }
}

StaplePolicy StaplingOf(DownstreamTlsContext::OcspStaplePolicy policy) {
  switch (policy) {
    case DownstreamTlsContext::STRICT_STAPLING:
      return StaplePolicy::kStrict;
    case DownstreamTlsContext::MUST_STAPLE:
      return StaplePolicy::kMust;
    default:
      return StaplePolicy::kLenient;
  }
}

// Sessions of one configuration must not be resumed under another, nor under other authorities.
std::string IdentityOf(const google::protobuf::MessageLite& config, const ConfigPath& path,
                       const std::string& verification, const TlsInputs& inputs) {
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    config.SerializeToCodedStream(&coded);
  }
  text += path.ToString() + '\n' + verification;
  for (const auto& pair : inputs.pairs) {
    for (const std::string& name : pair->ServerNames()) text += '\n' + name;
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

void ReadCommon(const CommonTlsContext& config, const ConfigPath& path, SecretReader& reader,
                Diagnostics& diagnostics, TlsInputs& inputs, std::string& verification) {
  inputs.parameters = CompileTlsParameters(config.tls_params(), path.Field("tls_params"), diagnostics);
  ReadCertificates(config, path, reader, diagnostics, inputs);
  if (config.has_key_log()) {
    inputs.key_log = KeyLog::Make(config.key_log(), path.Field("key_log"), diagnostics);
  }
  ReadAlpn(config, path, diagnostics, inputs);
  Validation validation = ReadValidation(config, path, reader, diagnostics);
  inputs.verifier = std::move(validation.verifier);
  inputs.ca_origin = std::move(validation.ca_origin);
  verification = std::move(validation.content);
}

}  // namespace

TlsInputs ReadDownstreamTls(const DownstreamTlsContext& config, const ConfigPath& path, SecretReader& reader,
                            Diagnostics& diagnostics) {
  const size_t errors_before = diagnostics.error_count();
  const ConfigPath common = path.Field("common_tls_context");
  TlsInputs inputs;
  inputs.is_server = true;
  std::string verification;
  ReadCommon(config.common_tls_context(), common, reader, diagnostics, inputs, verification);
  inputs.require_client_certificate = config.require_client_certificate().value();
  inputs.full_scan = config.full_scan_certs_on_sni_mismatch().value();
  inputs.prefer_client_ciphers = config.prefer_client_ciphers();
  inputs.require_sni = config.require_sni().value();
  inputs.stapling = StaplingOf(config.ocsp_staple_policy());
  ReadResumption(config, path, reader, diagnostics, inputs);
  if (diagnostics.error_count() != errors_before) return inputs;
  if (inputs.pairs.empty()) diagnostics.Error(common, "a server needs a certificate: tls_certificates");
  CheckStaples(inputs, common, diagnostics);
  WarnOfUnusableCurves(inputs, common.Field("tls_params"), diagnostics);
  CheckClientCertificates(inputs, path, diagnostics);
  inputs.identity = IdentityOf(config, path, verification, inputs);
  return inputs;
}

TlsInputs ReadUpstreamTls(const UpstreamTlsContext& config, const ConfigPath& path, SecretReader& reader,
                          Diagnostics& diagnostics) {
  const size_t errors_before = diagnostics.error_count();
  const ConfigPath common = path.Field("common_tls_context");
  TlsInputs inputs;
  std::string verification;
  ReadCommon(config.common_tls_context(), common, reader, diagnostics, inputs, verification);
  inputs.sni = config.sni();
  if (!inputs.sni.empty() && !IsHostName(inputs.sni)) {
    diagnostics.Error(path.Field("sni"), "is no host name");
  }
  inputs.auto_host_sni = config.auto_host_sni();
  inputs.auto_sni_san_validation = config.auto_sni_san_validation();
  if (config.has_max_session_keys()) inputs.max_session_keys = config.max_session_keys().value();
  if (diagnostics.error_count() != errors_before) return inputs;
  if (!inputs.pairs.empty() && inputs.pairs.front()->staple() != nullptr) {
    diagnostics.Error(common, "ocsp_staple is for servers: a client does not send one");
  }
  if (inputs.pairs.size() > 1) {
    diagnostics.Error(
        common, "a client has at most one certificate, here are " + std::to_string(inputs.pairs.size()));
  }
  const PeerVerifier* verifier = inputs.verifier.get();
  if (inputs.auto_sni_san_validation && (verifier == nullptr || !verifier->has_ca())) {
    diagnostics.Error(
        path.Field("auto_sni_san_validation"),
        "needs trusted_ca in a validation context: anyone can make a certificate with the name");
  }
  if (verifier == nullptr || !verifier->judges()) {
    diagnostics.Warning(common,
                        "the server's certificate is not verified, so anyone may answer in its place; "
                        "add trusted_ca to validation_context");
  }
  inputs.identity = IdentityOf(config, path, verification, inputs);
  return inputs;
}

}  // namespace narthex
