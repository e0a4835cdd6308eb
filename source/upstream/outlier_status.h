#pragma once

#include "source/http/message.h"

namespace narthex {

// The status that outlier detection takes `response` for: its own, or, of a gRPC call that failed before it
// began, the one that stands for its grpc-status.
int OutlierStatus(const Response& response);

}  // namespace narthex
