#include <filesystem>

#include "source/event/timeout.h"
#include "source/tls/certificate_watch.h"
#include "source/tls/certificates_page.h"
#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

class RotationTest : public TlsRig {
 protected:
  std::string Filename(const std::string& name) const { return "{filename: " + At(name) + "}"; }
  std::string Files() const {
    return "{certificate_chain: " + Filename("cert.pem") + ", private_key: " + Filename("key.pem") + "}";
  }
  void WritePair(const TestCertificate& certificate) const {
    Replace("cert.pem", certificate.Pem());
    Replace("key.pem", certificate.KeyPem());
  }
  // As careful writers do: aside, and then by a rename.
  void Replace(const std::string& name, const std::string& text) const {
    WriteFile(name + ".new", text);
    std::filesystem::rename(At(name + ".new"), At(name));
  }
  std::string Served(const std::shared_ptr<TlsContext>& server) {
    return CertificateFor(server, "a.example");
  }

  static Task<void> UntilMaterialChanges(EventLoop& loop, const TlsContext& context) {
    const auto before = context.material();
    while (context.material() == before) co_await Sleep(loop, 5ms);
  }
  static Task<void> UntilCounted(EventLoop& loop, std::string stat, uint64_t count) {
    while (StatOf(stat) < count) co_await Sleep(loop, 5ms);
  }

  const TestCertificate old_{CertificateRequest{.common_name = "old"}};
  const TestCertificate new_{CertificateRequest{.common_name = "new"}};
};

TEST_F(RotationTest, TakesANewPair) {
  stat_prefix_ = "taken.";
  WritePair(old_);
  const auto server = Server(ServerFields(Files()));
  ASSERT_NE(server, nullptr) << errors_;
  EXPECT_EQ(server->Files(), (std::vector<std::string>{At("cert.pem"), At("key.pem")}));
  EXPECT_EQ(Served(server), "old");
  const auto before = server->material();
  EXPECT_TRUE(server->Refresh().ok());
  EXPECT_EQ(server->material(), before) << "nothing has changed";
  WritePair(new_);
  EXPECT_TRUE(server->Refresh().ok());
  EXPECT_EQ(Served(server), "new");
  EXPECT_EQ(StatOf("taken.server_ssl_socket_factory.ssl_context_update_by_sds"), 1u);
  EXPECT_EQ(StatOf("taken.ssl.context_update_failed"), 0u);
}

TEST_F(RotationTest, KeepsTheOldPairUntilTheNewOneFits) {
  stat_prefix_ = "kept.";
  WritePair(old_);
  const auto server = Server(ServerFields(Files()));
  Replace("cert.pem", new_.Pem());
  const absl::Status half = server->Refresh();
  EXPECT_TRUE(std::string(half.message())
                  .ends_with("common_tls_context.tls_certificates[0].private_key.filename: \"" +
                             At("key.pem") + "\" does not fit the certificate: key values mismatch"))
      << half;
  EXPECT_EQ(Served(server), "old");
  EXPECT_EQ(StatOf("kept.ssl.context_update_failed"), 1u);
  Replace("key.pem", "no key");
  EXPECT_FALSE(server->Refresh().ok());
  std::filesystem::remove(At("key.pem"));
  EXPECT_FALSE(server->Refresh().ok());
  EXPECT_EQ(Served(server), "old");
  Replace("key.pem", new_.KeyPem());
  EXPECT_TRUE(server->Refresh().ok());
  EXPECT_EQ(Served(server), "new");
}

TEST_F(RotationTest, LeavesConnectionsAlone) {
  WritePair(old_);
  const auto server = Server(ServerFields(Files()));
  Connection made = Connect(server, Client(ClientFields("")));
  WritePair(new_);
  ASSERT_TRUE(server->Refresh().ok());
  ASSERT_TRUE(WriteAll(*made.client, "still here"));
  IoResult last;
  EXPECT_EQ(ReadAll(*made.server, last, 10), "still here");
  EXPECT_EQ(made.server->Facts()->local->common_name, "old");
}

TEST_F(RotationTest, ResumesUnderANewCertificateOfTheSameNames) {
  WritePair(old_);
  const TestCertificate renewed({.common_name = "old"});
  const auto server = Server(ServerFields(Files()));
  const auto client = Client(ClientFields("", "max_session_keys: 9\n"));
  TlsClientOptions options{.sessions = std::make_shared<TlsSessionCache>()};
  const auto resumed = [&] {
    Connection made = Connect(server, client, options);
    IoResult last;
    EXPECT_TRUE(WriteAll(*made.server, "x"));
    ReadAll(*made.client, last, 1);
    return made.server->Facts()->resumed;
  };
  EXPECT_FALSE(resumed());
  WritePair(renewed);
  ASSERT_TRUE(server->Refresh().ok());
  EXPECT_TRUE(resumed());
}

TEST_F(RotationTest, NeverResumesUnderOtherAuthorities) {
  Replace("ca.pem", authority_.Pem());
  const TestCertificate client_certificate({.common_name = "client"}, &authority_);
  const auto server = Server(ServerFields(Pair(server_certificate_),
                                          "  validation_context: {trusted_ca: " + Filename("ca.pem") + "}\n",
                                          "require_client_certificate: true\n"));
  const auto client = TrustingClient("  tls_certificates: [" + Pair(client_certificate) + "]\n");
  TlsClientOptions options{.sessions = std::make_shared<TlsSessionCache>()};
  Connection made = Connect(server, client, options);
  ASSERT_TRUE(WriteAll(*made.server, "x"));
  IoResult last;
  ReadAll(*made.client, last, 1);
  Replace("ca.pem", TestCertificate({.common_name = "other", .authority = true}).Pem());
  ASSERT_TRUE(server->Refresh().ok());
  EXPECT_FALSE(Connect(server, client, options).server_result.ok);
}

class AuthorityRotationTest : public RotationTest {
 protected:
  std::shared_ptr<TlsContext> Strict(const std::string& validation) {
    return Server(ServerFields(Pair(server_certificate_), "  validation_context: {" + validation + "}\n",
                               "require_client_certificate: true\n"));
  }
  bool Takes(const std::shared_ptr<TlsContext>& server, const TestCertificate& certificate) {
    return Connect(server, TrustingClient("  tls_certificates: [" + Pair(certificate) + "]\n"))
        .server_result.ok;
  }

  const TestCertificate next_authority_{CertificateRequest{.common_name = "next", .authority = true}};
  const TestCertificate client_{CertificateRequest{.common_name = "client"}, &authority_};
  const TestCertificate next_client_{CertificateRequest{.common_name = "client"}, &next_authority_};
};

TEST_F(AuthorityRotationTest, TakesNewAuthoritiesWhileServing) {
  stat_prefix_ = "authorities.";
  Replace("ca.pem", authority_.Pem());
  const auto server = Strict("trusted_ca: " + Filename("ca.pem"));
  CertificateWatch watch(*loop_, 20ms);
  ASSERT_TRUE(watch.Watch({server}));
  EXPECT_TRUE(Takes(server, client_));
  EXPECT_FALSE(Takes(server, next_client_));
  Replace("ca.pem", "nothing");
  ASSERT_TRUE(RunToEnd(UntilCounted(*loop_, "authorities.ssl.context_update_failed", 1)));
  EXPECT_TRUE(Takes(server, client_)) << "the old ones stay, and none are not all";
  EXPECT_FALSE(Takes(server, next_client_));
  Replace("ca.pem", next_authority_.Pem());
  ASSERT_TRUE(RunToEnd(UntilMaterialChanges(*loop_, *server)));
  EXPECT_FALSE(Takes(server, client_));
  EXPECT_TRUE(Takes(server, next_client_));
}

TEST_F(AuthorityRotationTest, TakesNewRevocationListsWhileServing) {
  stat_prefix_ = "lists.";
  Replace("crl.pem", authority_.CrlPem({}));
  const auto server = Strict("trusted_ca: " + Inline(authority_.Pem()) + ", crl: " + Filename("crl.pem"));
  CertificateWatch watch(*loop_, 20ms);
  ASSERT_TRUE(watch.Watch({server}));
  EXPECT_TRUE(Takes(server, client_));
  Replace("crl.pem", authority_.CrlPem({client_.serial()}));
  ASSERT_TRUE(RunToEnd(UntilMaterialChanges(*loop_, *server)));
  EXPECT_FALSE(Takes(server, client_));
  Replace("crl.pem", "nothing");
  ASSERT_TRUE(RunToEnd(UntilCounted(*loop_, "lists.ssl.context_update_failed", 1)));
  EXPECT_FALSE(Takes(server, client_)) << "the old one stays";
}

TEST_F(RotationTest, WatchesFilesWhileServing) {
  stat_prefix_ = "watched.";
  WritePair(old_);
  const auto server = Server(ServerFields(Files()));
  CertificateWatch watch(*loop_, 20ms);
  ASSERT_TRUE(watch.Watch({server}));
  EXPECT_EQ(Served(server), "old");
  // The half of a change that comes first alone is refused, and the whole taken.
  Replace("cert.pem", new_.Pem());
  ASSERT_TRUE(RunToEnd(UntilCounted(*loop_, "watched.ssl.context_update_failed", 1)));
  EXPECT_EQ(Served(server), "old");
  Replace("key.pem", new_.KeyPem());
  ASSERT_TRUE(RunToEnd(UntilMaterialChanges(*loop_, *server)));
  EXPECT_EQ(Served(server), "new");
  watch.Watch({});
  WritePair(old_);
  for (int i = 0; i < 10; ++i) loop_->RunOnce();
  EXPECT_EQ(Served(server), "new");
}

TEST_F(RotationTest, WatchesThroughLinksOfFolders) {
  // As Kubernetes mounts secrets: the files are links through a folder that is a link.
  for (const char* version : {"v1", "v2"}) std::filesystem::create_directory(At(version));
  WriteFile("v1/cert.pem", old_.Pem());
  WriteFile("v1/key.pem", old_.KeyPem());
  WriteFile("v2/cert.pem", new_.Pem());
  WriteFile("v2/key.pem", new_.KeyPem());
  std::filesystem::create_symlink("v1", At("data"));
  std::filesystem::create_symlink("data/cert.pem", At("cert.pem"));
  std::filesystem::create_symlink("data/key.pem", At("key.pem"));
  const auto server = Server(ServerFields(Files()));
  CertificateWatch watch(*loop_, 20ms);
  ASSERT_TRUE(watch.Watch({server}));
  std::filesystem::create_symlink("v2", At("data.new"));
  std::filesystem::rename(At("data.new"), At("data"));
  ASSERT_TRUE(RunToEnd(UntilMaterialChanges(*loop_, *server)));
  EXPECT_EQ(Served(server), "new");
}

TEST_F(RotationTest, WatchesFilesOfSecretsAndWhatTheyName) {
  const auto secret = [&](const std::string& certificate) {
    return "resources:\n- '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n"
           "  name: mine\n  tls_certificate: " +
           certificate + "\n";
  };
  Replace("sds.yaml", secret(Pair(old_)));
  const auto server = Server(
      "common_tls_context: {tls_certificate_sds_secret_configs: [{name: mine, sds_config: "
      "{path_config_source: {path: " +
      At("sds.yaml") + ", watched_directory: {path: " + folder_ + "}}}}]}\n");
  ASSERT_NE(server, nullptr) << errors_;
  EXPECT_EQ(Served(server), "old");
  CertificateWatch watch(*loop_, 20ms);
  ASSERT_TRUE(watch.Watch({server}));
  WritePair(new_);
  Replace("sds.yaml", secret(Files()));
  ASSERT_TRUE(RunToEnd(UntilMaterialChanges(*loop_, *server)));
  EXPECT_EQ(Served(server), "new");
  for (int i = 0; i < 3; ++i) loop_->RunOnce();
  Replace("key.pem", old_.KeyPem());
  Replace("cert.pem", old_.Pem());
  ASSERT_TRUE(RunToEnd(UntilMaterialChanges(*loop_, *server)));
  EXPECT_EQ(Served(server), "old");
}

TEST_F(RotationTest, ShowsCertificatesAndNoKeys) {
  const TestCertificate certificate({.common_name = "shown",
                                     .names = {"DNS:a.example", "URI:spiffe://a/b", "IP:10.0.0.1"},
                                     .serial = 0xabc,
                                     .valid_for_s = 10 * 86400 + 60});
  WritePair(certificate);
  const auto server =
      Server(ServerFields(Files(), "  validation_context: {trusted_ca: " + Inline(authority_.Pem()) + "}\n"));
  ASSERT_NE(server, nullptr) << errors_;
  const auto now = std::chrono::system_clock::now();
  const std::string json = CertificatesJson({server}, now);
  EXPECT_NE(
      json.find(
          "{\"path\": \"" + At("cert.pem") +
          "\", \"serial_number\": \"0abc\", \"subject_alt_names\": [{\"dns\": \"a.example\"}, {\"uri\": "
          "\"spiffe://a/b\"}, {\"ip_address\": \"10.0.0.1\"}], \"days_until_expiration\": \"10\", "
          "\"valid_from\": \"20"),
      std::string::npos)
      << json;
  EXPECT_NE(json.find("\"ca_cert\": [\n    {\"path\": \"<inline>\""), std::string::npos) << json;
  EXPECT_EQ(json.find("PRIVATE"), std::string::npos);
  EXPECT_EQ(DaysUntilFirstExpiry({server}, now), 10);
  EXPECT_EQ(DaysUntilFirstExpiry({server}, now + std::chrono::hours(24 * 11)), 0);
  EXPECT_EQ(DaysUntilFirstExpiry({}, now), std::nullopt);
}

}  // namespace
}  // namespace narthex
