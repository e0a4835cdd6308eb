#include "source/net/descriptor_budget.h"

namespace narthex {

DescriptorBudget& DescriptorBudget::Process() {
  static DescriptorBudget budget;
  return budget;
}

void DescriptorBudget::SetLimit(uint64_t connections, uint64_t spare) {
  limit_.store(connections, std::memory_order_relaxed);
  spare_.store(spare, std::memory_order_relaxed);
}

// Each side grows beyond what is kept for it only as long as the other leaves room; so the sum stays below
// the limit whoever comes first: 1/2 and 1/2, or 3/4 and 1/4.
bool DescriptorBudget::RoomForClient() const {
  const uint64_t limit = this->limit(), clients = this->clients();
  return clients < limit / 2 || (clients < most_clients() && clients + upstreams() < limit);
}

bool DescriptorBudget::Room(uint64_t upstreams, uint64_t spare) const {
  const uint64_t limit = this->limit();
  return upstreams < limit / 4 + spare ||
         (upstreams < limit / 2 + spare && clients() + upstreams < limit + spare);
}

std::string DescriptorBudget::Account() const {
  return std::to_string(clients()) + " connections of clients and " + std::to_string(upstreams()) +
         " to upstreams are open, and the process can afford " + std::to_string(limit());
}

}  // namespace narthex
