#pragma once

#include <memory>

#include "source/upstream/cluster.h"
#include "source/upstream/pool_context.h"

namespace narthex {

// One retry under way, counted in the worker's part of its cluster's breaker; null when that is open.
std::unique_ptr<RetryToken> MakeRetryToken(const PoolContext& context, Priority priority);

}  // namespace narthex
