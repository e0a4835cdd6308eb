#include <optional>

#include "re2/re2.h"
#include "source/admin/pages.h"
#include "source/stats/render.h"
#include "source/stats/stats.h"

namespace narthex {

namespace {

using Row = StatsStore::Row;

bool WantsKind(const Row& row, std::string_view type) {
  if (type.empty() || type == "All") return true;
  if (type == "Counters") return row.kind == Row::Kind::kCounter;
  if (type == "Gauges") return row.kind == Row::Kind::kGauge;
  return type == "Histograms" && row.kind == Row::Kind::kHistogram;
}

// The rows that ?usedonly, ?filter=REGEX and ?type= leave; nothing when the expression is malformed.
std::optional<std::vector<Row>> Choose(const AdminRequest& request) {
  std::vector<Row> rows = StatsStore::Process().Read();
  const bool used_only = request.Has("usedonly");
  const std::string filter(request.Get("filter"));
  const RE2 expression(filter, RE2::Quiet);
  if (!expression.ok()) return std::nullopt;
  const std::string_view type = request.Get("type");
  std::erase_if(rows, [&](const Row& row) {
    if (used_only && !row.used) return true;
    return !WantsKind(row, type) || (!filter.empty() && !RE2::PartialMatch(row.name, expression));
  });
  return rows;
}

AdminReply Stats(const AdminRequest& request, std::string_view format) {
  const std::optional<std::vector<Row>> rows = Choose(request);
  if (!rows) return {400, "Invalid re2 regex in ?filter\n"};
  if (format == "json") return JsonReply(RenderStatsJson(*rows));
  if (format == "prometheus") {
    return {200, RenderStatsPrometheus(*rows), std::string(kPrometheusContentType)};
  }
  if (!format.empty() && format != "text") return {400, "usage: /stats?format=text|json|prometheus\n"};
  return {200, RenderStatsText(*rows)};
}

}  // namespace

std::vector<AdminPage> MakeStatsPages() {
  return {
      {"/stats", "all statistics (?format=json|prometheus, ?filter=REGEX, ?usedonly, ?type=Counters)", false,
       [](const AdminRequest& request) { return Stats(request, request.Get("format")); }},
      {"/stats/prometheus", "all statistics for Prometheus", false,
       [](const AdminRequest& request) { return Stats(request, "prometheus"); }},
      {"/reset_counters", "set all counters to zero", true,
       [](const AdminRequest&) {
         StatsStore::Process().ResetCounters();
         return AdminReply{200, "OK\n"};
       }},
  };
}

}  // namespace narthex
