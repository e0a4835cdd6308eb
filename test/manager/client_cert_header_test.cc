#include "source/manager/client_cert_header.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/tls/facts.h"

namespace narthex {
namespace {

using Forwarding = ClientCertForwarding;

constexpr std::string_view kName = "x-forwarded-client-cert";

std::shared_ptr<TlsFacts> Facts() {
  auto facts = std::make_shared<TlsFacts>();
  CertificateFacts peer;
  peer.subject = "CN=client,O=\\\"Quoted\\\" Ltd";
  peer.issuer = "CN=root";
  peer.sha256_fingerprint = "ab12";
  peer.pem = "-----BEGIN\n";
  peer.names.uri = {"spiffe://a/client"};
  peer.names.dns = {"client.example", "other.example"};
  facts->peer_chain.push_back(peer);
  auto local = std::make_shared<CertificateFacts>();
  local->names.uri = {"spiffe://a/gateway"};
  facts->local = local;
  return facts;
}

// What becomes of "theirs"; "-" when nothing is left.
std::string After(const ClientCertPolicy& policy, std::shared_ptr<const TlsFacts> tls,
                  std::string_view before = "theirs") {
  ConnectionFacts connection;
  if (tls != nullptr) connection.Detail([&](ConnectionDetails& known) { known.tls = tls; });
  HeaderMap headers;
  if (!before.empty()) headers.Add(kName, before);
  SetClientCertHeader(policy, connection, headers);
  return headers.Has(kName) ? std::string(headers.Get(kName)) : "-";
}

TEST(ClientCertHeader, IsKeptOnlyWhereTheClientIsToBeBelieved) {
  struct Row {
    Forwarding forwarding;
    const char* without_tls;
    const char* with_certificate;
  };
  const Row rows[] = {
      {Forwarding::kSanitize, "-", "-"},
      {Forwarding::kForwardOnly, "-", "theirs"},
      {Forwarding::kAppendForward, "-", "theirs,By=spiffe://a/gateway;Hash=ab12"},
      {Forwarding::kSanitizeSet, "-", "By=spiffe://a/gateway;Hash=ab12"},
      {Forwarding::kAlwaysForwardOnly, "theirs", "theirs"},
  };
  for (const Row& row : rows) {
    const ClientCertPolicy policy{.forwarding = row.forwarding};
    EXPECT_EQ(After(policy, nullptr), row.without_tls) << static_cast<int>(row.forwarding);
    EXPECT_EQ(After(policy, Facts()), row.with_certificate) << static_cast<int>(row.forwarding);
    auto anonymous = Facts();
    anonymous->peer_chain.clear();
    EXPECT_EQ(After(policy, anonymous), row.without_tls) << static_cast<int>(row.forwarding);
  }
}

TEST(ClientCertHeader, SaysWhatIsAskedFor) {
  const ClientCertPolicy all{.forwarding = Forwarding::kSanitizeSet,
                             .cert = true,
                             .chain = true,
                             .subject = true,
                             .issuer = true,
                             .uri = true,
                             .dns = true};
  EXPECT_EQ(After(all, Facts()),
            "By=spiffe://a/gateway;Hash=ab12;Cert=\"-----BEGIN%0A\";Chain=\"-----BEGIN%0A\";"
            "Subject=\"CN=client,O=\\\"Quoted\\\" Ltd\";URI=spiffe://a/client;"
            "DNS=client.example;DNS=other.example;Issuer=\"CN=root\"");
}

TEST(ClientCertHeader, NamesNoUriWhereThereIsNone) {
  auto facts = Facts();
  facts->local = nullptr;
  facts->peer_chain[0].names.uri.clear();
  EXPECT_EQ(After({.forwarding = Forwarding::kSanitizeSet, .uri = true}, facts, ""), "Hash=ab12;URI=");
}

TEST(ClientCertHeader, AppendsBehindEveryLineOfTheOld) {
  ConnectionFacts connection;
  connection.Detail([&](ConnectionDetails& known) { known.tls = Facts(); });
  HeaderMap headers;
  headers.Add(kName, "one");
  headers.Add(kName, "two");
  SetClientCertHeader({.forwarding = Forwarding::kAppendForward}, connection, headers);
  EXPECT_EQ(headers.Get(kName), "one,two,By=spiffe://a/gateway;Hash=ab12");
}

TEST(ClientCertHeader, ACertificatesNamesCannotPassForOtherElements) {
  auto facts = Facts();
  facts->local = nullptr;
  facts->peer_chain[0].names.uri = {"spiffe://a/x,Hash=00;URI=\"spiffe://a/admin\""};
  EXPECT_EQ(After({.forwarding = Forwarding::kSanitizeSet, .uri = true}, facts),
            "Hash=ab12;URI=\"spiffe://a/x,Hash=00;URI=\\\"spiffe://a/admin\\\"\"");
  facts->peer_chain[0].names.uri = {"spiffe://a/x\r\nadmin: yes"};
  EXPECT_EQ(After({.forwarding = Forwarding::kSanitizeSet, .uri = true}, facts), "-");
}

}  // namespace
}  // namespace narthex
