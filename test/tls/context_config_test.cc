#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

using Key = CertificateRequest::Key;

class ContextConfigTest : public TlsRig {
 protected:
  // The errors of a server with those fields.
  std::string ErrorsOf(const std::string& certificates, const std::string& common = {},
                       const std::string& more = {}) {
    EXPECT_EQ(Server(ServerFields(certificates, common, more)), nullptr);
    return errors_;
  }
  std::string ErrorsOfParams(const std::string& fields) {
    return ErrorsOf(Pair(server_certificate_), "  tls_params:\n    " + fields + "\n");
  }
  std::string ErrorsOfValidation(const std::string& fields, const std::string& more = {}) {
    return ErrorsOf(Pair(server_certificate_), "  validation_context:\n    " + fields + "\n", more);
  }
  std::string Files(const std::string& certificate, const std::string& key, const std::string& more = {}) {
    WriteFile("cert.pem", certificate);
    WriteFile("key.pem", key);
    return "{certificate_chain: {filename: " + At("cert.pem") +
           "}, private_key: {filename: " + At("key.pem") + "}" + more + "}";
  }
  std::string Said(const std::string& file, const std::string& what) const {
    return "filename: \"" + At(file) + "\" " + what;
  }
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(ContextConfigTest, RefusesBadFilesAtTheirField) {
  const std::string good = server_certificate_.Pem(), key = server_certificate_.KeyPem();
  EXPECT_SAYS(ErrorsOf(Files("nothing", key)),
              "server.yaml:2:43: common_tls_context.tls_certificates[0].certificate_chain." +
                  Said("cert.pem", "holds no certificate in PEM form"));
  EXPECT_SAYS(ErrorsOf(Files("", key)), Said("cert.pem", "is empty"));
  EXPECT_SAYS(ErrorsOf(Files(good.substr(0, 200) + "\n-----END CERTIFICATE-----\n", key)),
              Said("cert.pem", "holds a malformed certificate: "));
  EXPECT_SAYS(ErrorsOf(Files(good, "nothing")), Said("key.pem", "holds no private key in PEM form: "));
  EXPECT_SAYS(ErrorsOf(Files(good, TestCertificate({}).KeyPem())),
              Said("key.pem", "does not fit the certificate: key values mismatch"));
  EXPECT_SAYS(ErrorsOf(Files(good, TestCertificate({.key = Key::kRsa2048}).KeyPem())),
              Said("key.pem", "does not fit the certificate: different key types"));
  EXPECT_SAYS(ErrorsOf("{certificate_chain: {filename: /nowhere}, private_key: {filename: /nowhere}}"),
              "certificate_chain.filename: cannot read \"/nowhere\"");
}

TEST_F(ContextConfigTest, RefusesWeakKeys) {
  const TestCertificate weak({.key = Key::kRsa1024});
  EXPECT_SAYS(ErrorsOf(Files(weak.Pem(), weak.KeyPem())),
              Said("cert.pem", "has an RSA key of 1024 bits; at least 2048"));
}

TEST_F(ContextConfigTest, OpensKeysWithAPassword) {
  const std::string good = server_certificate_.Pem(), key = server_certificate_.KeyPem("secret");
  EXPECT_NE(Server(ServerFields(Files(good, key, ", password: {inline_string: \"secret\\n\"}"))), nullptr)
      << errors_;
  EXPECT_SAYS(ErrorsOf(Files(good, key)), Said("key.pem", "is encrypted, and there is no password"));
  EXPECT_SAYS(ErrorsOf(Files(good, key, ", password: {inline_string: wrong}")),
              "password.inline_string: does not open the private key: ");
}

TEST_F(ContextConfigTest, NeedsACertificateOnAServer) {
  EXPECT_SAYS(ErrorsOf(""), "a server needs a certificate: tls_certificates");
  EXPECT_SAYS(ErrorsOf("{certificate_chain: {inline_string: x}}"), "tls_certificates[0]: needs private_key");
  EXPECT_SAYS(ErrorsOf("{private_key: {inline_string: x}}"), "tls_certificates[0]: needs certificate_chain");
  const std::string two = Pair(server_certificate_) + ", " + Pair(server_certificate_);
  EXPECT_EQ(Client("common_tls_context: {tls_certificates: [" + two + "]}\n"), nullptr);
  EXPECT_SAYS(errors_, "a client has at most one certificate, here are 2");
}

TEST_F(ContextConfigTest, RefusesUnknownAndWeakParameters) {
  EXPECT_SAYS(ErrorsOfParams("tls_minimum_protocol_version: TLSv1_1"),
              "server.yaml:4:5: common_tls_context.tls_params.tls_minimum_protocol_version: TLSv1_1 is not "
              "supported, since it is broken (RFC 8996)");
  EXPECT_SAYS(
      ErrorsOfParams("{tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_2}"),
      "tls_maximum_protocol_version: is below tls_minimum_protocol_version");
  EXPECT_SAYS(
      ErrorsOfParams("cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256, ECDHE-AES]"),
      "server.yaml:4:50: common_tls_context.tls_params.cipher_suites[1]: \"ECDHE-AES\" is no cipher suite");
  EXPECT_SAYS(ErrorsOfParams("cipher_suites: [ALL]"), "\"ALL\" is no cipher suite");
  EXPECT_SAYS(ErrorsOfParams("cipher_suites: [TLS_AES_128_GCM_SHA256]"), "is of TLS 1.3");
  EXPECT_SAYS(ErrorsOfParams("cipher_suites: ['NULL-SHA256']"),
              "\"NULL-SHA256\" is weak: it encrypts nothing");
  EXPECT_SAYS(ErrorsOfParams("cipher_suites: ['ADH-AES128-SHA256']"), "is weak: it authenticates nobody");
  EXPECT_SAYS(ErrorsOfParams("cipher_suites: ['PSK-AES128-GCM-SHA256']"), "needs a kind of key");
  EXPECT_SAYS(ErrorsOfParams("ecdh_curves: [P-256, P-192]"),
              "ecdh_curves[1]: \"P-192\" is no curve that is supported: X25519, P-256");
  EXPECT_SAYS(ErrorsOfParams("signature_algorithms: [rsa_pkcs1_sha1]"),
              "signature_algorithms[0]: \"rsa_pkcs1_sha1\" is no signature algorithm that is supported");
}

TEST_F(ContextConfigTest, TakesIanasNamesOfSuitesAndWarnsOfOldOnes) {
  EXPECT_NE(Server(ServerFields(Pair(server_certificate_),
                                "  tls_params: {cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "
                                "AES128-GCM-SHA256]}\n")),
            nullptr);
  EXPECT_SAYS(errors_,
              "warning: common_tls_context.tls_params.cipher_suites[1]: \"AES128-GCM-SHA256\" has no "
              "forward secrecy");
}

TEST_F(ContextConfigTest, WarnsOfCertificatesThatTls12CannotUse) {
  EXPECT_NE(Server(ServerFields(Pair(server_certificate_), "  tls_params: {ecdh_curves: [X25519]}\n")),
            nullptr);
  EXPECT_SAYS(errors_, "is on P-256, which is not among ecdh_curves: clients of TLS 1.2 cannot use it");
}

TEST_F(ContextConfigTest, RefusesValidationThatCannotHold) {
  const std::string name = "match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: a}}]";
  EXPECT_SAYS(ErrorsOfValidation(name), "match_typed_subject_alt_names: needs trusted_ca");
  EXPECT_SAYS(ErrorsOfValidation("crl: " + Inline(authority_.CrlPem({}))), "crl: needs trusted_ca");
  EXPECT_SAYS(ErrorsOfValidation("allow_expired_certificate: true"),
              "allow_expired_certificate: needs trusted_ca");
  EXPECT_SAYS(ErrorsOfValidation("trusted_ca: {inline_string: x}"),
              "trusted_ca.inline_string: holds no certificate in PEM form");
  EXPECT_SAYS(ErrorsOfValidation("{trusted_ca: " + Inline(authority_.Pem()) + ", crl: {inline_string: x}}"),
              "crl.inline_string: holds no certificate revocation list in PEM form");
  EXPECT_SAYS(ErrorsOfValidation("verify_certificate_hash: ['" + std::string(64, 'g') + "']"),
              "verify_certificate_hash[0]: is no SHA-256");
  EXPECT_SAYS(ErrorsOfValidation("verify_certificate_spki: ['" + std::string(44, '!') + "']"),
              "verify_certificate_spki[0]: is no SHA-256 in base64");
  EXPECT_SAYS(ErrorsOfValidation("{}", "require_client_certificate: true\n"),
              "require_client_certificate: any certificate would do");
  EXPECT_SAYS(ErrorsOf(Pair(server_certificate_), "", "require_client_certificate: true\n"),
              "require_client_certificate: any certificate would do");
}

TEST_F(ContextConfigTest, RefusesNameMatchersThatCannotHold) {
  const auto errors = [&](const std::string& matcher) {
    return ErrorsOfValidation("{trusted_ca: " + Inline(authority_.Pem()) +
                              ", match_typed_subject_alt_names: [{" + matcher + "}]}");
  };
  EXPECT_SAYS(errors("san_type: OTHER_NAME, matcher: {exact: a}"), "[0].oid: san_type OTHER_NAME needs");
  EXPECT_SAYS(errors("san_type: OTHER_NAME, matcher: {exact: a}, oid: x"),
              "[0].oid: san_type OTHER_NAME needs");
  EXPECT_SAYS(errors("san_type: DNS, matcher: {exact: a}, oid: 1.2.3"), "[0].oid: is only for");
  EXPECT_SAYS(errors("san_type: DNS, matcher: {safe_regex: {regex: '('}}"),
              "regex: is no valid RE2 expression");
  EXPECT_SAYS(errors("matcher: {exact: a}"), "san_type");
}

TEST_F(ContextConfigTest, ChecksTicketKeys) {
  EXPECT_SAYS(
      ErrorsOf(Pair(server_certificate_), "", "session_ticket_keys: {keys: [{inline_string: short}]}\n"),
      "session_ticket_keys.keys[0].inline_string: has 5 bytes; a key has 80");
}

TEST_F(ContextConfigTest, ChecksNamesOfClients) {
  EXPECT_EQ(Client(ClientFields("", "sni: 'a b'\n")), nullptr);
  EXPECT_SAYS(errors_, "sni: is no host name");
  EXPECT_EQ(Client(ClientFields("", "auto_sni_san_validation: true\n")), nullptr);
  EXPECT_SAYS(errors_, "auto_sni_san_validation: needs trusted_ca");
}

TEST_F(ContextConfigTest, FindsSecretsByName) {
  using envoy::extensions::transport_sockets::tls::v3::Secret;
  Secret secret;
  secret.set_name("mine");
  secret.mutable_tls_certificate()->mutable_certificate_chain()->set_inline_string(server_certificate_.Pem());
  secret.mutable_tls_certificate()->mutable_private_key()->set_inline_string(server_certificate_.KeyPem());
  find_secret_ = [&](std::string_view name) -> std::optional<PlacedSecret> {
    if (name != "mine") return std::nullopt;
    return PlacedSecret{&secret, ConfigPath()};
  };
  const auto with = [&](const std::string& name) {
    return Server("common_tls_context: {tls_certificate_sds_secret_configs: [{name: " + name + "}]}\n");
  };
  EXPECT_EQ(CertificateFor(with("mine"), "a.example"), "server");
  EXPECT_EQ(with("other"), nullptr);
  EXPECT_SAYS(errors_,
              "tls_certificate_sds_secret_configs[0].name: no secret of the bootstrap has this name");
  secret.mutable_validation_context();
  EXPECT_EQ(with("mine"), nullptr);
  EXPECT_SAYS(errors_, "holds no tls_certificate");
}

TEST_F(ContextConfigTest, SaysWhatIsWrongInAFileOfSecrets) {
  WriteFile("sds.yaml",
            "resources:\n- '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n"
            "  name: mine\n  tls_certificate: {certificate_chain: {inline_string: x}, private_key: "
            "{inline_string: x}}\n");
  const auto with = [&](const std::string& name) {
    return Server("common_tls_context: {tls_certificate_sds_secret_configs: [{name: " + name +
                  ", sds_config: {path_config_source: {path: " + At("sds.yaml") + "}}}]}\n");
  };
  EXPECT_EQ(with("mine"), nullptr);
  EXPECT_SAYS(errors_, At("sds.yaml") +
                           ":4:41: resources[0].tls_certificate.certificate_chain.inline_string: "
                           "holds no certificate in PEM form");
  EXPECT_EQ(with("other"), nullptr);
  EXPECT_SAYS(errors_, "no secret of \"" + At("sds.yaml") + "\" has this name");
  WriteFile("sds.yaml", "resources: [{'@type': nothing}]\n");
  EXPECT_EQ(with("mine"), nullptr);
  EXPECT_SAYS(errors_, "sds_config.path_config_source.path: \"" + At("sds.yaml") + "\" cannot be used");
}

}  // namespace
}  // namespace narthex
