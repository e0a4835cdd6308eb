#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "source/substitution/operators.h"
#include "source/tls/facts.h"

namespace narthex {
namespace {

using Argument = FormatOperator::Argument;

// A function that reads one thing of the connection's TLS, and is absent without it.
template <auto Read>
void OfTls(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.exchange == nullptr || c.exchange->connection().tls() == nullptr) return;
  Read(*c.exchange->connection().tls(), v);
}

// Likewise of the client's certificate, and of the one that the listener presented.
template <auto Read>
void OfPeer(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.exchange == nullptr || c.exchange->connection().tls() == nullptr) return;
  const CertificateFacts* peer = c.exchange->connection().tls()->peer();
  if (peer != nullptr) Read(*peer, v);
}
template <auto Read>
void OfLocal(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.exchange == nullptr || c.exchange->connection().tls() == nullptr) return;
  const CertificateFacts* local = c.exchange->connection().tls()->local.get();
  if (local != nullptr) Read(*local, v);
}

template <std::string CertificateFacts::* field>
void Text(const CertificateFacts& certificate, FormatValue& v) {
  SetTextIfAny(v, certificate.*field);
}
template <std::vector<std::string> CertificateNames::* names>
void Names(const CertificateFacts& certificate, FormatValue& v) {
  SetOwned(v, absl::StrJoin(certificate.names.*names, ","));
}

std::string PrepareTime(FormatArguments& arguments) {
  return arguments.text.empty() ? std::string() : arguments.time.Parse(arguments.text);
}

template <int64_t CertificateFacts::* seconds>
void Time(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  if (c.exchange == nullptr || c.exchange->connection().tls() == nullptr) return;
  const CertificateFacts* peer = c.exchange->connection().tls()->peer();
  if (peer == nullptr) return;
  v.owned.clear();
  a.time.AppendTo(v.owned, std::chrono::system_clock::from_time_t(peer->*seconds));
  SetTextIfAny(v, v.owned);
}

constexpr FormatOperator kOperators[] = {
    {"DOWNSTREAM_TLS_VERSION",
     OfTls<[](const TlsFacts& tls, FormatValue& v) { SetTextIfAny(v, tls.version); }>},
    {"DOWNSTREAM_TLS_CIPHER",
     OfTls<[](const TlsFacts& tls, FormatValue& v) { SetTextIfAny(v, tls.cipher); }>},
    {"DOWNSTREAM_TLS_SESSION_ID",
     OfTls<[](const TlsFacts& tls, FormatValue& v) { SetTextIfAny(v, tls.session_id); }>},
    {"DOWNSTREAM_PEER_URI_SAN", OfPeer<Names<&CertificateNames::uri>>},
    {"DOWNSTREAM_PEER_DNS_SAN", OfPeer<Names<&CertificateNames::dns>>},
    {"DOWNSTREAM_PEER_IP_SAN", OfPeer<Names<&CertificateNames::ip>>},
    {"DOWNSTREAM_PEER_EMAIL_SAN", OfPeer<Names<&CertificateNames::email>>},
    // Names of the other kind have no text of their own: absent.
    {"DOWNSTREAM_PEER_OTHERNAME_SAN", [](const FormatContext&, const FormatArguments&, FormatValue&) {}},
    {"DOWNSTREAM_PEER_SUBJECT", OfPeer<Text<&CertificateFacts::subject>>},
    {"DOWNSTREAM_PEER_ISSUER", OfPeer<Text<&CertificateFacts::issuer>>},
    {"DOWNSTREAM_PEER_SERIAL", OfPeer<Text<&CertificateFacts::serial>>},
    {"DOWNSTREAM_PEER_FINGERPRINT_256", OfPeer<Text<&CertificateFacts::sha256_fingerprint>>},
    {"DOWNSTREAM_PEER_FINGERPRINT_1", OfPeer<Text<&CertificateFacts::sha1_fingerprint>>},
    {"DOWNSTREAM_PEER_CERT",
     OfPeer<[](const CertificateFacts& peer, FormatValue& v) { SetOwned(v, peer.UrlEncodedPem()); }>},
    {"DOWNSTREAM_PEER_CERT_V_START", Time<&CertificateFacts::valid_from>, Argument::kOptional, false,
     PrepareTime},
    {"DOWNSTREAM_PEER_CERT_V_END", Time<&CertificateFacts::valid_until>, Argument::kOptional, false,
     PrepareTime},
    {"DOWNSTREAM_LOCAL_URI_SAN", OfLocal<Names<&CertificateNames::uri>>},
    {"DOWNSTREAM_LOCAL_DNS_SAN", OfLocal<Names<&CertificateNames::dns>>},
    {"DOWNSTREAM_LOCAL_IP_SAN", OfLocal<Names<&CertificateNames::ip>>},
    {"DOWNSTREAM_LOCAL_EMAIL_SAN", OfLocal<Names<&CertificateNames::email>>},
    {"DOWNSTREAM_LOCAL_SUBJECT", OfLocal<Text<&CertificateFacts::subject>>},
};

}  // namespace

std::span<const FormatOperator> TlsOperators() {
  return kOperators;
}

}  // namespace narthex
