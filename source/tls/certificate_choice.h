#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/tls/certificate.h"

namespace narthex {

// What a client can check a signature of, as its ClientHello says.
struct ClientAbilities {
  bool tls13 = false;
  bool ecdsa_suites = false;         // of TLS 1.2
  bool other_suites = false;         // of TLS 1.2, which is to say RSA's
  std::vector<uint16_t> groups;      // empty: not said
  std::vector<uint16_t> signatures;  // empty: not said

  bool CanUse(const KeyPair& pair) const;
};

// Chooses a server's certificate by name and by what the client can do: the exact name before a wildcard, and
// of either the first ECDSA certificate that the client can use before the first other. Immutable,
// thread-safe.
class CertificateChoice {
 public:
  // REQUIRES: `pairs` is not empty. `full_scan`: with a name that no certificate has, as without a name, the
  // first that the client can use, rather than the first.
  CertificateChoice(std::vector<std::shared_ptr<const KeyPair>> pairs, bool full_scan);

  const KeyPair& Choose(std::string_view server_name, const ClientAbilities& client) const;
  // Whether a certificate has that name, or a wildcard for it.
  bool HasName(std::string_view server_name) const;
  const std::vector<std::shared_ptr<const KeyPair>>& pairs() const { return pairs_; }

 private:
  // Those with a name: first ECDSA's and then others, each in the order of the configuration.
  using Candidates = std::vector<const KeyPair*>;
  void AddNames(bool ecdsa);
  // The one to use, or null; notes in `fallback` what has the name but does not suit the client.
  const KeyPair* FindByName(std::string_view name, const ClientAbilities& client,
                            const KeyPair*& fallback) const;
  const KeyPair& Scan(const ClientAbilities& client) const;

  const std::vector<std::shared_ptr<const KeyPair>> pairs_;
  const bool full_scan_;
  std::map<std::string, Candidates, std::less<>> by_name_;  // a wildcard as ".example.com"
};

}  // namespace narthex
