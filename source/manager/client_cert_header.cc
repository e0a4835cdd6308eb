#include "source/manager/client_cert_header.h"

#include <string>
#include <string_view>

#include "source/router/header_mutation.h"
#include "source/tls/facts.h"

namespace narthex {
namespace {

constexpr std::string_view kName = "x-forwarded-client-cert";

// Builds one element: pairs "Key=value" with semicolons between them.
class Element {
 public:
  // A value that could be taken for more than itself is quoted: what stands in a certificate may be of its
  // holder's making.
  void Add(std::string_view key, std::string_view value, bool quoted = false) {
    if (!text_.empty()) text_ += ';';
    text_.append(key).append("=");
    if (!quoted && value.find_first_of(",;=\"\\ ") == std::string_view::npos) {
      text_.append(value);
      return;
    }
    text_ += '"';
    for (const char c : value) {
      // RFC 2253 has escaped these already in names of subjects.
      if (!quoted && (c == '"' || c == '\\')) text_ += '\\';
      text_ += c;
    }
    text_ += '"';
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string Describe(const ClientCertPolicy& policy, const TlsFacts& tls) {
  const CertificateFacts& peer = *tls.peer();
  Element element;
  if (tls.local != nullptr) {
    for (const std::string& uri : tls.local->names.uri) element.Add("By", uri);
  }
  element.Add("Hash", peer.sha256_fingerprint);
  if (policy.cert) element.Add("Cert", peer.UrlEncodedPem(), true);
  if (policy.chain) element.Add("Chain", tls.UrlEncodedPeerChain(), true);
  if (policy.subject) element.Add("Subject", peer.subject, true);
  if (policy.uri) {
    for (const std::string& uri : peer.names.uri) element.Add("URI", uri);
    if (peer.names.uri.empty()) element.Add("URI", {});
  }
  if (policy.dns) {
    for (const std::string& dns : peer.names.dns) element.Add("DNS", dns);
  }
  if (policy.issuer) element.Add("Issuer", peer.issuer, true);
  return element.text();
}

}  // namespace

void SetClientCertHeader(const ClientCertPolicy& policy, const ConnectionFacts& connection,
                         HeaderMap& headers) {
  if (policy.forwarding == ClientCertForwarding::kAlwaysForwardOnly) return;
  const TlsFacts* tls = connection.tls();
  if (policy.forwarding == ClientCertForwarding::kSanitize || tls == nullptr || tls->peer() == nullptr) {
    headers.Remove(kName);
    return;
  }
  if (policy.forwarding == ClientCertForwarding::kForwardOnly) return;
  const std::string ours = Describe(policy, *tls);
  std::string all;
  if (policy.forwarding == ClientCertForwarding::kAppendForward) {
    for (const HeaderMap::Field& field : headers) {
      if (field.name == kName) all.append(field.value).append(",");
    }
  }
  headers.Remove(kName);
  // Names in a certificate that no header can hold make it say nothing, rather than something else.
  if (!IsHeaderValue(ours)) return;
  headers.Add(kName, all.append(ours));
}

}  // namespace narthex
