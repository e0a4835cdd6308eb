#include "absl/strings/str_format.h"
#include "source/base/escape.h"
#include "source/stats/buckets.h"
#include "source/stats/render.h"

namespace narthex {
namespace {

using Kind = StatsStore::Row::Kind;

void AppendName(const StatsStore::Row& row, std::string& out) {
  out += "{\"name\":\"";
  AppendJsonEscaped(out, row.name);
  out += '"';
}

void AppendHistogram(const StatsStore::Row& row, std::string& out) {
  AppendName(row, out);
  out += ",\"values\":[";
  for (size_t i = 0; i < kStatsQuantiles.size(); ++i) {
    if (i > 0) out += ',';
    out += "{\"interval\":null,\"cumulative\":";
    if (row.histogram.count == 0) {
      out += "null}";
    } else {
      absl::StrAppendFormat(&out, "%g}", EstimateQuantile(row.histogram, kStatsQuantiles[i]));
    }
  }
  out += "]}";
}

void AppendHistograms(const std::vector<StatsStore::Row>& rows, std::string& out) {
  out += "{\"histograms\":{\"supported_quantiles\":[";
  for (size_t i = 0; i < kStatsQuantiles.size(); ++i) {
    if (i > 0) out += ",";
    absl::StrAppendFormat(&out, "%g", kStatsQuantiles[i]);
  }
  out += "],\"computed_quantiles\":[";
  bool first = true;
  for (const StatsStore::Row& row : rows) {
    if (row.kind != Kind::kHistogram) continue;
    if (!first) out += ',';
    first = false;
    AppendHistogram(row, out);
  }
  out += "]}}";
}

}  // namespace

std::string RenderStatsJson(const std::vector<StatsStore::Row>& rows) {
  std::string out = "{\"stats\":[";
  bool first = true;
  bool histograms = false;
  for (const StatsStore::Row& row : rows) {
    if (row.kind == Kind::kHistogram) {
      histograms = true;
      continue;
    }
    if (!first) out += ',';
    first = false;
    AppendName(row, out);
    if (row.kind == Kind::kGauge) {
      absl::StrAppendFormat(&out, ",\"value\":%d}", static_cast<int64_t>(row.value));
    } else {
      absl::StrAppendFormat(&out, ",\"value\":%u}", row.value);
    }
  }
  if (histograms) {
    if (!first) out += ',';
    AppendHistograms(rows, out);
  }
  out += "]}";
  return out;
}

}  // namespace narthex
