#include "source/server/connection_limit.h"

#include <sys/resource.h>

#include <algorithm>

#include "source/base/log.h"
#include "source/net/descriptor_budget.h"

namespace narthex {

namespace {

// For administration, logs, files that are read, and what each worker's loop and listeners take; a few of
// them for the first connections to hosts.
constexpr uint64_t kReserve = 96;
constexpr uint64_t kFirstConnections = 16;
constexpr uint64_t kReservePerWorker = 8;

}  // namespace

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t LimitConnections(const Snapshot& snapshot, uint32_t workers) {
  DescriptorBudget& budget = DescriptorBudget::Process();
  rlimit limit = {};
  if (!snapshot.edge_profile || getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    budget.SetLimit(UINT64_MAX, 0);
    return snapshot.max_connections;
  }
  const uint64_t reserve = std::min<uint64_t>(kReserve + kReservePerWorker * workers, limit.rlim_cur / 2);
  budget.SetLimit(std::max<uint64_t>(limit.rlim_cur - reserve, 4), std::min(kFirstConnections, reserve / 4));
  const uint64_t affordable = budget.most_clients();
  if (affordable < snapshot.max_connections) {
    NARTHEX_LOG(kInfo, "main") << "at most " << affordable << " connections of clients: the process may open "
                               << limit.rlim_cur << " files";
  }
  return std::min(affordable, snapshot.max_connections);
}

}  // namespace narthex
