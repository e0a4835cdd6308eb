#pragma once

#include <string>
#include <utility>

#include "source/http/header_map.h"
#include "source/upstream/cluster_config.h"

namespace narthex {

// What a request's own connection needs of TLS beside the cluster's settings. Empty for what it does not
// need.
struct TlsNames {
  // Asked for in place of what the settings say (auto_sni): never an address (RFC 6066 section 3).
  std::string server_name = {};
  // That the certificate must be for (auto_san_validation): a DNS name in lower case, or an address.
  std::string verify_name = {};
  // A name is to be verified, and the request has none: it must not be made.
  bool refused = false;

  bool operator==(const TlsNames&) const = default;
  template <class H>
  friend H AbslHashValue(H state, const TlsNames& names) {
    return H::combine(std::move(state), names.server_name, names.verify_name, names.refused);
  }
};

// Pure. `settings` may be of a cluster without TLS.
TlsNames TlsNamesOf(const ConnectionSettings& settings, const HeaderMap& request);

}  // namespace narthex
