#include "test/tls/tls_rig.h"

namespace narthex {
namespace {

using Key = CertificateRequest::Key;

std::string Params(const std::string& fields) {
  return "  tls_params: {" + fields + "}\n";
}
const std::string kTls12 = Params("tls_maximum_protocol_version: TLSv1_2");
const std::string kTls13 = Params("tls_minimum_protocol_version: TLSv1_3");

class HandshakeTest : public TlsRig {};

TEST_F(HandshakeTest, SpeaksTls13) {
  const Connection made = Connect(PlainServer(), TrustingClient(), {.server_name = "server.example"});
  ASSERT_TRUE(made.ok()) << made.client_result.error << made.server_result.error;
  const auto facts = made.server->Facts();
  EXPECT_EQ(facts->version, "TLSv1.3");
  EXPECT_EQ(facts->cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(facts->cipher_id, 0x1301);
  EXPECT_EQ(facts->group, "X25519");
  EXPECT_EQ(facts->server_name, "server.example");
  EXPECT_EQ(facts->alpn, "");
  EXPECT_FALSE(facts->resumed);
  EXPECT_EQ(facts->peer(), nullptr);
  EXPECT_FALSE(facts->peer_validated);
  EXPECT_EQ(facts->local->subject, "CN=server");
  const auto seen = made.client->Facts();
  EXPECT_TRUE(seen->peer_validated);
  ASSERT_NE(seen->peer(), nullptr);
  EXPECT_EQ(seen->peer()->issuer, "CN=authority");
  EXPECT_EQ(seen->peer()->names.dns, (std::vector<std::string>{"server.example", "*.wild.example"}));
  EXPECT_EQ(seen->peer()->sha256_fingerprint, server_certificate_.Sha256Hex());
  EXPECT_EQ(seen->peer()->UrlEncodedPem().substr(0, 34), "-----BEGIN%20CERTIFICATE-----%0AMI");
}

TEST_F(HandshakeTest, SpeaksTls12) {
  const Connection made = Connect(PlainServer(), TrustingClient(kTls12));
  ASSERT_TRUE(made.ok()) << made.client_result.error;
  EXPECT_EQ(made.server->Facts()->version, "TLSv1.2");
  EXPECT_EQ(made.server->Facts()->cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_FALSE(made.server->Facts()->session_id.empty() && made.client->Facts()->session_id.empty());
}

TEST_F(HandshakeTest, RefusesAVersionThatTheOtherLacks) {
  const auto server = Server(ServerFields(Pair(server_certificate_), kTls13));
  const Connection made = Connect(server, TrustingClient(kTls12));
  EXPECT_FALSE(made.server_result.ok);
  EXPECT_EQ(made.server_result.error, "TLS error: unsupported protocol");
  EXPECT_EQ(made.client_result.error, "TLS error: tlsv1 alert protocol version");
}

TEST_F(HandshakeTest, NegotiatesConfiguredCiphersCurvesAndSignatures) {
  const auto server = Server(
      ServerFields(Pair(server_certificate_), Params("ecdh_curves: [P-384, P-256], cipher_suites: "
                                                     "['[ECDHE-ECDSA-CHACHA20-POLY1305|ECDHE-ECDSA-AES256-"
                                                     "GCM-SHA384]']")));
  const Connection made = Connect(
      server,
      TrustingClient(Params("tls_maximum_protocol_version: TLSv1_2, ecdh_curves: [X25519, P-256, P-384],"
                            "cipher_suites: [ECDHE-ECDSA-AES256-GCM-SHA384],"
                            "signature_algorithms: [ecdsa_secp256r1_sha256]")));
  ASSERT_TRUE(made.ok()) << errors_ << made.client_result.error;
  EXPECT_EQ(made.client->Facts()->cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
  EXPECT_EQ(made.client->Facts()->group, "P-384");
  const Connection none = Connect(server, TrustingClient(Params("ecdh_curves: [X25519]")));
  EXPECT_FALSE(none.ok());
}

TEST_F(HandshakeTest, PrefersTheServersOrderUnlessToldOtherwise) {
  const std::string suites = "cipher_suites: [ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-ECDSA-AES128-GCM-SHA256]";
  const std::string reversed =
      "tls_maximum_protocol_version: TLSv1_2, cipher_suites: "
      "[ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-ECDSA-AES256-GCM-SHA384]";
  const auto client = TrustingClient(Params(reversed));
  const Connection first = Connect(Server(ServerFields(Pair(server_certificate_), Params(suites))), client);
  EXPECT_EQ(first.client->Facts()->cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
  const auto lenient =
      Server(ServerFields(Pair(server_certificate_), Params(suites), "prefer_client_ciphers: true\n"));
  EXPECT_EQ(Connect(lenient, client).client->Facts()->cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(HandshakeTest, ChoosesTheProtocolInTheServersOrder) {
  const auto server = Server(ServerFields(Pair(server_certificate_), "  alpn_protocols: [h2, http/1.1]\n"));
  const auto client = [&](const std::string& offered) {
    return Client("common_tls_context: {alpn_protocols: [" + offered + "]}\n");
  };
  EXPECT_EQ(Connect(server, client("http/1.1, h2")).client->alpn(), "h2");
  EXPECT_EQ(Connect(server, client("http/1.1")).server->Facts()->alpn, "http/1.1");
  const Connection other = Connect(server, client("acme"));
  EXPECT_TRUE(other.ok());
  EXPECT_EQ(other.client->alpn(), "");
  // What a connection would offer stands in where the configuration says nothing.
  EXPECT_EQ(Connect(server, client("h2"), {.alpn = {"http/1.1"}}).server->alpn(), "h2");
  const auto silent = Client("common_tls_context: {}\n");
  EXPECT_EQ(Connect(server, silent, {.alpn = {"http/1.1"}}).server->alpn(), "http/1.1");
}

TEST_F(HandshakeTest, ChoosesTheCertificateByName) {
  const TestCertificate first({.common_name = "first", .names = {"DNS:first.example"}});
  const TestCertificate wild({.common_name = "wild", .names = {"DNS:*.b.example"}});
  const TestCertificate exact({.common_name = "exact", .names = {"DNS:a.b.example"}});
  const TestCertificate plain({.common_name = "plain.example"});
  const auto server =
      Server(ServerFields(Pair(first) + ", " + Pair(wild) + ", " + Pair(exact) + ", " + Pair(plain)));
  EXPECT_EQ(CertificateFor(server, "a.b.example"), "exact");
  EXPECT_EQ(CertificateFor(server, "A.B.Example"), "exact");
  EXPECT_EQ(CertificateFor(server, "c.b.example"), "wild");
  EXPECT_EQ(CertificateFor(server, "d.c.b.example"), "first");
  EXPECT_EQ(CertificateFor(server, "b.example"), "first");
  EXPECT_EQ(CertificateFor(server, "plain.example"), "plain.example");
  EXPECT_EQ(CertificateFor(server, ""), "first");
}

TEST_F(HandshakeTest, ChoosesTheCertificateByWhatTheClientCan) {
  const TestCertificate rsa({.common_name = "rsa", .names = {"DNS:a.example"}, .key = Key::kRsa2048});
  const TestCertificate ecdsa({.common_name = "ecdsa", .names = {"DNS:a.example"}});
  const auto server = Server(ServerFields(Pair(rsa) + ", " + Pair(ecdsa)));
  const std::string rsa_only = Params("signature_algorithms: [rsa_pss_rsae_sha256]");
  const std::string old_rsa =
      Params("tls_maximum_protocol_version: TLSv1_2, cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]");
  EXPECT_EQ(CertificateFor(server, "a.example"), "ecdsa");
  EXPECT_EQ(CertificateFor(server, "a.example", kTls12), "ecdsa");
  EXPECT_EQ(CertificateFor(server, "a.example", rsa_only), "rsa");
  EXPECT_EQ(CertificateFor(server, "a.example", old_rsa), "rsa");
}

// Of one name and kind, too, the first that the client can use.
TEST_F(HandshakeTest, LooksBeyondTheFirstCertificateOfAName) {
  const auto make = [](const std::string& name, Key key) {
    return TestCertificate({.common_name = name, .names = {"DNS:a.example", "DNS:*.b.example"}, .key = key});
  };
  const TestCertificate ed = make("ed", Key::kEd25519), rsa = make("rsa", Key::kRsa2048);
  const TestCertificate p384 = make("p384", Key::kEcdsaP384), p256 = make("p256", Key::kEcdsaP256);
  const auto others = Server(ServerFields(Pair(ed) + ", " + Pair(rsa)));
  const auto others_turned = Server(ServerFields(Pair(rsa) + ", " + Pair(ed)));
  const auto curves = Server(ServerFields(Pair(p384) + ", " + Pair(p256)));
  const auto with = [](const std::string& signature) {
    return Params("signature_algorithms: [" + signature + "]");
  };
  for (const char* name : {"a.example", "x.b.example"}) {
    for (const auto& server : {others, others_turned}) {
      EXPECT_EQ(CertificateFor(server, name, with("rsa_pss_rsae_sha256")), "rsa");
      EXPECT_EQ(CertificateFor(server, name, with("ed25519")), "ed");
    }
    EXPECT_EQ(CertificateFor(curves, name, with("ecdsa_secp256r1_sha256")), "p256");
    EXPECT_EQ(CertificateFor(curves, name, with("ecdsa_secp384r1_sha384")), "p384");
  }
  EXPECT_EQ(CertificateFor(others, "a.example"), "ed") << "both would do";
  EXPECT_EQ(CertificateFor(curves, "a.example"), "p384");
  const std::string old = "tls_maximum_protocol_version: TLSv1_2, cipher_suites: [";
  EXPECT_EQ(CertificateFor(others, "a.example", Params(old + "ECDHE-RSA-AES128-GCM-SHA256]")), "rsa");
  EXPECT_EQ(CertificateFor(others_turned, "a.example", Params(old + "ECDHE-ECDSA-AES128-GCM-SHA256]")), "ed");
  EXPECT_EQ(CertificateFor(curves, "a.example",
                           Params(old + "ECDHE-ECDSA-AES128-GCM-SHA256], ecdh_curves: [P-256]")),
            "p256");
}

// Who has no key share for a common group is asked for another hello (HelloRetryRequest).
TEST_F(HandshakeTest, TakesASecondHello) {
  const TestCertificate other({.common_name = "other", .names = {"DNS:other.example"}});
  const std::string both = Pair(server_certificate_) + ", " + Pair(other);
  const std::string far_first = Params("ecdh_curves: [P-521, P-256]");
  const std::shared_ptr<TlsContext> servers[] = {
      Server(ServerFields(both)), Server(ServerFields(both, Params("ecdh_curves: [P-256]"))),
      Server(ServerFields(both, "  alpn_protocols: [h2]\n", "require_sni: true\n"))};
  for (const auto& server : servers) {
    EXPECT_EQ(CertificateFor(server, "other.example", far_first), "other");
    EXPECT_EQ(CertificateFor(server, "server.example", far_first), "server");
  }
  EXPECT_EQ(CertificateFor(servers[1], "other.example"), "other") << "X25519 first";
  EXPECT_EQ(CertificateFor(servers[0], "", far_first), "server");
  const Connection made =
      Connect(servers[2], Client(ClientFields(far_first)), {.server_name = "other.example", .alpn = {"h2"}});
  ASSERT_TRUE(made.ok()) << made.server_result.error;
  EXPECT_EQ(made.server->Facts()->group, "P-256");
  EXPECT_EQ(made.server->Facts()->server_name, "other.example");
  EXPECT_EQ(made.server->Facts()->local->common_name, "other");
  EXPECT_EQ(made.server->alpn(), "h2");
}

TEST_F(HandshakeTest, ScansCertificatesOnAMismatchWhenAskedTo) {
  const TestCertificate ecdsa({.common_name = "ecdsa", .names = {"DNS:a.example"}});
  const TestCertificate rsa({.common_name = "rsa", .names = {"DNS:b.example"}, .key = Key::kRsa2048});
  const std::string both = Pair(ecdsa) + ", " + Pair(rsa);
  const std::string rsa_only = Params("signature_algorithms: [rsa_pss_rsae_sha256]");
  const auto strict = Server(ServerFields(both));
  EXPECT_EQ(CertificateFor(strict, "other.example", rsa_only).substr(0, 13), "no connection");
  const auto scanning = Server(ServerFields(both, "", "full_scan_certs_on_sni_mismatch: true\n"));
  EXPECT_EQ(CertificateFor(scanning, "other.example", rsa_only), "rsa");
  EXPECT_EQ(CertificateFor(scanning, "other.example"), "ecdsa");
}

TEST_F(HandshakeTest, ServesEveryKindOfKey) {
  for (const Key key : {Key::kEcdsaP384, Key::kRsa2048, Key::kEd25519}) {
    const TestCertificate certificate({.common_name = "kind", .key = key});
    const auto server = Server(ServerFields(Pair(certificate)));
    EXPECT_EQ(CertificateFor(server, "a.example"), "kind");
    EXPECT_EQ(CertificateFor(server, "a.example", kTls12), "kind");
  }
}

TEST_F(HandshakeTest, AsksForTheNameThatIsConfigured) {
  const auto server = PlainServer();
  const auto name_for = [&](const std::string& more, TlsClientOptions options) {
    return Connect(server, Client(ClientFields("", more)), std::move(options)).server->Facts()->server_name;
  };
  EXPECT_EQ(name_for("", {.host_name = "host.example"}), "");
  EXPECT_EQ(name_for("sni: a.example\n", {.host_name = "host.example"}), "a.example");
  EXPECT_EQ(name_for("sni: a.example\nauto_host_sni: true\n", {.host_name = "host.example"}), "host.example");
  EXPECT_EQ(name_for("sni: a.example\nauto_host_sni: true\n", {}), "a.example");
  EXPECT_EQ(name_for("sni: a.example\n", {.server_name = "asked.example"}), "asked.example");
  EXPECT_EQ(name_for("", {.server_name = "10.0.0.1"}), "");
}

TEST_F(HandshakeTest, CountsByEnvoysNames) {
  stat_prefix_ = "listener.counted.";
  const auto server = PlainServer();
  stat_prefix_ = "cluster.counted.";
  ASSERT_TRUE(Connect(server, TrustingClient(kTls12)).ok());
  EXPECT_EQ(StatOf("listener.counted.ssl.handshake"), 1u);
  EXPECT_EQ(StatOf("listener.counted.ssl.no_certificate"), 1u);
  EXPECT_EQ(StatOf("listener.counted.ssl.versions.TLSv1.2"), 1u);
  EXPECT_EQ(StatOf("listener.counted.ssl.ciphers.ECDHE-ECDSA-AES128-GCM-SHA256"), 1u);
  EXPECT_EQ(StatOf("listener.counted.ssl.curves.X25519"), 1u);
  EXPECT_EQ(StatOf("cluster.counted.ssl.handshake"), 1u);
  EXPECT_EQ(StatOf("cluster.counted.ssl.no_certificate"), 0u);
}

TEST_F(HandshakeTest, MayInsistOnANameThatItHas) {
  const auto server = Server(ServerFields(Pair(server_certificate_), "", "require_sni: true\n"));
  for (const char* name : {"server.example", "SERVER.example", "a.wild.example"}) {
    EXPECT_TRUE(Connect(server, Client(ClientFields("")), {.server_name = name}).ok()) << name;
  }
  for (const std::string& version : {kTls12, kTls13}) {
    EXPECT_EQ(Connect(server, Client(ClientFields(version))).server_result.error,
              "TLS error: the client asks for no server name");
    EXPECT_EQ(
        Connect(server, Client(ClientFields(version)), {.server_name = "other.example"}).server_result.error,
        "TLS error: the client asks for a server name that no certificate has");
  }
}

}  // namespace
}  // namespace narthex
