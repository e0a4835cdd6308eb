#include <algorithm>
#include <map>

#include "absl/strings/str_format.h"
#include "source/stats/render.h"
#include "source/stats/tags.h"

namespace narthex {
namespace {

using Kind = StatsStore::Row::Kind;

// One row of a metric: its labels as text, `a="b",c="d"`.
struct Sample {
  std::string labels;
  const StatsStore::Row* row;
};
struct Metric {
  Kind kind;
  std::vector<Sample> samples;
};

bool MayStandInName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
}

std::string MetricName(std::string_view name) {
  std::string out = "envoy_";
  for (const char c : name) out += MayStandInName(c) ? c : '_';
  return out;
}

void AppendLabelValue(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

std::string Labels(const std::vector<StatTag>& tags) {
  std::string out;
  for (const StatTag& tag : tags) {
    if (!out.empty()) out += ",";
    absl::StrAppendFormat(&out, "%s=\"", tag.name);
    AppendLabelValue(out, tag.value);
    out += '"';
  }
  return out;
}

void AppendHistogram(std::string& out, const std::string& name, const Sample& sample) {
  const HistogramSnapshot& histogram = sample.row->histogram;
  const std::string before_le = sample.labels.empty() ? "" : sample.labels + ",";
  uint64_t below = 0;
  for (size_t i = 0; i < histogram.bounds.size(); ++i) {
    below += histogram.counts[i];
    absl::StrAppendFormat(&out, "%s_bucket{%sle=\"%.16g\"} %u\n", name, before_le, histogram.bounds[i],
                          below);
  }
  absl::StrAppendFormat(&out, "%s_bucket{%sle=\"+Inf\"} %u\n", name, before_le, histogram.count);
  absl::StrAppendFormat(&out, "%s_sum{%s} %.16g\n", name, sample.labels, histogram.sum);
  absl::StrAppendFormat(&out, "%s_count{%s} %u\n", name, sample.labels, histogram.count);
}

std::string_view TypeName(Kind kind) {
  if (kind == Kind::kHistogram) return "histogram";
  return kind == Kind::kGauge ? "gauge" : "counter";
}

void AppendMetric(std::string& out, const std::string& name, const Metric& metric) {
  absl::StrAppendFormat(&out, "# TYPE %s %s\n", name, std::string(TypeName(metric.kind)));
  for (const Sample& sample : metric.samples) {
    switch (metric.kind) {
      case Kind::kCounter:
        absl::StrAppendFormat(&out, "%s{%s} %u\n", name, sample.labels, sample.row->value);
        break;
      case Kind::kGauge:
        absl::StrAppendFormat(&out, "%s{%s} %d\n", name, sample.labels,
                              static_cast<int64_t>(sample.row->value));
        break;
      case Kind::kHistogram:
        AppendHistogram(out, name, sample);
        break;
    }
  }
}

}  // namespace

std::string RenderStatsPrometheus(const std::vector<StatsStore::Row>& rows) {
  // A metric's rows must stand together and may have one type only: the first row of a name decides.
  std::map<std::string, Metric> metrics;
  for (const StatsStore::Row& row : rows) {
    const TaggedName tagged = ExtractTags(row.name);
    auto [found, added] = metrics.try_emplace(MetricName(tagged.name), Metric{row.kind, {}});
    if (found->second.kind == row.kind) found->second.samples.push_back({Labels(tagged.tags), &row});
  }
  std::string out;
  for (auto& [name, metric] : metrics) {
    // Names that only differ in forbidden characters may collide: a scraper refuses the same sample twice.
    std::sort(metric.samples.begin(), metric.samples.end(), [](const Sample& a, const Sample& b) {
      return a.labels != b.labels ? a.labels < b.labels : a.row->name < b.row->name;
    });
    const auto end = std::unique(metric.samples.begin(), metric.samples.end(),
                                 [](const Sample& a, const Sample& b) { return a.labels == b.labels; });
    metric.samples.erase(end, metric.samples.end());
    AppendMetric(out, name, metric);
  }
  return out;
}

}  // namespace narthex
