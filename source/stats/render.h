#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/stats/stats.h"

namespace narthex {

// The forms of the admin pages, as Envoy prints them. `rows` are StatsStore::Read()'s, sorted by name, or
// those of them that are wanted. Thread-safe.

// "name: value" a line, counters and gauges first, then histograms with their quantiles as
// "P0(nan,1) P25(nan,1.5) ...": Envoy's two numbers are of the last interval and of all time; no intervals
// are kept here.
std::string RenderStatsText(const std::vector<StatsStore::Row>& rows);
// {"stats":[{"name":..,"value":..},..,{"histograms":{..}}]}.
std::string RenderStatsJson(const std::vector<StatsStore::Row>& rows);
// The Prometheus text exposition format 0.0.4, with Envoy's names ("envoy_cluster_upstream_rq_total") and
// tags as labels.
std::string RenderStatsPrometheus(const std::vector<StatsStore::Row>& rows);
inline constexpr std::string_view kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace narthex
