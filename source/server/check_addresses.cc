#include "source/server/snapshot_parts.h"

namespace narthex {

namespace {

struct Bound {
  Address address;
  Origin origin;
  std::string what;
};

bool Wildcard(const Address& address) {
  const std::string ip = address.IpString();
  return ip == "0.0.0.0" || ip == "::";
}

// Whether binding both fails: the same address, or one is the wildcard of the other's family. Port 0 never
// collides.
bool Collide(const Address& left, const Address& right) {
  if (left.empty() || right.empty() || left.family() != right.family()) return false;
  if (!left.is_ip()) return left == right;
  if (left.port() != right.port() || left.port() == 0) return false;
  return left == right || Wildcard(left) || Wildcard(right);
}

}  // namespace

void CheckAddresses(const Snapshot& snapshot, Diagnostics& diagnostics) {
  std::vector<Bound> bound;
  const auto check = [&](Bound next) {
    for (const Bound& other : bound) {
      if (!Collide(other.address, next.address)) continue;
      Diagnostic diagnostic;
      diagnostic.origin = next.origin;
      diagnostic.message = "address " + next.address.ToString() + " is taken by " + other.what + " at " +
                           other.origin.Position();
      diagnostics.Add(std::move(diagnostic));
      return;
    }
    bound.push_back(std::move(next));
  };
  for (const auto& listener : snapshot.listeners) {
    for (const SocketConfig& socket : listener->sockets) {
      check({socket.address, listener->origin, "listener \"" + listener->name + "\""});
    }
  }
  if (snapshot.admin) check({snapshot.admin->address, snapshot.admin->origin, "the admin pages"});
}

}  // namespace narthex
