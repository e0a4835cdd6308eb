#include "source/upstream/host_pools.h"

#include <utility>

namespace narthex {

template <class F>
void HostPools::ForEach(F visit) const {
  for (const auto& [host, entry] : entries_) {
    for (const std::unique_ptr<Pool>& pool : entry.for_all) {
      if (pool != nullptr) visit(*pool);
    }
    for (const auto& [traits, pool] : entry.for_some) visit(*pool);
  }
}

void HostPools::SetHosts(const HostSet& hosts) {
  absl::flat_hash_map<const Host*, Entry> kept;
  for (const std::shared_ptr<Host>& host : hosts.hosts) {
    const auto found = entries_.find(host.get());
    if (found == entries_.end()) continue;
    kept.emplace(host.get(), std::move(found->second));
    entries_.erase(found);
  }
  std::vector<std::unique_ptr<Pool>> left;
  for (auto& [host, entry] : entries_) {
    for (std::unique_ptr<Pool>& pool : entry.for_all) {
      if (pool != nullptr) left.push_back(std::move(pool));
    }
    for (auto& [traits, pool] : entry.for_some) left.push_back(std::move(pool));
  }
  entries_ = std::move(kept);
  for (std::unique_ptr<Pool>& pool : left) {
    Pool& drained = *pool;
    draining_.emplace(&drained, std::move(pool));
    drained.Drain();
  }
}

HostPools::Entry& HostPools::EntryOf(Host& host) {
  const auto found = entries_.find(&host);
  if (found != entries_.end()) return found->second;
  return entries_.emplace(&host, Entry(host.shared_from_this())).first->second;
}

Pool& HostPools::PoolOf(Host& host, PoolTraits traits) {
  Entry& entry = EntryOf(host);
  std::unique_ptr<Pool>& pool =
      traits.for_all() ? entry.for_all[static_cast<size_t>(traits.protocol)] : entry.for_some[traits];
  if (pool == nullptr) pool = std::make_unique<Pool>(context_, entry.part, std::move(traits));
  return *pool;
}

void HostPools::RetireConnections() {
  ForEach([](Pool& pool) { pool.RetireConnections(); });
}

void HostPools::Drain() {
  ForEach([](Pool& pool) { pool.Drain(); });
}

bool HostPools::MakeRoom() {
  for (const auto& [host, entry] : entries_) {
    for (const auto& [traits, pool] : entry.for_some) {
      if (pool->MakeRoom()) return true;
    }
  }
  return false;
}

void HostPools::Sweep() {
  for (Pool* pool : std::exchange(emptied_, {})) {
    if (!pool->empty() || draining_.erase(pool) > 0) continue;
    const auto entry = entries_.find(&pool->host());
    // Those that any request may have are of a cluster that drains, and go with it.
    if (entry != entries_.end() && !pool->traits().for_all()) {
      // A copy, for the key must outlive its pool.
      const PoolTraits traits = pool->traits();
      entry->second.for_some.erase(traits);
    }
  }
}

bool HostPools::idle() const {
  bool busy = !draining_.empty();
  ForEach([&busy](const Pool& pool) { busy |= !pool.empty(); });
  return !busy;
}

}  // namespace narthex
