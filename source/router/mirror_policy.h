#pragma once

#include <string>
#include <vector>

#include "source/router/cluster_response_stats.h"
#include "source/router/field_mutations.h"
#include "source/router/matchers.h"

namespace narthex {

// Which requests are copied, and for whom. Immutable.
struct MirrorPolicy {
  std::string cluster;
  std::string cluster_header;  // where `cluster` is empty: the request header that names it, in lower case
  const ClusterResponseStats* stats = nullptr;  // of `cluster`
  FractionMatcher share{100, 100};
  FieldMutations mutations;  // of the copy
  std::string host;          // of the copy; empty: the request's
  std::string via;           // this machine's address, for x-forwarded-for; empty: it has none
  bool mark_host = true;     // put "-shadow" behind the name of the request's host
};

// A copy for each of them.
using MirrorPolicies = std::vector<MirrorPolicy>;

}  // namespace narthex
