#include "source/tls/facts.h"

#include <string_view>

namespace narthex {

std::string CertificateFacts::UrlEncodedPem() const {
  static constexpr std::string_view kPlain = "-_.~";
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(pem.size() + pem.size() / 4);
  for (const char c : pem) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kPlain.find(c) != std::string_view::npos;
    if (plain) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

std::string TlsFacts::UrlEncodedPeerChain() const {
  std::string all;
  for (const CertificateFacts& certificate : peer_chain) all += certificate.UrlEncodedPem();
  return all;
}

}  // namespace narthex
