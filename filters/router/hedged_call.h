#pragma once

#include "filters/router/retried_call.h"

namespace narthex {

// As RetriedCall, but a try that takes longer than the plan's time for each goes on beside the next one, and
// the first answer that is no reason for a retry wins. Each try has an exchange of its own; what is known of
// the one that answers becomes the request's.
Task<ClientConnection::Result> HedgedCall(const CompiledRoute& route, Request request, RetryPlan plan,
                                          TryOptions options);

}  // namespace narthex
