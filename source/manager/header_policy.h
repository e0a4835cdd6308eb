#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/header_map.h"
#include "source/manager/client_address.h"
#include "source/manager/client_cert_header.h"

namespace narthex {

enum class UnderscorePolicy { kAllow, kReject, kDrop };
enum class ServerHeaderPolicy { kOverwrite, kAppendIfAbsent, kPassThrough };

// How :authority is brought into the form that routes match. Immutable.
struct AuthorityPolicy {
  bool strip_matching_port = false;  // the listener's own port
  bool strip_any_port = false;
  bool strip_trailing_dot = false;
};

// What happens with the header section of messages that pass through. Immutable.
struct HeaderPolicy {
  UnderscorePolicy underscores = UnderscorePolicy::kAllow;
  AuthorityPolicy authority;
  ServerHeaderPolicy server = ServerHeaderPolicy::kOverwrite;
  std::string server_name = "envoy";
  std::string via;  // appended to via in both directions unless empty
  // add_user_agent: what stands in for a missing one, and our name to the upstream; unset without it.
  std::optional<std::string> user_agent;
  std::string service_node;                // this node's name, beside it
  ClientCertPolicy client_cert;            // x-forwarded-client-cert
  std::vector<std::string> internal_only;  // internal_only_headers of the route table, lower case
};

// Whether a field's name has an underscore; with kDrop these are removed (how many: `dropped`) and it's
// false.
bool HasForbiddenUnderscore(UnderscorePolicy policy, HeaderMap& headers, uint32_t& dropped);
// Strips port and dot as asked for. CONNECT needs its port and keeps it unless it is the listener's.
void NormalizeAuthority(const AuthorityPolicy& policy, uint16_t listener_port, HeaderMap& headers);
// Removes what a client may not say about itself, by Envoy's rules, and says what we know of it.
// `connection` and `policy` outlive `headers`.
void SanitizeRequest(const HeaderPolicy& policy, const ConnectionFacts& connection,
                     const ClientAddress& client, HeaderMap& headers);
// server and via. `policy` outlives `headers`.
void FinishResponse(const HeaderPolicy& policy, HeaderMap& headers);

}  // namespace narthex
