#include "source/tls/peer_verifier.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#include <algorithm>

#include "source/base/ascii.h"
#include "source/tls/certificate.h"

namespace narthex {
namespace {

std::string_view BytesOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

// The text of a name of an IA5String kind, or null.
const ASN1_IA5STRING* TextOf(const GENERAL_NAME* name) {
  int kind = 0;
  const void* value = GENERAL_NAME_get0_value(name, &kind);
  const bool text = kind == GEN_DNS || kind == GEN_URI || kind == GEN_EMAIL;
  return text ? static_cast<const ASN1_IA5STRING*>(value) : nullptr;
}

bool HasNul(const GENERAL_NAMES* names) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const ASN1_IA5STRING* text = TextOf(sk_GENERAL_NAME_value(names, i));
    if (text != nullptr && BytesOf(text).find('\0') != std::string_view::npos) return true;
  }
  return false;
}

std::string OidOf(const ASN1_OBJECT* object) {
  char text[256];
  const int size = OBJ_obj2txt(text, sizeof text, object, /*no_name=*/1);
  return size > 0 && static_cast<size_t>(size) < sizeof text ? std::string(text) : std::string();
}

// The text in an otherName, of whatever string type; data() is null when it is none.
std::string_view OtherNameText(const GENERAL_NAME* name, const std::string& oid) {
  ASN1_OBJECT* type = nullptr;
  ASN1_TYPE* value = nullptr;
  if (GENERAL_NAME_get0_otherName(name, &type, &value) != 1 || OidOf(type) != oid) return {};
  switch (ASN1_TYPE_get(value)) {
    case V_ASN1_UTF8STRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_VISIBLESTRING:
    case V_ASN1_OCTET_STRING:
      return BytesOf(value->value.asn1_string);
    default:
      return {};
  }
}

int IgnoreExpiry(int ok, X509_STORE_CTX* context) {
  const int error = X509_STORE_CTX_get_error(context);
  if (error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_NOT_YET_VALID) return ok;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

bool IsAddress(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// Whether a subject alternative name is that of `host`. An address is no DNS name, however it is written
// (RFC 9525 section 6.4).
bool StandsFor(const GENERAL_NAME* name, const std::string& host) {
  int kind = 0;
  const void* value = GENERAL_NAME_get0_value(name, &kind);
  if (kind == GEN_DNS) return !IsAddress(host) && DnsNameMatches(BytesOf(TextOf(name)), host);
  return kind == GEN_IPADD && AddressInText(BytesOf(static_cast<const ASN1_OCTET_STRING*>(value))) == host;
}

bool Contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

bool DnsNameMatches(std::string_view pattern, std::string_view name) {
  if (pattern.starts_with("*.")) {
    const size_t dot = name.find('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    pattern.remove_prefix(1);
    name.remove_prefix(dot);
    // "*.com" would stand for everyone.
    if (pattern.find('.', 1) == std::string_view::npos) return false;
  }
  return !pattern.empty() && EqualsLower(pattern, ToLowerAscii(name));
}

bool NameMatcher::Matches(const GENERAL_NAME* name) const {
  int found = 0;
  const void* value = GENERAL_NAME_get0_value(name, &found);
  switch (kind) {
    case Kind::kDns: {
      if (found != GEN_DNS) return false;
      const std::string_view pattern = BytesOf(TextOf(name));
      if (text.kind == StringMatcher::Kind::kExact && DnsNameMatches(pattern, text.text)) return true;
      return text.Matches(pattern);
    }
    case Kind::kUri:
      return found == GEN_URI && text.Matches(BytesOf(TextOf(name)));
    case Kind::kEmail:
      return found == GEN_EMAIL && text.Matches(BytesOf(TextOf(name)));
    case Kind::kIp: {
      if (found != GEN_IPADD) return false;
      const std::string address = AddressInText(BytesOf(static_cast<const ASN1_OCTET_STRING*>(value)));
      return !address.empty() && text.Matches(address);
    }
    case Kind::kOther: {
      if (found != GEN_OTHERNAME) return false;
      const std::string_view other = OtherNameText(name, oid);
      return other.data() != nullptr && other.find('\0') == std::string_view::npos && text.Matches(other);
    }
  }
  return false;
}

absl::StatusOr<std::shared_ptr<const PeerVerifier>> PeerVerifier::Make(ValidationRules rules,
                                                                       std::string_view ca,
                                                                       std::string_view crl, Part& wrong) {
  std::shared_ptr<PeerVerifier> verifier(new PeerVerifier());
  verifier->rules_ = std::move(rules);
  verifier->store_.reset(X509_STORE_new());
  wrong = Part::kCa;
  if (!ca.empty()) {
    if (absl::Status added = verifier->AddAuthorities(ca); !added.ok()) return added;
  }
  wrong = Part::kCrl;
  if (!crl.empty()) {
    if (absl::Status added = verifier->AddRevocationLists(crl); !added.ok()) return added;
  }
  return verifier;
}

absl::Status PeerVerifier::AddAuthorities(std::string_view ca) {
  absl::StatusOr<std::vector<X509Ptr>> found = ParseCertificates(ca);
  if (!found.ok()) return found.status();
  for (const X509Ptr& certificate : *found) {
    if (X509_STORE_add_cert(store_.get(), certificate.get()) != 1) {
      return absl::InvalidArgumentError("holds a certificate that cannot be used: " + TakeOpensslError());
    }
  }
  authorities_ = *std::move(found);
  return absl::OkStatus();
}

absl::Status PeerVerifier::AddRevocationLists(std::string_view crl) {
  absl::StatusOr<std::vector<X509CrlPtr>> found = ParseRevocationLists(crl);
  if (!found.ok()) return found.status();
  for (const X509CrlPtr& list : *found) {
    if (X509_STORE_add_crl(store_.get(), list.get()) != 1) {
      return absl::InvalidArgumentError("holds a revocation list that cannot be used: " + TakeOpensslError());
    }
  }
  has_crl_ = true;
  return absl::OkStatus();
}

bool PeerVerifier::Verify(X509_STORE_CTX* context, const std::vector<std::string>& hosts,
                          PeerVerdict& verdict) const {
  X509* leaf = X509_STORE_CTX_get0_cert(context);
  bool passed = !has_ca() || VerifyChain(context, verdict);
  if (passed && !(VerifyNames(leaf, hosts, verdict) && VerifyPins(leaf, verdict))) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
    passed = false;
  }
  // What nothing has judged is taken, but not validated.
  if (passed) X509_STORE_CTX_set_error(context, judges() ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
  return passed || rules_.accept_untrusted;
}

bool PeerVerifier::VerifyChain(X509_STORE_CTX* context, PeerVerdict& verdict) const {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  // An intermediate authority may be the trusted one.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_depth(parameters, rules_.max_depth);
  if (has_crl_) {
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK);
    if (!rules_.only_leaf_crl) X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK_ALL);
  }
  if (rules_.allow_expired) X509_STORE_CTX_set_verify_cb(context, &IgnoreExpiry);
  if (X509_verify_cert(context) == 1) return true;
  int error = X509_STORE_CTX_get_error(context);
  // An internal failure may come without an error of its own; it must not look like success.
  if (error == X509_V_OK) error = X509_V_ERR_UNSPECIFIED;
  X509_STORE_CTX_set_error(context, error);
  verdict.failure = PeerVerdict::Failure::kChain;
  verdict.detail = X509_verify_cert_error_string(error);
  const X509* at = X509_STORE_CTX_get_current_cert(context);
  if (at == nullptr) return false;
  verdict.detail += " (certificate \"" + SubjectOf(at) + "\", depth " +
                    std::to_string(X509_STORE_CTX_get_error_depth(context)) + ")";
  return false;
}

bool PeerVerifier::VerifyNames(X509* leaf, const std::vector<std::string>& hosts,
                               PeerVerdict& verdict) const {
  const GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  verdict.failure = PeerVerdict::Failure::kName;
  if (HasNul(names.get())) {
    verdict.detail = "a subject alternative name has a NUL byte (certificate \"" + SubjectOf(leaf) + "\")";
    return false;
  }
  bool matched = rules_.names.empty();
  bool is_host = hosts.empty();
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    for (const NameMatcher& matcher : rules_.names) matched = matched || matcher.Matches(name);
    for (const std::string& host : hosts) is_host = is_host || StandsFor(name, host);
  }
  if (matched && is_host) {
    verdict.failure = PeerVerdict::Failure::kNone;
    return true;
  }
  verdict.detail = matched ? "the certificate is not for \"" + hosts.front() + "\""
                           : "no subject alternative name matches match_typed_subject_alt_names";
  verdict.detail += " (certificate \"" + SubjectOf(leaf) + "\")";
  return false;
}

bool PeerVerifier::VerifyPins(X509* leaf, PeerVerdict& verdict) const {
  if (rules_.certificate_hashes.empty() && rules_.key_hashes.empty()) return true;
  if (Contains(rules_.certificate_hashes, Sha256Of(leaf))) return true;
  if (Contains(rules_.key_hashes, SpkiSha256Of(leaf))) return true;
  verdict.failure = PeerVerdict::Failure::kPin;
  verdict.detail = "neither the certificate nor its key is pinned (certificate \"" + SubjectOf(leaf) + "\")";
  return false;
}

}  // namespace narthex
