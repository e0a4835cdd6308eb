#include "source/upstream/shared_tables.h"

#include <utility>
#include <vector>

namespace narthex {

std::shared_ptr<const ClusterTables> SharedTables::For(const std::shared_ptr<const HostSet>& set,
                                                       uint64_t now_us) {
  std::lock_guard lock(mutex_);
  // Read before the hosts are looked at: a change meanwhile makes another epoch.
  const uint64_t epoch = epoch_.value();
  if (tables_ != nullptr && tables_->set == set && tables_->epoch == epoch) return tables_;
  NoteAvailability(*set, now_us);
  auto tables = std::make_shared<ClusterTables>();
  tables->set = set;
  tables->epoch = epoch;
  std::vector<Host*> hosts;
  for (const std::shared_ptr<Host>& host : set->hosts) hosts.push_back(host.get());
  tables->all = MakeHostTables(hosts, settings_);
  if (settings_.subsets) tables->subsets.emplace(hosts, settings_);
  CountSubsets(*tables);
  return tables_ = std::move(tables);
}

// The hosts of the first set begin together: none of them is slower than another.
void SharedTables::NoteAvailability(const HostSet& set, uint64_t now_us) {
  const uint64_t since = tables_ == nullptr ? 0 : now_us;
  for (const std::shared_ptr<Host>& host : set.hosts) {
    if (!host->available()) {
      host->set_available_since_us(Host::kNotAvailable);
    } else if (host->available_since_us() == Host::kNotAvailable) {
      host->set_available_since_us(since);
    }
  }
}

void SharedTables::CountSubsets(const ClusterTables& tables) {
  if (!tables.subsets) return;
  const size_t before = tables_ == nullptr ? 0 : tables_->subsets->tables().size();
  const size_t now = tables.subsets->tables().size();
  if (now > before) stats_.lb_subsets_created.Add(now - before);
  if (now < before) stats_.lb_subsets_removed.Add(before - now);
}

std::shared_ptr<const ClusterTables> SharedTables::latest() const {
  std::lock_guard lock(mutex_);
  return tables_;
}

}  // namespace narthex
