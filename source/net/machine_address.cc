#include "source/net/machine_address.h"

#include <ifaddrs.h>

#include "source/net/address.h"

namespace narthex {

std::string MachineAddress() {
  ifaddrs* interfaces = nullptr;
  if (getifaddrs(&interfaces) != 0) return {};
  std::string found;
  for (const ifaddrs* at = interfaces; at != nullptr && found.empty(); at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    Address address = Address::FromSockaddr(at->ifa_addr, sizeof(sockaddr_in));
    if (!address.is_loopback()) found = address.IpString();
  }
  freeifaddrs(interfaces);
  return found;
}

}  // namespace narthex
