#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/stats/shard.h"

namespace narthex {

// Statistics: named numbers that any worker counts and the admin thread reads. Each thread counts in cells of
// its own (a plain add, no lock, no shared cache line); a read adds the cells up. Handles are resolved when
// configuration is loaded and are cheap values; using one allocates only when the thread meets its store for
// the first time.

// Envoy's tag extraction result: `envoy_cluster_name` = "products".
struct StatTag {
  std::string name;
  std::string value;
};

class Counter {
 public:
  Counter() = default;
  // Any thread.
  void Add(uint64_t amount = 1) const { StatsShard::Add(cell_, amount); }

 private:
  friend class StatsStore;
  explicit Counter(uint32_t cell) : cell_(cell) {}
  uint32_t cell_ = 0;  // cell 0 is nobody's: a default handle counts into the void
};

class Gauge {
 public:
  Gauge() = default;
  // Any thread; the gauge is the sum over threads.
  void Add(int64_t amount) const {
    StatsShard::Add(cell_, static_cast<uint64_t>(amount));
    StatsShard::Mark(cell_ + 1);
  }
  void Sub(int64_t amount) const { Add(-amount); }

 private:
  friend class StatsStore;
  explicit Gauge(uint32_t cell) : cell_(cell) {}
  uint32_t cell_ = 0;  // the value; the next one: whether it was ever used, for it may be back at zero
};

// The upper bounds of a histogram's buckets, rising; there is one more bucket for what is above.
using HistogramBounds = std::vector<double>;

class Histogram {
 public:
  Histogram() = default;
  // Any thread. Values are milliseconds or bytes, as the name says; a value equal to a bound is in its
  // bucket.
  void Record(uint64_t value) const;

 private:
  friend class StatsStore;
  Histogram(uint32_t cell, const HistogramBounds* bounds) : cell_(cell), bounds_(bounds) {}
  uint32_t cell_ = 0;
  const HistogramBounds* bounds_ = nullptr;  // the store's; null: Envoy's default ones
};

struct HistogramSnapshot {
  HistogramBounds bounds;
  std::vector<uint64_t> counts;  // one more than bounds, not cumulative
  uint64_t count = 0;
  double sum = 0;
};

// The registry of all names of a process. Thread-safe. One per process (cells are found through the thread).
class StatsStore {
 public:
  static StatsStore& Process();

  // The handle for a name; the same name gives the same handle. Names are Envoy's
  // ("cluster.products.upstream_rq_total").
  Counter MakeCounter(std::string_view name);
  Gauge MakeGauge(std::string_view name);
  Histogram MakeHistogram(std::string_view name);
  // Gives bounds to the histograms that are made from now on; where it has none, they are Envoy's defaults.
  // Those that were made before keep theirs.
  void SetHistogramBounds(std::function<std::optional<HistogramBounds>(std::string_view name)> bounds);
  // A gauge that is computed when read (memory, uptime); replaces an earlier one of that name. Called on the
  // reading thread.
  void SetComputedGauge(std::string_view name, std::function<int64_t()> read);

  struct Row {
    std::string name;
    enum class Kind { kCounter, kGauge, kHistogram } kind;
    uint64_t value = 0;  // a gauge's is int64_t in two's complement
    bool used = false;   // was ever counted
    HistogramSnapshot histogram = {};
  };
  // Which names Read yields, for as long as no other is set; empty: all. Counting goes on. Called on the
  // reading thread.
  void SetShown(std::function<bool(std::string_view name)> shown);
  // All of them that are shown, sorted by name. Any thread; doesn't stop the counting.
  std::vector<Row> Read() const;
  uint64_t Value(Counter counter) const;
  int64_t Value(Gauge gauge) const;
  // For tests and limits: the value of a name (a histogram: how many values), 0 when there is none.
  uint64_t ValueOf(std::string_view name) const;
  // Sets all counters and histograms to zero (admin /reset_counters).
  void ResetCounters();

 private:
  struct Entry {
    Row::Kind kind;
    uint32_t cell;
    const HistogramBounds* bounds = nullptr;  // of a histogram with bounds of its own

    uint32_t Cells() const;
    uint32_t Buckets() const;  // REQUIRES: a histogram
  };

  StatsStore();
  // The entry, or one with cell 0 when the name is taken by another kind.
  Entry FindOrAdd(std::string_view name, Row::Kind kind);
  // The bounds for a new histogram; null: the default ones. REQUIRES: mutex_ is held.
  const HistogramBounds* BoundsFor(std::string_view name);
  uint64_t ValueOfCell(uint32_t cell) const;
  Row ReadRow(const std::string& name, Entry entry, const std::vector<uint64_t>& totals) const;

  mutable std::mutex mutex_;
  // All below are guarded by mutex_.
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, std::function<int64_t()>, std::less<>> computed_;
  std::function<bool(std::string_view)> shown_;
  std::function<std::optional<HistogramBounds>(std::string_view)> bounds_;
  std::set<HistogramBounds> known_bounds_;  // handles point into it
  uint32_t next_cell_;
  // What ResetCounters takes off the cells' totals.
  std::vector<uint64_t> base_;
};

}  // namespace narthex
