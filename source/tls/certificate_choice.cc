#include "source/tls/certificate_choice.h"

#include <algorithm>
#include <span>

namespace narthex {
namespace {

bool Contains(const std::vector<uint16_t>& list, uint16_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// The signature scheme of TLS 1.3 that goes with a curve (RFC 8446 section 4.2.3).
uint16_t SchemeOfCurve(uint16_t curve) {
  return curve == 23 ? 0x0403 : curve == 24 ? 0x0503 : 0x0603;
}

constexpr uint16_t kEd25519 = 0x0807;
constexpr uint16_t kRsaPssRsae[] = {0x0804, 0x0805, 0x0806};
constexpr uint16_t kRsaPssPss[] = {0x0809, 0x080a, 0x080b};
constexpr uint16_t kRsaPkcs1[] = {0x0401, 0x0501, 0x0601};  // not in TLS 1.3

bool ContainsAny(const std::vector<uint16_t>& list, std::span<const uint16_t> values) {
  return std::any_of(values.begin(), values.end(), [&](uint16_t value) { return Contains(list, value); });
}

bool CanUseRsa(const ClientAbilities& client, bool only_pss) {
  if (!client.tls13 && !client.other_suites) return false;
  if (client.signatures.empty()) return true;
  if (only_pss) return ContainsAny(client.signatures, kRsaPssPss);
  return ContainsAny(client.signatures, kRsaPssRsae) ||
         (!client.tls13 && ContainsAny(client.signatures, kRsaPkcs1));
}

}  // namespace

bool ClientAbilities::CanUse(const KeyPair& pair) const {
  if (pair.is_ecdsa()) {
    if (tls13) return Contains(signatures, SchemeOfCurve(pair.curve()));
    return ecdsa_suites && (groups.empty() || Contains(groups, pair.curve()));
  }
  const int kind = EVP_PKEY_get_base_id(pair.key());
  if (kind != EVP_PKEY_ED25519) return CanUseRsa(*this, kind == EVP_PKEY_RSA_PSS);
  return Contains(signatures, kEd25519) && (tls13 || ecdsa_suites);
}

CertificateChoice::CertificateChoice(std::vector<std::shared_ptr<const KeyPair>> pairs, bool full_scan)
    : pairs_(std::move(pairs)), full_scan_(full_scan) {
  AddNames(/*ecdsa=*/true);
  AddNames(/*ecdsa=*/false);
}

void CertificateChoice::AddNames(bool ecdsa) {
  for (const auto& pair : pairs_) {
    if (pair->is_ecdsa() != ecdsa) continue;
    for (const std::string& name : pair->ServerNames()) {
      by_name_[name.starts_with("*.") ? name.substr(1) : name].push_back(pair.get());
    }
  }
}

bool CertificateChoice::HasName(std::string_view server_name) const {
  if (server_name.empty()) return false;
  const size_t dot = server_name.find('.');
  return by_name_.contains(server_name) ||
         (dot != std::string_view::npos && by_name_.contains(server_name.substr(dot)));
}

const KeyPair& CertificateChoice::Choose(std::string_view server_name, const ClientAbilities& client) const {
  const KeyPair* fallback = nullptr;
  if (!server_name.empty()) {
    const KeyPair* found = FindByName(server_name, client, fallback);
    const size_t dot = server_name.find('.');
    if (found == nullptr && dot != std::string_view::npos) {
      found = FindByName(server_name.substr(dot), client, fallback);
    }
    if (found != nullptr) return *found;
    if (fallback != nullptr) return *fallback;
  }
  return server_name.empty() || full_scan_ ? Scan(client) : *pairs_.front();
}

const KeyPair* CertificateChoice::FindByName(std::string_view name, const ClientAbilities& client,
                                             const KeyPair*& fallback) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  for (const KeyPair* pair : found->second) {
    if (client.CanUse(*pair)) return pair;
    if (fallback == nullptr) fallback = pair;
  }
  return nullptr;
}

const KeyPair& CertificateChoice::Scan(const ClientAbilities& client) const {
  const KeyPair* other = nullptr;
  for (const auto& pair : pairs_) {
    if (!client.CanUse(*pair)) continue;
    if (pair->is_ecdsa()) return *pair;
    if (other == nullptr) other = pair.get();
  }
  return other != nullptr ? *other : *pairs_.front();
}

}  // namespace narthex
