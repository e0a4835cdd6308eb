// Hosts, and the authority of a CONNECT.

#include <arpa/inet.h>

#include <cstring>

#include "source/http/http1_fields.h"

namespace narthex {
namespace {

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool IsIpv6(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated) return false;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  in6_addr address;
  return inet_pton(AF_INET6, terminated, &address) == 1;
}

bool HasBrokenEscape(std::string_view text) {
  for (size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; at += 3) {
    if (text.size() - at < 3 || !IsHex(text[at + 1]) || !IsHex(text[at + 2])) return true;
  }
  return false;
}

}  // namespace

bool IsValidHost(std::string_view host) {
  if (AllOf(host, kPlainHost)) return true;
  if (!AllOf(host, kHostChar) || HasBrokenEscape(host)) return false;
  std::string_view port;
  if (!host.empty() && host.front() == '[') {
    const size_t close = host.find(']');
    if (close == std::string_view::npos || !IsIpv6(host.substr(1, close - 1))) return false;
    port = host.substr(close + 1);
    if (port.empty()) return true;
    if (port.front() != ':') return false;
    port.remove_prefix(1);
  } else {
    if (host.find_first_of("[]") != std::string_view::npos) return false;
    const size_t colon = host.find(':');
    if (colon == std::string_view::npos) return true;
    if (colon == 0) return false;
    port = host.substr(colon + 1);
  }
  if (port.size() > 5) return false;
  uint32_t number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return number <= 65535;
}

bool IsAuthorityForm(std::string_view target) {
  const size_t colon = target.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || !IsValidHost(target)) return false;
  // The last colon of an address in brackets is no port's.
  return target.find(']', colon) == std::string_view::npos &&
         target.find_first_not_of('0', colon + 1) != std::string_view::npos;
}

}  // namespace narthex
