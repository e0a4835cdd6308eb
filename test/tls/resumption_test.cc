#include "source/tls/client_hello.h"
#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

const std::string kTls12 = "  tls_params: {tls_maximum_protocol_version: TLSv1_2}\n";

class ResumptionTest : public TlsRig {
 protected:
  // Connects twice with the sessions of one client, to one server and then to another. Whether the second was
  // resumed.
  bool Resumes(const std::shared_ptr<TlsContext>& first, const std::shared_ptr<TlsContext>& second,
               const std::shared_ptr<TlsContext>& client) {
    TlsClientOptions options{.server_name = "server.example",
                             .sessions = std::make_shared<TlsSessionCache>()};
    EXPECT_FALSE(ConnectOnce(first, client, options));
    return ConnectOnce(second, client, options);
  }
  bool Resumes(const std::shared_ptr<TlsContext>& server, const std::shared_ptr<TlsContext>& client) {
    return Resumes(server, server, client);
  }
  bool ConnectOnce(const std::shared_ptr<TlsContext>& server, const std::shared_ptr<TlsContext>& client,
                   const TlsClientOptions& options) {
    Connection made = Connect(server, client, options);
    EXPECT_TRUE(made.ok()) << made.client_result.error << made.server_result.error;
    if (!made.ok()) return false;
    // Tickets of TLS 1.3 come behind the handshake.
    EXPECT_TRUE(WriteAll(*made.server, "x"));
    IoResult last;
    EXPECT_EQ(ReadAll(*made.client, last, 1), "x");
    EXPECT_EQ(made.server->Facts()->resumed, made.client->Facts()->resumed);
    last_ = made.server->Facts();
    return last_->resumed;
  }
  std::string Ca() const { return "  validation_context: {trusted_ca: " + Inline(authority_.Pem()) + "}\n"; }

  std::shared_ptr<const TlsFacts> last_;
};

TEST_F(ResumptionTest, ResumesWithTickets) {
  stat_prefix_ = "resumed.";
  EXPECT_TRUE(Resumes(PlainServer(), TrustingClient()));
  EXPECT_EQ(StatOf("resumed.ssl.session_reused"), 2u);
  EXPECT_TRUE(Resumes(PlainServer(), TrustingClient(kTls12)));
}

TEST_F(ResumptionTest, GivesANewTicketWithEachResumption) {
  for (const std::string& version : {std::string(), kTls12}) {
    const auto server = PlainServer();
    const auto client = TrustingClient(version);
    TlsClientOptions options{.server_name = "server.example",
                             .sessions = std::make_shared<TlsSessionCache>()};
    EXPECT_FALSE(ConnectOnce(server, client, options));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(ConnectOnce(server, client, options)) << version << i;
  }
}

TEST_F(ResumptionTest, ResumesStatefullyWithoutTickets) {
  const auto server =
      Server(ServerFields(Pair(server_certificate_), "", "disable_stateless_session_resumption: true\n"));
  EXPECT_TRUE(Resumes(server, TrustingClient()));
  EXPECT_TRUE(Resumes(server, TrustingClient(kTls12)));
}

TEST_F(ResumptionTest, DoesNotResumeWhatIsSwitchedOff) {
  const auto server = Server(ServerFields(Pair(server_certificate_), "",
                                          "disable_stateless_session_resumption: true\n"
                                          "disable_stateful_session_resumption: true\n"));
  EXPECT_FALSE(Resumes(server, TrustingClient()));
  EXPECT_FALSE(Resumes(server, TrustingClient(kTls12)));
  EXPECT_FALSE(Resumes(PlainServer(), TrustingClient("", "max_session_keys: 0\n")));
}

TEST_F(ResumptionTest, ResumesWithTicketsAloneWhenNothingIsKept) {
  const auto server =
      Server(ServerFields(Pair(server_certificate_), "", "disable_stateful_session_resumption: true\n"));
  EXPECT_TRUE(Resumes(server, TrustingClient()));
  EXPECT_TRUE(Resumes(server, TrustingClient(kTls12)));
}

TEST_F(ResumptionTest, NeverResumesUnderAnotherContext) {
  ticket_keys_ = TicketKeys::MakeRotating();
  const auto open = Server(ServerFields(Pair(server_certificate_)));
  const auto strict = Server(ServerFields(Pair(server_certificate_), Ca()));
  for (const std::string& version : {std::string(), kTls12}) {
    EXPECT_TRUE(Resumes(open, Server(ServerFields(Pair(server_certificate_))), TrustingClient(version)))
        << "the same configuration with the same keys";
    EXPECT_FALSE(Resumes(open, strict, TrustingClient(version)));
    EXPECT_FALSE(Resumes(strict, open, TrustingClient(version)));
  }
}

TEST_F(ResumptionTest, KeepsWhoTheClientIs) {
  const TestCertificate certificate({.common_name = "client"}, &authority_);
  const auto server =
      Server(ServerFields(Pair(server_certificate_), Ca(), "require_client_certificate: true\n"));
  for (const std::string& version : {std::string(), kTls12}) {
    const auto client = TrustingClient("  tls_certificates: [" + Pair(certificate) + "]\n" + version);
    EXPECT_TRUE(Resumes(server, client));
    EXPECT_TRUE(last_->peer_validated);
    ASSERT_NE(last_->peer(), nullptr);
    EXPECT_EQ(last_->peer()->common_name, "client");
  }
}

TEST_F(ResumptionTest, VerifiesAClientAgainWhenItsTicketsAreUsed) {
  const TestCertificate certificate({.common_name = "client"}, &authority_);
  const auto server =
      Server(ServerFields(Pair(server_certificate_), Ca(), "require_client_certificate: true\n"));
  const auto client = TrustingClient("  tls_certificates: [" + Pair(certificate) + "]\n");
  TlsClientOptions options{.server_name = "server.example", .sessions = std::make_shared<TlsSessionCache>()};
  EXPECT_FALSE(ConnectOnce(server, client, options));
  EXPECT_TRUE(ConnectOnce(server, client, options));
  EXPECT_FALSE(ConnectOnce(server, client, options));
}

TEST_F(ResumptionTest, OffersASessionOnlyWhereTheSameNameWasChecked) {
  const auto server = PlainServer();
  const auto client = TrustingClient();
  TlsClientOptions options{.server_name = "server.example", .sessions = std::make_shared<TlsSessionCache>()};
  EXPECT_FALSE(ConnectOnce(server, client, options));
  EXPECT_EQ(options.sessions->size(), 1u);
  options.server_name = "a.wild.example";
  EXPECT_FALSE(ConnectOnce(server, client, options));
  options.verify_names = {"a.wild.example"};
  EXPECT_FALSE(ConnectOnce(server, client, options));
  EXPECT_TRUE(ConnectOnce(server, client, options));
}

TEST_F(ResumptionTest, KeepsAsManySessionsAsConfigured) {
  const auto client = TrustingClient("", "max_session_keys: 3\n");
  TlsClientOptions options{.server_name = "server.example", .sessions = std::make_shared<TlsSessionCache>()};
  for (int i = 0; i < 3; ++i) ConnectOnce(PlainServer(), client, options);
  EXPECT_EQ(options.sessions->size(), 3u);
}

TEST_F(ResumptionTest, TakesTicketsOfTheKeysBefore) {
  std::chrono::seconds now{1000};
  ticket_keys_ = TicketKeys::MakeRotating([&now] { return now; });
  const auto server = PlainServer();
  const auto client = TrustingClient();
  TlsClientOptions options{.server_name = "server.example", .sessions = std::make_shared<TlsSessionCache>()};
  EXPECT_FALSE(ConnectOnce(server, client, options));
  now += TicketKeys::kRotation;
  EXPECT_TRUE(ConnectOnce(server, client, options)) << "sealed by the key before";
  now += TicketKeys::kRotation * (TicketKeys::kKept + 1);
  EXPECT_FALSE(ConnectOnce(server, client, options)) << "the key is gone";
}

TEST_F(ResumptionTest, SharesTicketKeysOfFiles) {
  WriteFile("new.key", std::string(80, 'n'));
  WriteFile("old.key", std::string(80, 'o'));
  const auto with = [&](const std::string& keys) {
    return Server(
        ServerFields(Pair(server_certificate_), "", "session_ticket_keys: {keys: [" + keys + "]}\n"));
  };
  const std::string old_key = "{filename: " + At("old.key") + "}",
                    new_key = "{filename: " + At("new.key") + "}";
  EXPECT_TRUE(Resumes(with(old_key), with(old_key), TrustingClient()));
  EXPECT_FALSE(Resumes(with(old_key), with(new_key), TrustingClient()));
}

TEST_F(ResumptionTest, EndsWithItsTimeout) {
  const auto server = Server(ServerFields(Pair(server_certificate_), kTls12, "session_timeout: 0s\n"));
  EXPECT_FALSE(Resumes(server, TrustingClient()));
}

}  // namespace
}  // namespace narthex
