#pragma once

#include <string>

#include "source/upstream/host.h"

namespace narthex {

// Why `host` does not take load, or not all of its load, in words without its address; empty when it is well.
std::string HealthCause(const Host& host);
// Why hosts are unhealthy, in few words, the most frequent reason first: "3 hosts: 2 Connection refused, 1
// answered 503". Empty when all are well.
std::string HealthDigest(const HostSet& hosts);

}  // namespace narthex
