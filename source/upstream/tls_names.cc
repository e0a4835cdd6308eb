#include "source/upstream/tls_names.h"

#include <string_view>
#include <utility>

#include "source/base/ascii.h"
#include "source/net/address.h"

namespace narthex {

namespace {

struct NamedHost {
  std::string text;  // empty when there is none
  bool is_address = false;
};

// The host in an authority: "shop.example:8443", "10.0.0.1", "[::1]:443".
NamedHost HostOf(std::string_view authority) {
  const bool bracketed = authority.starts_with('[');
  std::string_view host = authority.substr(0, authority.find(bracketed ? ']' : ':'));
  if (bracketed) host.remove_prefix(1);
  if (absl::StatusOr<Address> address = Address::Ip(host, 0); address.ok())
    return {address->IpString(), true};
  if (bracketed) return {};
  return {ToLowerAscii(host), false};
}

}  // namespace

TlsNames TlsNamesOf(const ConnectionSettings& settings, const HeaderMap& request) {
  TlsNames names;
  if (settings.tls == nullptr || !(settings.auto_sni || settings.auto_san_validation)) return names;
  std::string_view authority = request.Get(settings.sni_header);
  if (authority.empty()) authority = request.Get(Header::kAuthority);
  NamedHost host = HostOf(authority);
  if (settings.auto_sni && !host.is_address) names.server_name = host.text;
  if (settings.auto_san_validation) {
    names.refused = host.text.empty();
    names.verify_name = std::move(host.text);
  }
  return names;
}

}  // namespace narthex
