#include <time.h>

#include <optional>

#include "source/event/timeout.h"
#include "source/tls/certificates_page.h"
#include "source/tls/ocsp_staple.h"
#include "test/tls/raw_client_rig.h"

namespace narthex {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

using Answer = TestCertificate::OcspAnswer;

class OcspTest : public RawClientRig {
 protected:
  // A certificate with its chain and a response, in files.
  std::string Stapled(const TestCertificate& certificate, const std::string& response,
                      const std::string& chain) const {
    WriteFile("cert.pem", certificate.Pem() + chain);
    WriteFile("key.pem", certificate.KeyPem());
    WriteFile("staple.der", response);
    return "{certificate_chain: {filename: " + At("cert.pem") +
           "}, private_key: {filename: " + At("key.pem") + "}, ocsp_staple: {filename: " + At("staple.der") +
           "}}";
  }
  std::string Stapled(const Answer& answer) const {
    return Stapled(server_certificate_, authority_.OcspFor(server_certificate_, answer), authority_.Pem());
  }
  std::shared_ptr<TlsContext> With(const std::string& certificate, const std::string& policy = {}) {
    return Server(
        ServerFields(certificate, "", policy.empty() ? "" : "ocsp_staple_policy: " + policy + "\n"));
  }
  std::string ErrorsOf(const std::string& certificate, const std::string& policy = {}) {
    EXPECT_EQ(With(certificate, policy), nullptr);
    return errors_;
  }
  // What a client gets that asks for a response; nullopt when its handshake fails.
  std::optional<std::string> Ask(const std::shared_ptr<TlsContext>& server, int version = TLS1_3_VERSION,
                                 const char* groups = "X25519:P-256") {
    Start(server, version, version);
    if (ssl_ == nullptr || SSL_set1_groups_list(ssl_.get(), groups) != 1) return std::nullopt;
    SSL_set_tlsext_status_type(ssl_.get(), TLSEXT_STATUSTYPE_ocsp);
    if (!Shake()) return std::nullopt;
    const unsigned char* bytes = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &bytes);
    if (size <= 0) return "";
    return std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  }
};

Task<void> UntilTheTimeIs(EventLoop& loop, int64_t end_s) {
  while (time(nullptr) < end_s) co_await Sleep(loop, std::chrono::milliseconds(20));
}

TEST_F(OcspTest, StaplesWhatTheClientAsksFor) {
  stat_prefix_ = "stapled.";
  const std::string response = authority_.OcspFor(server_certificate_, {});
  const auto server = With(Stapled(server_certificate_, response, authority_.Pem()));
  ASSERT_NE(server, nullptr) << errors_;
  EXPECT_EQ(errors_, "");
  EXPECT_EQ(Ask(server), response);
  EXPECT_EQ(Ask(server, TLS1_2_VERSION), response);
  EXPECT_EQ(StatOf("stapled.ssl.ocsp_staple_requests"), 2u);
  EXPECT_EQ(StatOf("stapled.ssl.ocsp_staple_responses"), 2u);
  Start(server, TLS1_3_VERSION, TLS1_3_VERSION);
  EXPECT_TRUE(Shake()) << "who does not ask";
  const unsigned char* none = nullptr;
  EXPECT_LE(SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &none), 0);
  EXPECT_EQ(StatOf("stapled.ssl.ocsp_staple_requests"), 2u);
}

TEST_F(OcspTest, StaplesOnceAfterASecondHello) {
  stat_prefix_ = "again.";
  const std::string response = authority_.OcspFor(server_certificate_, {});
  const auto server = With(Stapled(server_certificate_, response, authority_.Pem()));
  EXPECT_EQ(Ask(server, TLS1_3_VERSION, "P-521:P-256"), response);
  EXPECT_EQ(StatOf("again.ssl.ocsp_staple_requests"), 1u);
  EXPECT_EQ(StatOf("again.ssl.ocsp_staple_responses"), 1u);
}

TEST_F(OcspTest, TakesAResponseWithoutTheIssuer) {
  const std::string response = authority_.OcspFor(server_certificate_, {});
  EXPECT_EQ(Ask(With(Stapled(server_certificate_, response, ""))), response);
}

TEST_F(OcspTest, GoesOnWithoutWhatIsOutdatedWhereLenient) {
  stat_prefix_ = "lenient.";
  const auto server = With(Stapled({.from_s = -7200, .until_s = -3600}));
  ASSERT_NE(server, nullptr) << errors_;
  EXPECT_SAYS(errors_,
              "warning: common_tls_context: the OCSP response for the certificate of \"CN=server\" is "
              "outdated, and not sent");
  EXPECT_EQ(Ask(server), "");
  EXPECT_EQ(StatOf("lenient.ssl.ocsp_staple_omitted"), 1u);
  EXPECT_EQ(Ask(PlainServer()), "");
}

TEST_F(OcspTest, RefusesWhatIsOutdatedWhereStrict) {
  for (const std::string policy : {"STRICT_STAPLING", "MUST_STAPLE"}) {
    EXPECT_SAYS(ErrorsOf(Stapled({.from_s = -7200, .until_s = -3600}), policy), "is outdated");
    EXPECT_SAYS(ErrorsOf(Stapled({.from_s = 3600, .until_s = 7200}), policy), "is not valid yet");
  }
  EXPECT_EQ(Ask(With(Pair(server_certificate_), "STRICT_STAPLING")), "");
  EXPECT_SAYS(ErrorsOf(Pair(server_certificate_), "MUST_STAPLE"), "needs an ocsp_staple");
}

// What was good when it was read becomes outdated while it serves.
TEST_F(OcspTest, FailsTheHandshakeWhenAResponseRunsOutWhereStrict) {
  stat_prefix_ = "ranout.";
  for (const std::string policy : {"STRICT_STAPLING", "MUST_STAPLE"}) {
    const auto server =
        With(Stapled(server_certificate_, authority_.OcspFor(server_certificate_, {.until_s = 2}),
                     authority_.Pem()),
             policy);
    ASSERT_NE(server, nullptr) << errors_;
    const int64_t end = server->material()->Certificates()[0].staple->valid_until();
    ASSERT_TRUE(RunToEnd(UntilTheTimeIs(*loop_, end)));
    EXPECT_EQ(Ask(server), std::nullopt);
    EXPECT_EQ(accepted_.error, "TLS error: the OCSP response for the certificate is outdated");
    Start(server, TLS1_3_VERSION, TLS1_3_VERSION);
    EXPECT_TRUE(Shake()) << "who does not ask is not concerned";
  }
  EXPECT_EQ(StatOf("ranout.ssl.ocsp_staple_failed"), 2u);
}

TEST_F(OcspTest, HoldsACertificateToItsDemand) {
  const TestCertificate demanding({.common_name = "demanding", .must_staple = true}, &authority_);
  EXPECT_SAYS(ErrorsOf(Pair(demanding)), "the certificate of \"CN=demanding\" needs an ocsp_staple");
  const std::string response = authority_.OcspFor(demanding, {});
  EXPECT_EQ(Ask(With(Stapled(demanding, response, authority_.Pem()))), response);
}

TEST_F(OcspTest, RefusesResponsesThatDoNotFit) {
  const auto errors = [&](const std::string& response) {
    return ErrorsOf(Stapled(server_certificate_, response, authority_.Pem()));
  };
  const std::string at = "common_tls_context.tls_certificates[0].ocsp_staple.filename: \"" + At("staple.der");
  const std::string good = authority_.OcspFor(server_certificate_, {});
  EXPECT_SAYS(errors("nothing"), at + "\" holds no OCSP response in DER form");
  EXPECT_SAYS(errors(good + "x"), at + "\" holds no OCSP response in DER form");
  EXPECT_SAYS(errors(good.substr(0, good.size() / 2)), at + "\" holds no OCSP response in DER form");
  EXPECT_SAYS(errors(std::string("\x30\x03\x0a\x01\x03", 5)), at + "\" is a responder's error: trylater");
  const TestCertificate other({.common_name = "other"}, &authority_);
  EXPECT_SAYS(errors(authority_.OcspFor(other, {})), at + "\" says nothing of the certificate");
  EXPECT_SAYS(errors(authority_.OcspFor(server_certificate_, {.ends = false})), at + "\" has no nextUpdate");
  EXPECT_SAYS(errors(authority_.OcspFor(server_certificate_, {.from_s = 60, .until_s = 60})),
              at + "\" has a nextUpdate that is not behind its thisUpdate");
}

TEST_F(OcspTest, RefusesResponsesThatTheIssuerHasNotMade) {
  // Of the same name and so of the same identifier, but for its key.
  const TestCertificate namesake({.common_name = "authority", .authority = true});
  EXPECT_SAYS(
      ErrorsOf(Stapled(server_certificate_, namesake.OcspFor(server_certificate_, {}), authority_.Pem())),
      "says nothing of the certificate");
  std::string forged = authority_.OcspFor(server_certificate_, {});
  // Its signature's last byte, which the responder's own certificate follows.
  const size_t certificate = forged.find("\xa0\x82", 100);
  ASSERT_NE(certificate, std::string::npos);
  forged[certificate - 1] = static_cast<char>(forged[certificate - 1] ^ 1);
  EXPECT_SAYS(ErrorsOf(Stapled(server_certificate_, forged, authority_.Pem())),
              "is not signed for the certificate's issuer: ");
}

TEST_F(OcspTest, SendsWhatSaysThatTheCertificateIsRevokedAndWarns) {
  const auto server = With(Stapled({.revoked = true}));
  ASSERT_NE(server, nullptr) << errors_;
  EXPECT_SAYS(errors_, "says that it is revoked or unknown");
  EXPECT_NE(Ask(server), "");
}

TEST_F(OcspTest, IsForServers) {
  EXPECT_EQ(Client("common_tls_context: {tls_certificates: [" + Stapled({}) + "]}\n"), nullptr);
  EXPECT_SAYS(errors_, "ocsp_staple is for servers");
}

TEST_F(OcspTest, IsReadAgainAndShown) {
  const auto server = With(Stapled({.until_s = 600}));
  ASSERT_NE(server, nullptr) << errors_;
  EXPECT_EQ(server->Files().back(), At("staple.der"));
  const std::string next = authority_.OcspFor(server_certificate_, {.until_s = 1200});
  WriteFile("staple.der", next);
  ASSERT_TRUE(server->Refresh().ok());
  EXPECT_EQ(Ask(server), next);
  const auto now = std::chrono::system_clock::now();
  EXPECT_SAYS(CertificatesJson({server}, now), "\"ocsp_details\": {\"valid_from\": \"20");
  const auto left = SecondsUntilFirstStapleExpires({server}, now);
  ASSERT_TRUE(left.has_value());
  EXPECT_GT(*left, 1100);
  EXPECT_LE(*left, 1200);
  EXPECT_EQ(SecondsUntilFirstStapleExpires({server}, now + std::chrono::hours(1)), 0);
  EXPECT_EQ(SecondsUntilFirstStapleExpires({PlainServer()}, now), std::nullopt);
  WriteFile("staple.der", "nothing");
  EXPECT_FALSE(server->Refresh().ok());
  EXPECT_EQ(Ask(server), next) << "the old one stays";
}

}  // namespace
}  // namespace narthex
