#include "source/stats/stats.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "source/stats/buckets.h"
#include "source/stats/render.h"

namespace narthex {
namespace {

using Row = StatsStore::Row;

Row FindRow(std::string_view name) {
  for (Row& row : StatsStore::Process().Read()) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << "no row " << name;
  return {};
}

TEST(Stats, WhatIsNotShownGoesOnCounting) {
  StatsStore& store = StatsStore::Process();
  const Counter counter = store.MakeCounter("shown.not");
  counter.Add();
  store.MakeCounter("shown.yes").Add();
  store.SetShown([](std::string_view name) { return name != "shown.not"; });
  std::string names;
  for (const auto& row : store.Read()) names += row.name + " ";
  store.SetShown({});
  EXPECT_EQ(names.find("shown.not"), std::string::npos);
  EXPECT_NE(names.find("shown.yes"), std::string::npos);
  EXPECT_EQ(store.ValueOf("shown.not"), 1u);
}

TEST(Stats, ADefaultHandleCountsIntoTheVoid) {
  Counter().Add(5);
  Gauge().Add(5);
  Histogram().Record(5);
  EXPECT_EQ(StatsStore::Process().Value(Counter()), 0u);
  EXPECT_EQ(StatsStore::Process().Value(Gauge()), 0);
}

TEST(Stats, TheSameNameIsTheSameCounter) {
  StatsStore& store = StatsStore::Process();
  const Counter one = store.MakeCounter("same.name");
  const Counter two = store.MakeCounter("same.name");
  one.Add();
  two.Add(2);
  EXPECT_EQ(store.Value(one), 3u);
  EXPECT_EQ(store.ValueOf("same.name"), 3u);
  EXPECT_EQ(store.ValueOf("another.name"), 0u);
}

TEST(Stats, ANameTakenByAnotherKindCountsIntoTheVoid) {
  StatsStore& store = StatsStore::Process();
  const Counter counter = store.MakeCounter("kind.clash");
  store.MakeGauge("kind.clash").Add(7);
  store.MakeHistogram("kind.clash").Record(7);
  EXPECT_EQ(store.Value(counter), 0u);
}

TEST(Stats, AGaugeGoesUpAndDownAndKnowsThatItWasUsed) {
  StatsStore& store = StatsStore::Process();
  const Gauge gauge = store.MakeGauge("gauge.active");
  EXPECT_FALSE(FindRow("gauge.active").used);
  gauge.Add(1);
  gauge.Sub(1);
  EXPECT_EQ(store.Value(gauge), 0);
  EXPECT_TRUE(FindRow("gauge.active").used);
  gauge.Sub(2);
  EXPECT_EQ(store.Value(gauge), -2);
}

TEST(Stats, AComputedGaugeIsReadWhenAsked) {
  StatsStore& store = StatsStore::Process();
  int64_t uptime = 1;
  store.SetComputedGauge("server.test_uptime", [&] { return uptime; });
  EXPECT_EQ(store.ValueOf("server.test_uptime"), 1u);
  uptime = 2;
  EXPECT_EQ(FindRow("server.test_uptime").value, 2u);
  store.SetComputedGauge("server.test_uptime", [] { return int64_t{-3}; });
  EXPECT_EQ(static_cast<int64_t>(FindRow("server.test_uptime").value), -3);
}

TEST(Stats, AHistogramPutsAValueOnABoundIntoThatBucket) {
  EXPECT_EQ(HistogramBucket(0), 0u);
  EXPECT_EQ(HistogramBucket(1), 1u);
  EXPECT_EQ(HistogramBucket(2), 2u);
  EXPECT_EQ(HistogramBucket(5), 2u);
  EXPECT_EQ(HistogramBucket(3600000), 18u);
  EXPECT_EQ(HistogramBucket(3600001), 19u);
}

TEST(Stats, AHistogramCountsAndSums) {
  const Histogram histogram = StatsStore::Process().MakeHistogram("histogram.rq_time");
  for (const uint64_t value : {3, 4, 700, 9'000'000}) histogram.Record(value);
  const Row row = FindRow("histogram.rq_time");
  EXPECT_TRUE(row.used);
  EXPECT_EQ(row.histogram.count, 4u);
  EXPECT_EQ(row.histogram.sum, 9'000'707);
  EXPECT_EQ(row.histogram.counts[2], 2u);
  EXPECT_EQ(row.histogram.counts[19], 1u);
  EXPECT_EQ(StatsStore::Process().ValueOf("histogram.rq_time"), 4u);
}

TEST(Stats, AHistogramKeepsTheBoundsThatItWasMadeWith) {
  StatsStore& store = StatsStore::Process();
  const Histogram usual = store.MakeHistogram("bounds.usual");
  store.SetHistogramBounds([](std::string_view name) -> std::optional<HistogramBounds> {
    if (name.starts_with("bounds.")) return HistogramBounds{1.5, 10};
    return std::nullopt;
  });
  const Histogram own = store.MakeHistogram("bounds.own");
  const Counter next = store.MakeCounter("bounds.next");
  store.SetHistogramBounds({});
  for (const uint64_t value : {1, 2, 10, 11}) own.Record(value);
  store.MakeHistogram("bounds.own").Record(1000);
  usual.Record(2);
  store.MakeHistogram("bounds.usual").Record(2);
  const Row row = FindRow("bounds.own");
  EXPECT_EQ(row.histogram.bounds, (HistogramBounds{1.5, 10}));
  EXPECT_EQ(row.histogram.counts, (std::vector<uint64_t>{1, 2, 2}));
  EXPECT_EQ(row.histogram.sum, 1024);
  EXPECT_EQ(store.ValueOf("bounds.own"), 5u);
  EXPECT_EQ(store.Value(next), 0u);
  EXPECT_EQ(FindRow("bounds.usual").histogram.counts[2], 2u);
  EXPECT_NE(RenderStatsPrometheus({row}).find("envoy_bounds_own_bucket{le=\"1.5\"} 1\n"), std::string::npos);
  store.ResetCounters();
  EXPECT_EQ(store.ValueOf("bounds.own"), 0u);
  EXPECT_EQ(FindRow("bounds.own").histogram.sum, 0);
}

TEST(Stats, ResetZeroesCountersAndHistogramsButNotGauges) {
  StatsStore& store = StatsStore::Process();
  const Counter counter = store.MakeCounter("reset.counter");
  const Gauge gauge = store.MakeGauge("reset.gauge");
  const Histogram histogram = store.MakeHistogram("reset.histogram");
  counter.Add(5);
  gauge.Add(5);
  histogram.Record(5);
  store.ResetCounters();
  EXPECT_EQ(store.Value(counter), 0u);
  EXPECT_EQ(store.Value(gauge), 5);
  EXPECT_EQ(store.ValueOf("reset.histogram"), 0u);
  counter.Add(2);
  EXPECT_EQ(store.Value(counter), 2u);
  EXPECT_TRUE(FindRow("reset.counter").used);
}

TEST(Stats, RowsAreSortedByName) {
  StatsStore& store = StatsStore::Process();
  store.MakeCounter("sorted.b");
  store.MakeCounter("sorted.a");
  store.SetComputedGauge("sorted.aa", [] { return int64_t{0}; });
  const std::vector<Row> rows = store.Read();
  EXPECT_TRUE(
      std::is_sorted(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name < b.name; }));
}

TEST(Stats, ManyNamesSpanChunksAndStayApart) {
  StatsStore& store = StatsStore::Process();
  std::vector<Histogram> histograms;
  for (int i = 0; i < 200; ++i) histograms.push_back(store.MakeHistogram("many." + std::to_string(i)));
  for (int i = 0; i < 200; ++i) {
    for (int n = 0; n <= i; ++n) histograms[i].Record(1);
  }
  for (int i = 0; i < 200; ++i) EXPECT_EQ(store.ValueOf("many." + std::to_string(i)), i + 1u);
}

TEST(Stats, ThreadsCountApartAndTheirCountsOutliveThem) {
  StatsStore& store = StatsStore::Process();
  const Counter counter = store.MakeCounter("threads.counter");
  const Gauge gauge = store.MakeGauge("threads.gauge");
  const Histogram histogram = store.MakeHistogram("threads.histogram");
  constexpr uint64_t kThreads = 4;
  constexpr uint64_t kTurns = 20'000;
  std::atomic<uint64_t> running{kThreads};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < kTurns; ++i) {
        counter.Add();
        gauge.Add(2);
        gauge.Sub(1);
        histogram.Record(i % 10);
      }
      --running;
    });
  }
  uint64_t last = 0;
  while (running > 0) {  // reading goes on beside the counting and never goes back
    const uint64_t now = store.Value(counter);
    EXPECT_GE(now, last);
    last = now;
    store.Read();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store.Value(counter), kThreads * kTurns);
  EXPECT_EQ(store.Value(gauge), static_cast<int64_t>(kThreads * kTurns));
  EXPECT_EQ(store.ValueOf("threads.histogram"), kThreads * kTurns);
}

TEST(Stats, ACountMadeWhileAThreadEndsIsKept) {
  static const Counter counter = StatsStore::Process().MakeCounter("threads.late");
  static const Gauge gauge = StatsStore::Process().MakeGauge("threads.late_gauge");
  struct CountsLate {
    ~CountsLate() {
      counter.Add();
      gauge.Add(3);
    }
  };
  std::thread([] {
    thread_local CountsLate late;  // made before the thread's cells, so destroyed after them
    (void)&late;
    counter.Add();
  }).join();
  EXPECT_EQ(StatsStore::Process().Value(counter), 2u);
  EXPECT_EQ(StatsStore::Process().Value(gauge), 3);
  EXPECT_TRUE(FindRow("threads.late_gauge").used);
}

}  // namespace
}  // namespace narthex
