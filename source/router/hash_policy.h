#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/config/regex.h"
#include "source/http/message.h"

namespace narthex {

// What the hash policies of a route make of a request.
struct RequestHash {
  std::optional<uint64_t> value;  // unset: no policy found what it goes by
  // The Set-Cookie of each cookie that the client shall have from now on.
  std::vector<std::string> set_cookies;
};

// One of them. Immutable.
struct HashPolicy {
  enum class Source : uint8_t { kHeader, kCookie, kSourceIp, kQueryParameter };

  Source source = Source::kHeader;
  bool terminal = false;  // where there is a hash behind it, the others are left out
  std::string name;       // of a header in lower case, a cookie or a parameter
  Header known = Header::kUnknown;
  // Of a header: what of its values.
  std::shared_ptr<const Regex> regex;
  std::string substitution;
  // Of a cookie that clients without it are given; unset: they are not. 0: for the browser's session.
  std::optional<std::chrono::seconds> ttl;
  std::string attributes;  // what follows value and age in Set-Cookie

  // Unset when the request has nothing to go by.
  std::optional<uint64_t> Evaluate(const Request& request, RequestHash& hash) const;
};

// All of a route, in their order. Immutable, thread-safe.
class HashPolicies {
 public:
  explicit HashPolicies(std::vector<HashPolicy> policies) : policies_(std::move(policies)) {}

  // The hash is Envoy's, so that both send the request to the same host. Allocates only for a header that is
  // repeated or rewritten, and for new cookies, whose values are the same for all requests of a connection.
  RequestHash HashOf(const Request& request) const;

 private:
  const std::vector<HashPolicy> policies_;
};

}  // namespace narthex
