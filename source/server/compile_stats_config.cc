#include <algorithm>
#include <memory>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/metrics/v3/stats.pb.h"
#include "source/router/compile_matchers.h"
#include "source/server/snapshot_parts.h"

namespace narthex {

namespace {

using Matchers = std::vector<StringMatcher>;

bool AnyMatches(const Matchers& matchers, std::string_view name) {
  return std::any_of(matchers.begin(), matchers.end(),
                     [&](const StringMatcher& matcher) { return matcher.Matches(name); });
}

}  // namespace

void CompileStatsConfig(const ConfigFiles& files, Snapshot& snapshot, Diagnostics& diagnostics) {
  const auto& config = files.bootstrap->stats_config().stats_matcher();
  if (config.has_reject_all()) {
    if (config.reject_all()) snapshot.shown_stats = [](std::string_view) { return false; };
    return;
  }
  if (!config.has_inclusion_list() && !config.has_exclusion_list()) return;
  const bool include = config.has_inclusion_list();
  const auto& list = include ? config.inclusion_list() : config.exclusion_list();
  const ConfigPath path = files.root.Field("stats_config")
                              .Field("stats_matcher")
                              .Field(include ? "inclusion_list" : "exclusion_list")
                              .Field("patterns");
  auto matchers = std::make_shared<Matchers>();
  for (int i = 0; i < list.patterns_size(); ++i) {
    CompileStringMatcher(list.patterns(i), path.Index(i), diagnostics, matchers->emplace_back());
  }
  snapshot.shown_stats = [matchers, include](std::string_view name) {
    return AnyMatches(*matchers, name) == include;
  };
}

}  // namespace narthex
