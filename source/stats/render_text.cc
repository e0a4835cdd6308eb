#include "absl/strings/str_format.h"
#include "source/stats/buckets.h"
#include "source/stats/render.h"

namespace narthex {
namespace {

using Kind = StatsStore::Row::Kind;

void AppendHistogram(const StatsStore::Row& row, std::string& out) {
  absl::StrAppendFormat(&out, "%s:", row.name);
  if (row.histogram.count == 0) {
    out += " No recorded values\n";
    return;
  }
  for (const double quantile : kStatsQuantiles) {
    absl::StrAppendFormat(&out, " P%g(nan,%g)", quantile, EstimateQuantile(row.histogram, quantile));
  }
  out += '\n';
}

}  // namespace

std::string RenderStatsText(const std::vector<StatsStore::Row>& rows) {
  std::string out;
  for (const StatsStore::Row& row : rows) {
    if (row.kind == Kind::kCounter) absl::StrAppendFormat(&out, "%s: %u\n", row.name, row.value);
    if (row.kind == Kind::kGauge) {
      absl::StrAppendFormat(&out, "%s: %d\n", row.name, static_cast<int64_t>(row.value));
    }
  }
  for (const StatsStore::Row& row : rows) {
    if (row.kind == Kind::kHistogram) AppendHistogram(row, out);
  }
  return out;
}

}  // namespace narthex
