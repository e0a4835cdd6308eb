#pragma once

#include <string>

#include "source/manager/explain.h"
#include "source/server/snapshot.h"

namespace narthex {

// Adds what becomes of a request at the cluster called `name`: how it finds and chooses hosts, each host with
// its state and the reason why it would or would not be picked, the timeouts and limits with their origin.
// Before the gateway runs, names are not resolved, and the hosts of a DNS cluster are those that are written.
void ExplainCluster(const Snapshot& snapshot, const std::string& name, ExchangeExplanation& answer);

}  // namespace narthex
