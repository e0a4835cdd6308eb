#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/metrics/v3/stats.pb.h"
#include "source/router/compile_matchers.h"
#include "source/server/snapshot_parts.h"
#include "source/stats/stats.h"

namespace narthex {

namespace {

using Matchers = std::vector<StringMatcher>;

bool AnyMatches(const Matchers& matchers, std::string_view name) {
  return std::any_of(matchers.begin(), matchers.end(),
                     [&](const StringMatcher& matcher) { return matcher.Matches(name); });
}

struct BucketRule {
  StringMatcher name;
  HistogramBounds bounds;
};

std::string BucketText(const ConfigFiles& files) {
  std::string text;
  for (const auto& setting : files.bootstrap->stats_config().histogram_bucket_settings()) {
    text += setting.ShortDebugString() + "\n";
  }
  return text;
}

void CompileBuckets(const ConfigFiles& files, const Snapshot* previous, Diagnostics& diagnostics) {
  const ConfigPath path = files.root.Field("stats_config").Field("histogram_bucket_settings");
  if (previous != nullptr) {
    if (BucketText(files) != BucketText(*previous->files)) {
      diagnostics.Warning(path, "has changed; that takes effect when the process starts the next time");
    }
    return;
  }
  const auto& settings = files.bootstrap->stats_config().histogram_bucket_settings();
  auto rules = std::make_shared<std::vector<BucketRule>>();
  for (int i = 0; i < settings.size(); ++i) {
    if (settings[i].buckets().empty()) continue;
    BucketRule& rule = rules->emplace_back();
    CompileStringMatcher(settings[i].match(), path.Index(i).Field("match"), diagnostics, rule.name);
    rule.bounds.assign(settings[i].buckets().begin(), settings[i].buckets().end());
    std::sort(rule.bounds.begin(), rule.bounds.end());
  }
  StatsStore::Process().SetHistogramBounds([rules](std::string_view name) -> std::optional<HistogramBounds> {
    for (const BucketRule& rule : *rules) {
      if (rule.name.Matches(name)) return rule.bounds;
    }
    return std::nullopt;
  });
}

}  // namespace

void CompileStatsConfig(const ConfigFiles& files, const Snapshot* previous, Snapshot& snapshot,
                        Diagnostics& diagnostics) {
  CompileBuckets(files, previous, diagnostics);
  const auto& stats = files.bootstrap->stats_config();
  if (stats.has_use_all_default_tags() && !stats.use_all_default_tags().value()) {
    diagnostics.Error(files.root.Field("stats_config").Field("use_all_default_tags"),
                      "only true is supported: Envoy's default tags are always taken out of names");
  }
  const auto& config = stats.stats_matcher();
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
