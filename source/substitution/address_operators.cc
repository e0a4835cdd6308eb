#include "source/substitution/operators.h"

namespace narthex {
namespace {

using Which = const Address& (*)(const Exchange&);

const Address& Client(const Exchange& e) {
  return e.client;
}
const Address& Peer(const Exchange& e) {
  return e.connection().direct_remote();
}
const Address& Local(const Exchange& e) {
  return e.connection().local;
}
const Address& UpstreamHost(const Exchange& e) {
  return e.upstream.host;
}
const Address& UpstreamLocal(const Exchange& e) {
  return e.upstream.local;
}

template <Which which>
void Whole(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.exchange != nullptr) SetOwned(v, which(*c.exchange).ToString());
}
// Of a Unix socket, which has no port, the path.
template <Which which>
void WithoutPort(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.exchange == nullptr) return;
  const Address& address = which(*c.exchange);
  SetOwned(v, address.is_ip() ? address.IpString() : address.ToString());
}
template <Which which>
void Port(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.exchange != nullptr && which(*c.exchange).is_ip()) SetNumber(v, which(*c.exchange).port());
}

constexpr FormatOperator kOperators[] = {
    {"DOWNSTREAM_REMOTE_ADDRESS", Whole<Client>},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", WithoutPort<Client>},
    {"DOWNSTREAM_REMOTE_PORT", Port<Client>},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS", Whole<Peer>},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", WithoutPort<Peer>},
    {"DOWNSTREAM_DIRECT_REMOTE_PORT", Port<Peer>},
    {"DOWNSTREAM_LOCAL_ADDRESS", Whole<Local>},
    {"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", WithoutPort<Local>},
    {"DOWNSTREAM_LOCAL_PORT", Port<Local>},
    {"UPSTREAM_HOST", Whole<UpstreamHost>},
    {"UPSTREAM_REMOTE_ADDRESS", Whole<UpstreamHost>},
    {"UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", WithoutPort<UpstreamHost>},
    {"UPSTREAM_REMOTE_PORT", Port<UpstreamHost>},
    {"UPSTREAM_LOCAL_ADDRESS", Whole<UpstreamLocal>},
    {"UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", WithoutPort<UpstreamLocal>},
    {"UPSTREAM_LOCAL_PORT", Port<UpstreamLocal>},
};

}  // namespace

std::span<const FormatOperator> AddressOperators() {
  return kOperators;
}

}  // namespace narthex
