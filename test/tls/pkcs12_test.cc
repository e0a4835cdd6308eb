#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

// Certificates and keys in one file.
class Pkcs12Test : public TlsRig {
 protected:
  std::string File(const std::string& bytes, const std::string& more = {}) const {
    WriteFile("pair.p12", bytes);
    return "{pkcs12: {filename: " + At("pair.p12") + "}" + more + "}";
  }
  std::string ErrorsOf(const std::string& certificate) {
    EXPECT_EQ(Server(ServerFields(certificate)), nullptr);
    return errors_;
  }
};

TEST_F(Pkcs12Test, ServesWithItsChain) {
  const TestCertificate between({.common_name = "between", .authority = true}, &authority_);
  const TestCertificate leaf({.common_name = "leaf", .names = {"DNS:server.example"}}, &between);
  const auto server = Server(
      ServerFields(File(leaf.Pkcs12("secret", between), ", password: {inline_string: \"secret\\n\"}")));
  ASSERT_NE(server, nullptr) << errors_;
  const Connection made = Connect(server, TrustingClient(), {.server_name = "server.example"});
  ASSERT_TRUE(made.ok()) << made.client_result.error;
  ASSERT_EQ(made.client->Facts()->peer_chain.size(), 2u);
  EXPECT_EQ(made.client->Facts()->peer_chain[1].common_name, "between");
  EXPECT_EQ(server->material()->Certificates()[0].origin, At("pair.p12"));
}

TEST_F(Pkcs12Test, MayHaveNoPassword) {
  EXPECT_NE(Server(ServerFields(File(server_certificate_.Pkcs12("", authority_)))), nullptr) << errors_;
}

TEST_F(Pkcs12Test, IsAClientsToo) {
  const std::string yaml = File(server_certificate_.Pkcs12("", authority_));
  EXPECT_NE(Client("common_tls_context: {tls_certificates: [" + yaml + "]}\n"), nullptr) << errors_;
}

TEST_F(Pkcs12Test, SaysWhatIsWrong) {
  const std::string sealed = server_certificate_.Pkcs12("secret", authority_);
  const std::string at =
      "common_tls_context.tls_certificates[0].pkcs12.filename: \"" + At("pair.p12") + "\" ";
  EXPECT_SAYS(ErrorsOf(File("nothing")), at + "holds no PKCS #12 in DER form");
  EXPECT_SAYS(ErrorsOf(File(sealed)), at + "is encrypted, and there is no password");
  EXPECT_SAYS(ErrorsOf(File(sealed, ", password: {inline_string: wrong}")),
              "tls_certificates[0].password.inline_string: does not open the PKCS #12 file: ");
  const TestCertificate weak({.key = CertificateRequest::Key::kRsa1024});
  EXPECT_SAYS(ErrorsOf(File(weak.Pkcs12("", authority_))), at + "has an RSA key of 1024 bits");
  EXPECT_SAYS(ErrorsOf(File(sealed, ", private_key: {inline_string: x}")),
              "pkcs12: cannot stand beside certificate_chain and private_key");
}

TEST_F(Pkcs12Test, IsReadAgain) {
  const auto server = Server(ServerFields(File(server_certificate_.Pkcs12("", authority_))));
  ASSERT_NE(server, nullptr) << errors_;
  WriteFile("pair.p12", TestCertificate({.common_name = "next"}, &authority_).Pkcs12("", authority_));
  ASSERT_TRUE(server->Refresh().ok());
  EXPECT_EQ(CertificateFor(server, "a.example"), "next");
}

TEST_F(Pkcs12Test, RefusesKeysOfProviders) {
  EXPECT_SAYS(ErrorsOf("{certificate_chain: {inline_string: x}, private_key_provider: {provider_name: a}}"),
              "field \"private_key_provider\" exists in Envoy v3 but is not supported");
}

}  // namespace
}  // namespace narthex
