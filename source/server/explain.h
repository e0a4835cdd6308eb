#pragma once

#include "absl/status/statusor.h"
#include "source/manager/explain.h"
#include "source/server/command_line.h"
#include "source/server/snapshot.h"

namespace narthex {

using Explanation = ExchangeExplanation;

// What `snapshot` would do with a request: which listener and filter chain take it, then what their
// connection manager does. An error says what is wrong with the question. Any thread.
absl::StatusOr<Explanation> ExplainIn(const Snapshot& snapshot, const ExplainRequest& question);

}  // namespace narthex
