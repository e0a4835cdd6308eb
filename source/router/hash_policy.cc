#include "source/router/hash_policy.h"

#include <algorithm>
#include <bit>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_format.h"
#include "source/http/exchange.h"
#include "source/router/matchers.h"
#include "source/upstream/balancer/hashes.h"

namespace narthex {

namespace {

std::optional<uint64_t> HashText(std::string_view text) {
  if (text.data() == nullptr) return std::nullopt;
  return XxHash64(text);
}

// Of a header that is there several times, whatever the order of its values.
uint64_t HashRepeated(const HashPolicy& policy, const HeaderMap& headers) {
  absl::InlinedVector<std::string_view, 8> values;
  for (const HeaderMap::Field& field : headers) {
    if (field.name == policy.name) values.push_back(field.value);
  }
  absl::InlinedVector<std::string, 8> rewritten;
  if (policy.regex != nullptr) {
    for (const std::string_view value : values) {
      rewritten.push_back(policy.regex->ReplaceAll(value, policy.substitution));
    }
    values.assign(rewritten.begin(), rewritten.end());
  }
  std::sort(values.begin(), values.end());
  uint64_t hash = 0;
  for (const std::string_view value : values) hash = XxHash64(value, hash);
  return hash;
}

std::optional<uint64_t> HashHeader(const HashPolicy& policy, const HeaderMap& headers) {
  const bool known = policy.known != Header::kUnknown;
  const size_t count = known ? headers.Count(policy.known) : headers.Count(policy.name);
  if (count == 0) return std::nullopt;
  if (count > 1 && !known) return HashRepeated(policy, headers);
  // A list header is one value, over however many lines it goes.
  std::string joined;
  if (count > 1) joined = headers.Joined(policy.known);
  const std::string_view value = count > 1 ? std::string_view(joined)
                                 : known   ? headers.Get(policy.known)
                                           : headers.Get(policy.name);
  if (policy.regex == nullptr) return XxHash64(value);
  return XxHash64(policy.regex->ReplaceAll(value, policy.substitution));
}

// Of both ends of the connection, so that requests which race on it are given the same.
std::string NewCookieValue(const ConnectionFacts& connection) {
  return absl::StrFormat("%016x", XxHash64(connection.remote.ToString() + connection.local.ToString()));
}

std::optional<uint64_t> HashCookie(const HashPolicy& policy, const Request& request, RequestHash& hash) {
  const std::string_view value = FindCookie(request.headers(), policy.name);
  if (!value.empty()) return XxHash64(value);
  if (!policy.ttl) return std::nullopt;
  const std::string made = NewCookieValue(request.info().connection());
  std::string cookie = policy.name + "=\"" + made + "\"";
  if (policy.ttl->count() > 0) cookie += "; Max-Age=" + std::to_string(policy.ttl->count());
  hash.set_cookies.push_back(cookie + policy.attributes);
  return XxHash64(made);
}

}  // namespace

std::optional<uint64_t> HashPolicy::Evaluate(const Request& request, RequestHash& hash) const {
  switch (source) {
    case Source::kHeader:
      return HashHeader(*this, request.headers());
    case Source::kCookie:
      return HashCookie(*this, request, hash);
    case Source::kSourceIp: {
      const Exchange& exchange = request.info();
      // The text of the connection's own address is kept.
      if (exchange.client.is_ip() && exchange.client == exchange.connection().remote) {
        return XxHash64(exchange.connection().RemoteIp());
      }
      if (!exchange.client.is_ip()) return std::nullopt;
      return XxHash64(exchange.client.IpString());
    }
    case Source::kQueryParameter:
      return HashText(FindParameter(request.headers().Get(Header::kPath), name));
  }
  return std::nullopt;
}

RequestHash HashPolicies::HashOf(const Request& request) const {
  RequestHash hash;
  for (const HashPolicy& policy : policies_) {
    const std::optional<uint64_t> next = policy.Evaluate(request, hash);
    // Turned, so that the same value twice does not make nothing.
    if (next) hash.value = (hash.value ? std::rotl(*hash.value, 1) : 0) ^ *next;
    if (policy.terminal && hash.value) break;
  }
  return hash;
}

}  // namespace narthex
