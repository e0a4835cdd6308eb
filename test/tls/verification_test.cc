#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

// What a server says of a client's certificate, and a client of a server's.
class VerificationTest : public TlsRig {
 protected:
  std::string Ca() const { return "trusted_ca: " + Inline(authority_.Pem()); }
  std::shared_ptr<TlsContext> Asking(const std::string& validation, const std::string& more = {}) {
    return Server(
        ServerFields(Pair(server_certificate_), "  validation_context: {" + validation + "}\n", more));
  }
  std::shared_ptr<TlsContext> Requiring(const std::string& validation) {
    return Asking(validation, "require_client_certificate: true\n");
  }
  std::shared_ptr<TlsContext> Presenting(const TestCertificate& certificate, const std::string& chain = {}) {
    return Client(ClientFields("  tls_certificates: [" + Pair(certificate, chain) + "]\n"));
  }
  TestCertificate Signed(CertificateRequest request) { return TestCertificate(request, &authority_); }
  // "" when the server takes the certificate, and why not else.
  std::string Judge(const std::shared_ptr<TlsContext>& server, const TestCertificate& certificate,
                    const std::string& chain = {}) {
    return Connect(server, Presenting(certificate, chain)).server_result.error;
  }
  // The same, of a client that looks at the server's certificate.
  std::string JudgeServer(const TestCertificate& certificate, const std::shared_ptr<TlsContext>& client,
                          TlsClientOptions options = {}) {
    return Connect(Server(ServerFields(Pair(certificate))), client, std::move(options)).client_result.error;
  }
};

constexpr const char* kFailed = "TLS error: certificate verify failed: ";

TEST_F(VerificationTest, TakesACertificateOfTheAuthority) {
  const TestCertificate client = Signed({.common_name = "client", .names = {"URI:spiffe://a/b"}});
  const Connection made = Connect(Requiring(Ca()), Presenting(client));
  ASSERT_TRUE(made.ok()) << made.server_result.error;
  const auto facts = made.server->Facts();
  EXPECT_TRUE(facts->peer_validated);
  ASSERT_NE(facts->peer(), nullptr);
  EXPECT_EQ(facts->peer()->subject, "CN=client");
  EXPECT_EQ(facts->peer()->names.uri, std::vector<std::string>{"spiffe://a/b"});
  EXPECT_EQ(facts->UrlEncodedPeerChain(), facts->peer()->UrlEncodedPem());
}

TEST_F(VerificationTest, RefusesAStrangersCertificate) {
  stat_prefix_ = "strangers.";
  const TestCertificate stranger({.common_name = "stranger"});
  EXPECT_EQ(Judge(Requiring(Ca()), stranger),
            std::string(kFailed) + "self-signed certificate (certificate \"CN=stranger\", depth 0)");
  EXPECT_EQ(StatOf("strangers.ssl.fail_verify_error"), 1u);
}

TEST_F(VerificationTest, RefusesAClientWithoutACertificateOnlyWhenOneIsRequired) {
  stat_prefix_ = "without.";
  const Connection required = Connect(Requiring(Ca()), Client(ClientFields("")));
  EXPECT_EQ(required.server_result.error, "TLS error: peer did not return a certificate");
  EXPECT_EQ(StatOf("without.ssl.fail_verify_no_cert"), 1u);
  const Connection optional = Connect(Asking(Ca()), Client(ClientFields("")));
  EXPECT_TRUE(optional.ok());
  EXPECT_FALSE(optional.server->Facts()->peer_validated);
  EXPECT_EQ(StatOf("without.ssl.no_certificate"), 1u);
  EXPECT_NE(Judge(Asking(Ca()), TestCertificate({})), "");
}

TEST_F(VerificationTest, RefusesExpiredCertificatesUnlessAllowed) {
  const TestCertificate expired = Signed({.common_name = "old", .valid_for_s = -60});
  const TestCertificate early = Signed({.common_name = "early", .valid_from_s = 3600});
  EXPECT_EQ(Judge(Requiring(Ca()), expired),
            std::string(kFailed) + "certificate has expired (certificate \"CN=old\", depth 0)");
  EXPECT_NE(Judge(Requiring(Ca()), early), "");
  EXPECT_EQ(Judge(Requiring(Ca() + ", allow_expired_certificate: true"), expired), "");
  EXPECT_EQ(Judge(Requiring(Ca() + ", allow_expired_certificate: true"), early), "");
  EXPECT_NE(Judge(Requiring(Ca() + ", allow_expired_certificate: true"), TestCertificate({})), "");
}

TEST_F(VerificationTest, RefusesRevokedCertificates) {
  const TestCertificate good = Signed({}), bad = Signed({});
  const auto server = Requiring(Ca() + ", crl: " + Inline(authority_.CrlPem({bad.serial()})));
  EXPECT_EQ(Judge(server, good), "");
  EXPECT_EQ(Judge(server, bad),
            std::string(kFailed) + "certificate revoked (certificate \"CN=test\", depth 0)");
}

TEST_F(VerificationTest, NeedsAListOfEachAuthorityUnlessOnlyTheLeafIsChecked) {
  const TestCertificate middle = Signed({.common_name = "middle", .authority = true});
  const TestCertificate client({.common_name = "client"}, &middle);
  const std::string crl = Ca() + ", crl: " + Inline(middle.CrlPem({}));
  EXPECT_EQ(Judge(Requiring(crl), client, middle.Pem()),
            std::string(kFailed) + "unable to get certificate CRL (certificate \"CN=middle\", depth 1)");
  EXPECT_EQ(Judge(Requiring(crl + ", only_verify_leaf_cert_crl: true"), client, middle.Pem()), "");
}

TEST_F(VerificationTest, BoundsTheDepth) {
  const TestCertificate middle = Signed({.common_name = "middle", .authority = true});
  const TestCertificate client({.common_name = "client"}, &middle);
  EXPECT_EQ(Judge(Requiring(Ca() + ", max_verify_depth: 2"), client, middle.Pem()), "");
  EXPECT_NE(Judge(Requiring(Ca() + ", max_verify_depth: 1"), client, middle.Pem()), "");
  EXPECT_NE(Judge(Requiring(Ca() + ", max_verify_depth: 0"), client, middle.Pem()), "");
  EXPECT_EQ(Judge(Requiring(Ca() + ", max_verify_depth: 0"), Signed({.common_name = "client"})), "");
  EXPECT_EQ(Judge(Requiring("trusted_ca: " + Inline(middle.Pem())), client), "")
      << "an intermediate is trusted";
  EXPECT_NE(Judge(Requiring(Ca()), client), "") << "a link of the chain is missing";
}

TEST_F(VerificationTest, ChecksPins) {
  stat_prefix_ = "pins.";
  const TestCertificate pinned({.common_name = "pinned"}), other({.common_name = "other"});
  const auto by_hash = Requiring("verify_certificate_hash: ['" + pinned.Sha256Hex() + "']");
  EXPECT_EQ(Judge(by_hash, pinned), "");
  EXPECT_EQ(
      Judge(by_hash, other),
      std::string(kFailed) + "neither the certificate nor its key is pinned (certificate \"CN=other\")");
  EXPECT_EQ(StatOf("pins.ssl.fail_verify_cert_hash"), 1u);
  std::string colons = pinned.Sha256Hex();
  for (size_t at = 2; at < colons.size(); at += 3) colons.insert(at, ":");
  EXPECT_EQ(Judge(Requiring("verify_certificate_hash: ['" + colons + "']"), pinned), "");
  const auto by_key = Requiring("verify_certificate_spki: ['" + pinned.SpkiBase64() + "']");
  EXPECT_EQ(Judge(by_key, pinned), "");
  EXPECT_NE(Judge(by_key, other), "");
  const auto either = Requiring("verify_certificate_spki: ['" + pinned.SpkiBase64() +
                                "'], verify_certificate_hash: ['" + other.Sha256Hex() + "']");
  EXPECT_EQ(Judge(either, pinned), "");
  EXPECT_EQ(Judge(either, other), "");
  EXPECT_NE(Judge(Requiring(Ca() + ", verify_certificate_hash: ['" + pinned.Sha256Hex() + "']"), pinned), "");
}

TEST_F(VerificationTest, MatchesNamesOfEveryKind) {
  const TestCertificate client =
      Signed({.names = {"DNS:a.example", "DNS:*.wild.example", "URI:spiffe://a/b", "email:me@a.example",
                        "IP:10.1.2.3", "IP:fe80::1", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:me@corp"}});
  const auto judge = [&](const std::string& type, const std::string& matcher, const std::string& more = {}) {
    return Judge(Requiring(Ca() + ", match_typed_subject_alt_names: [{san_type: " + type + ", matcher: {" +
                           matcher + "}" + more + "}]"),
                 client);
  };
  EXPECT_EQ(judge("DNS", "exact: a.example"), "");
  EXPECT_EQ(judge("DNS", "exact: b.wild.example"), "");
  EXPECT_EQ(judge("DNS", "prefix: a."), "");
  EXPECT_EQ(judge("DNS", "suffix: '.EXAMPLE', ignore_case: true"), "");
  EXPECT_EQ(judge("DNS", "contains: wild"), "");
  EXPECT_EQ(judge("DNS", "safe_regex: {regex: 'a\\..*'}"), "");
  EXPECT_EQ(judge("URI", "exact: 'spiffe://a/b'"), "");
  EXPECT_EQ(judge("EMAIL", "exact: me@a.example"), "");
  EXPECT_EQ(judge("IP_ADDRESS", "exact: 10.1.2.3"), "");
  EXPECT_EQ(judge("IP_ADDRESS", "exact: 'fe80::1'"), "");
  EXPECT_EQ(judge("OTHER_NAME", "exact: me@corp", ", oid: 1.3.6.1.4.1.311.20.2.3"), "");
  EXPECT_NE(judge("DNS", "exact: c.b.wild.example"), "");
  EXPECT_NE(judge("DNS", "prefix: b."), "");
  EXPECT_NE(judge("URI", "exact: a.example"), "");
  EXPECT_NE(judge("EMAIL", "suffix: '@b.example'"), "");
  EXPECT_NE(judge("IP_ADDRESS", "exact: 10.1.2.4"), "");
  EXPECT_NE(judge("OTHER_NAME", "exact: me@corp", ", oid: 1.2.3"), "");
}

TEST_F(VerificationTest, SaysThatNoNameMatches) {
  stat_prefix_ = "names.";
  const auto server =
      Requiring(Ca() + ", match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: a.example}}]");
  EXPECT_EQ(Judge(server, Signed({.common_name = "a.example"})),
            std::string(kFailed) +
                "no subject alternative name matches match_typed_subject_alt_names "
                "(certificate \"CN=a.example\")");
  EXPECT_EQ(StatOf("names.ssl.fail_verify_san"), 1u);
}

TEST_F(VerificationTest, RefusesNamesWithNulBytes) {
  const TestCertificate client = Signed({.raw_dns = std::string("a.example\0.evil.example", 23)});
  EXPECT_EQ(Judge(Requiring(Ca()), client),
            std::string(kFailed) + "a subject alternative name has a NUL byte (certificate \"CN=test\")");
  EXPECT_NE(Judge(Requiring(Ca() + ", match_typed_subject_alt_names: "
                                   "[{san_type: DNS, matcher: {prefix: a.example}}]"),
                  client),
            "");
}

TEST_F(VerificationTest, TakesUntrustedCertificatesWhenToldToAndSaysSo) {
  const auto server = Requiring(Ca() + ", trust_chain_verification: ACCEPT_UNTRUSTED");
  const Connection stranger = Connect(server, Presenting(TestCertificate({})));
  ASSERT_TRUE(stranger.ok()) << stranger.server_result.error;
  EXPECT_FALSE(stranger.server->Facts()->peer_validated);
  EXPECT_NE(stranger.server->Facts()->peer(), nullptr);
  const Connection known = Connect(server, Presenting(Signed({})));
  EXPECT_TRUE(known.server->Facts()->peer_validated);
}

TEST_F(VerificationTest, DoesNotAskForWhatNothingWouldJudge) {
  const auto server = Asking("");
  EXPECT_NE(errors_.find("warning: common_tls_context: the validation context judges no certificate"),
            std::string::npos)
      << errors_;
  const Connection made = Connect(server, Presenting(TestCertificate({.common_name = "anyone"})));
  ASSERT_TRUE(made.ok()) << made.server_result.error;
  EXPECT_EQ(made.server->Facts()->peer(), nullptr);
}

TEST_F(VerificationTest, AsksForWhatIsTakenUntrustedAndWarns) {
  const auto server = Asking("trust_chain_verification: ACCEPT_UNTRUSTED");
  EXPECT_NE(
      errors_.find("warning: common_tls_context.validation_context.trust_chain_verification: takes every "
                   "certificate"),
      std::string::npos)
      << errors_;
  const Connection made = Connect(server, Presenting(TestCertificate({.common_name = "anyone"})));
  ASSERT_TRUE(made.ok()) << made.server_result.error;
  ASSERT_NE(made.server->Facts()->peer(), nullptr);
  EXPECT_FALSE(made.server->Facts()->peer_validated);
}

TEST_F(VerificationTest, MergesACombinedContext) {
  WriteFile("secrets.yaml",
            "resources:\n- '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n"
            "  name: ca\n  validation_context: {" +
                Ca() + "}\n");
  const auto server = Server(ServerFields(
      Pair(server_certificate_),
      "  combined_validation_context:\n    default_validation_context: {match_typed_subject_alt_names: "
      "[{san_type: DNS, matcher: {exact: a.example}}]}\n    validation_context_sds_secret_config: {name: ca, "
      "sds_config: {path_config_source: {path: " +
          At("secrets.yaml") + "}}}\n",
      "require_client_certificate: true\n"));
  EXPECT_EQ(Judge(server, Signed({.names = {"DNS:a.example"}})), "");
  EXPECT_NE(Judge(server, Signed({.names = {"DNS:b.example"}})), "");
  EXPECT_NE(Judge(server, TestCertificate({.names = {"DNS:a.example"}})), "");
}

TEST_F(VerificationTest, ClientsCheckTheServersName) {
  const auto trusting = TrustingClient("", "auto_sni_san_validation: true\n");
  EXPECT_EQ(JudgeServer(server_certificate_, trusting, {.server_name = "server.example"}), "");
  EXPECT_EQ(JudgeServer(server_certificate_, trusting, {.server_name = "a.wild.example"}), "");
  EXPECT_EQ(
      JudgeServer(server_certificate_, trusting, {.server_name = "other.example"}),
      std::string(kFailed) + "the certificate is not for \"other.example\" (certificate \"CN=server\")");
  EXPECT_EQ(JudgeServer(server_certificate_, trusting),
            "TLS error: auto_sni_san_validation has no server name to check the certificate for");
}

TEST_F(VerificationTest, ClientsCheckNamesOfTheRequest) {
  EXPECT_EQ(JudgeServer(server_certificate_, TrustingClient(), {.verify_names = {"server.example"}}), "");
  EXPECT_NE(JudgeServer(server_certificate_, TrustingClient(), {.verify_names = {"other.example"}}), "");
  EXPECT_EQ(JudgeServer(server_certificate_, Client(ClientFields("")), {.verify_names = {"server.example"}}),
            "TLS error: the names of a certificate are to be checked, and there is no trusted_ca");
}

TEST_F(VerificationTest, ClientsCheckAddressesOfTheRequest) {
  const auto trusting = TrustingClient();
  const TestCertificate server =
      Signed({.names = {"DNS:10.0.0.2", "DNS:*.0.0.3", "IP:10.0.0.1", "IP:2001:db8::1"}});
  EXPECT_EQ(JudgeServer(server, trusting, {.verify_names = {"10.0.0.1"}}), "");
  EXPECT_EQ(JudgeServer(server, trusting, {.verify_names = {"2001:db8::1"}}), "");
  // As DNS names they stand for nobody.
  for (const char* other : {"10.0.0.2", "10.0.0.3", "2001:db8::2"}) {
    EXPECT_NE(JudgeServer(server, trusting, {.verify_names = {other}}), "") << other;
  }
}

TEST_F(VerificationTest, ClientsRefuseAStrangersServer) {
  EXPECT_NE(JudgeServer(TestCertificate({}), TrustingClient()), "");
  const auto trusting_anyone = Client(ClientFields(""));
  EXPECT_NE(errors_.find("warning: common_tls_context: the server's certificate is not verified"),
            std::string::npos)
      << errors_;
  EXPECT_EQ(JudgeServer(TestCertificate({}), trusting_anyone), "");
}

}  // namespace
}  // namespace narthex
