#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/coro/task.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"

namespace narthex {

// Which addresses of a name are wanted; Envoy's dns_lookup_family.
enum class DnsFamily : uint8_t {
  kAuto,  // IPv6, or IPv4 when there are none
  kV4Only,
  kV6Only,
  kV4Preferred,  // IPv4, or IPv6 when there are none
  kAll,
};

struct DnsResolverOptions {
  // "10.0.0.53:53" or "[::1]:53" in place of those of resolv.conf; empty for the system's.
  std::vector<std::string> servers;
  bool use_tcp = false;
  bool search_domains = true;
  bool rotate_servers = false;
  std::chrono::milliseconds query_timeout{5000};  // of the first try
  uint32_t tries = 4;

  bool operator==(const DnsResolverOptions&) const = default;
};

struct DnsAddresses {
  std::vector<Address> addresses;  // port 0; sorted, each once
  std::chrono::seconds ttl{0};     // the shortest of the answer; 0 from /etc/hosts
};
// An error names the name and the resolver's reason; no address at all is NotFound.
using DnsResult = absl::StatusOr<DnsAddresses>;

// Looks names up by DNS and /etc/hosts without blocking. Loop-confined. Must not be destroyed before the
// tasks that it gave.
class DnsResolver {
 public:
  virtual ~DnsResolver() = default;
  // Destroying the task abandons the lookup.
  virtual Task<DnsResult> Resolve(std::string name, DnsFamily family) = 0;
};

// On c-ares. An error when the options name a server that is no address or the library can't start.
absl::StatusOr<std::unique_ptr<DnsResolver>> MakeDnsResolver(EventLoop& loop,
                                                             const DnsResolverOptions& options);

}  // namespace narthex
