#include "source/stats/render.h"

#include "gtest/gtest.h"
#include "rapidjson/reader.h"
#include "source/stats/buckets.h"

namespace narthex {
namespace {

using Row = StatsStore::Row;
using Kind = StatsStore::Row::Kind;

Row MakeHistogram(std::string name, std::initializer_list<std::pair<uint32_t, uint64_t>> counts, double sum) {
  Row row{.name = std::move(name), .kind = Kind::kHistogram, .used = true};
  row.histogram.bounds.assign(kHistogramBounds.begin(), kHistogramBounds.end());
  row.histogram.counts.resize(kHistogramBuckets);
  for (const auto& [bucket, count] : counts) {
    row.histogram.counts[bucket] = count;
    row.histogram.count += count;
  }
  row.histogram.sum = sum;
  return row;
}

std::vector<Row> SomeRows() {
  return {
      {.name = "cluster.a.upstream_cx_active", .kind = Kind::kGauge, .value = static_cast<uint64_t>(-1)},
      MakeHistogram("cluster.a.upstream_rq_time", {{3, 4}}, 30),
      {.name = "cluster.a.upstream_rq_total", .kind = Kind::kCounter, .value = 7},
      MakeHistogram("cluster.b.upstream_rq_time", {}, 0),
      {.name = "cluster.b.upstream_rq_total", .kind = Kind::kCounter, .value = 18446744073709551615u},
  };
}

TEST(RenderText, PrintsNumbersThenHistograms) {
  EXPECT_EQ(RenderStatsText(SomeRows()),
            "cluster.a.upstream_cx_active: -1\n"
            "cluster.a.upstream_rq_total: 7\n"
            "cluster.b.upstream_rq_total: 18446744073709551615\n"
            "cluster.a.upstream_rq_time: P0(nan,5) P25(nan,6.25) P50(nan,7.5) P75(nan,8.75) P90(nan,9.5) "
            "P95(nan,9.75) P99(nan,9.95) P99.5(nan,9.975) P99.9(nan,9.995) P100(nan,10)\n"
            "cluster.b.upstream_rq_time: No recorded values\n");
}

TEST(RenderText, ValuesBeyondTheLastBoundCountAsIt) {
  const Row row = MakeHistogram("x", {{kHistogramBuckets - 1, 1}}, 1e9);
  EXPECT_EQ(EstimateQuantile(row.histogram, 100), 3600000);
}

bool IsJson(const std::string& text) {
  rapidjson::BaseReaderHandler<> ignore;
  rapidjson::StringStream stream(text.c_str());
  return !rapidjson::Reader().Parse<rapidjson::kParseValidateEncodingFlag>(stream, ignore).IsError();
}

TEST(RenderJson, HasEnvoysShape) {
  const std::string json = RenderStatsJson(SomeRows());
  EXPECT_TRUE(IsJson(json)) << json;
  EXPECT_TRUE(json.starts_with(R"({"stats":[{"name":"cluster.a.upstream_cx_active","value":-1},)"
                               R"({"name":"cluster.a.upstream_rq_total","value":7},)"
                               R"({"name":"cluster.b.upstream_rq_total","value":18446744073709551615},)"
                               R"({"histograms":{"supported_quantiles":[0,25,50,75,90,95,99,99.5,99.9,100],)"
                               R"("computed_quantiles":[{"name":"cluster.a.upstream_rq_time","values":)"
                               R"([{"interval":null,"cumulative":5},{"interval":null,"cumulative":6.25},)"))
      << json;
  EXPECT_NE(
      json.find(R"({"name":"cluster.b.upstream_rq_time","values":[{"interval":null,"cumulative":null},)"),
      std::string::npos);
}

TEST(RenderJson, IsJsonWhateverTheNamesAndWithoutRows) {
  std::string name;
  for (int c = 0; c < 256; ++c) name += static_cast<char>(c);
  EXPECT_TRUE(IsJson(RenderStatsJson({{.name = name, .kind = Kind::kCounter}})));
  EXPECT_TRUE(IsJson(RenderStatsJson({MakeHistogram(name, {{3, 1}}, 7)})));
  EXPECT_EQ(RenderStatsJson({}), "{\"stats\":[]}");
}

TEST(RenderPrometheus, GroupsByNameWithTagsAsLabels) {
  const std::string text = RenderStatsPrometheus(SomeRows());
  EXPECT_NE(text.find("# TYPE envoy_cluster_upstream_cx_active gauge\n"
                      "envoy_cluster_upstream_cx_active{envoy_cluster_name=\"a\"} -1\n"),
            std::string::npos);
  EXPECT_NE(text.find("# TYPE envoy_cluster_upstream_rq_total counter\n"
                      "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"a\"} 7\n"
                      "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"b\"} 18446744073709551615\n"),
            std::string::npos);
}

TEST(RenderPrometheus, HistogramBucketsAreCumulative) {
  const std::string text = RenderStatsPrometheus({MakeHistogram("server.t", {{0, 1}, {2, 3}, {19, 2}}, 1e7)});
  EXPECT_TRUE(
      text.starts_with("# TYPE envoy_server_t histogram\n"
                       "envoy_server_t_bucket{le=\"0.5\"} 1\n"
                       "envoy_server_t_bucket{le=\"1\"} 1\n"
                       "envoy_server_t_bucket{le=\"5\"} 4\n"));
  EXPECT_TRUE(
      text.ends_with("envoy_server_t_bucket{le=\"3600000\"} 4\n"
                     "envoy_server_t_bucket{le=\"+Inf\"} 6\n"
                     "envoy_server_t_sum{} 10000000\n"
                     "envoy_server_t_count{} 6\n"));
}

TEST(RenderPrometheus, EscapesLabelsAndNames) {
  EXPECT_EQ(RenderStatsPrometheus({{.name = "cluster.q\"\\\n.a-b", .kind = Kind::kCounter, .value = 1}}),
            "# TYPE envoy_cluster_a_b counter\nenvoy_cluster_a_b{envoy_cluster_name=\"q\\\"\\\\\\n\"} 1\n");
}

TEST(RenderPrometheus, NeverPrintsTheSameSampleOrTwoTypesOfOneName) {
  EXPECT_EQ(RenderStatsPrometheus({{.name = "a-b", .kind = Kind::kCounter, .value = 1},
                                   {.name = "a.b", .kind = Kind::kGauge, .value = 2},
                                   {.name = "a_b", .kind = Kind::kCounter, .value = 3}}),
            "# TYPE envoy_a_b counter\nenvoy_a_b{} 1\n");
}

}  // namespace
}  // namespace narthex
