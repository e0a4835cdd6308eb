#include "source/stats/stats.h"

#include <algorithm>
#include <utility>

#include "source/stats/buckets.h"
#include "source/stats/shard.h"

namespace narthex {
namespace {

// A gauge's cells: the value, then whether it was ever used (a gauge may be back at zero).
constexpr uint32_t kGaugeCells = 2;
// Default handles count into the cells before this one, which nobody reads.
constexpr uint32_t kFirstCell = 32;
static_assert(kFirstCell > kHistogramBuckets);

}  // namespace

// A histogram's cells: one per bucket, then the sum.
void Histogram::Record(uint64_t value) const {
  uint32_t bucket = 0, buckets = kHistogramBuckets;
  if (bounds_ == nullptr) [[likely]] {
    bucket = HistogramBucket(value);
  } else {
    const auto found = std::lower_bound(bounds_->begin(), bounds_->end(), static_cast<double>(value));
    bucket = static_cast<uint32_t>(found - bounds_->begin());
    buckets = static_cast<uint32_t>(bounds_->size()) + 1;
  }
  StatsShard::Add(cell_ + bucket, 1);
  StatsShard::Add(cell_ + buckets, value);
}

uint32_t StatsStore::Entry::Buckets() const {
  return bounds == nullptr ? kHistogramBuckets : static_cast<uint32_t>(bounds->size()) + 1;
}

uint32_t StatsStore::Entry::Cells() const {
  switch (kind) {
    case Row::Kind::kCounter:
      return 1;
    case Row::Kind::kGauge:
      return kGaugeCells;
    case Row::Kind::kHistogram:
      return Buckets() + 1;
  }
  return 1;
}

StatsStore& StatsStore::Process() {
  // Leaked, so that threads may count until the process ends.
  static StatsStore* store = new StatsStore;
  return *store;
}

StatsStore::StatsStore() : next_cell_(kFirstCell) {}

StatsStore::Entry StatsStore::FindOrAdd(std::string_view name, Row::Kind kind) {
  std::lock_guard lock(mutex_);
  if (auto found = entries_.find(name); found != entries_.end()) {
    return found->second.kind == kind ? found->second : Entry{kind, 0};
  }
  Entry entry{kind, next_cell_};
  if (kind == Row::Kind::kHistogram) entry.bounds = BoundsFor(name);
  if (next_cell_ + entry.Cells() > StatsShard::kMaxCells) return Entry{kind, 0};
  entries_.emplace(std::string(name), entry);
  next_cell_ += entry.Cells();
  StatsShard::SetEnd(next_cell_);
  return entry;
}

const HistogramBounds* StatsStore::BoundsFor(std::string_view name) {
  if (!bounds_) return nullptr;
  std::optional<HistogramBounds> bounds = bounds_(name);
  return bounds ? &*known_bounds_.insert(*std::move(bounds)).first : nullptr;
}

Counter StatsStore::MakeCounter(std::string_view name) {
  return Counter(FindOrAdd(name, Row::Kind::kCounter).cell);
}

Gauge StatsStore::MakeGauge(std::string_view name) {
  return Gauge(FindOrAdd(name, Row::Kind::kGauge).cell);
}

Histogram StatsStore::MakeHistogram(std::string_view name) {
  const Entry entry = FindOrAdd(name, Row::Kind::kHistogram);
  return Histogram(entry.cell, entry.bounds);
}

void StatsStore::SetHistogramBounds(
    std::function<std::optional<HistogramBounds>(std::string_view name)> bounds) {
  std::lock_guard lock(mutex_);
  bounds_ = std::move(bounds);
}

void StatsStore::SetComputedGauge(std::string_view name, std::function<int64_t()> read) {
  std::lock_guard lock(mutex_);
  computed_.insert_or_assign(std::string(name), std::move(read));
}

void StatsStore::SetShown(std::function<bool(std::string_view name)> shown) {
  std::lock_guard lock(mutex_);
  shown_ = std::move(shown);
}

StatsStore::Row StatsStore::ReadRow(const std::string& name, Entry entry,
                                    const std::vector<uint64_t>& totals) const {
  const auto since_reset = [&](uint32_t cell) {
    return totals[cell] - (cell < base_.size() ? base_[cell] : 0);
  };
  Row row{.name = name, .kind = entry.kind};
  switch (entry.kind) {
    case Row::Kind::kCounter:
      row.value = since_reset(entry.cell);
      row.used = totals[entry.cell] != 0;
      break;
    case Row::Kind::kGauge:
      row.value = totals[entry.cell];
      row.used = row.value != 0 || totals[entry.cell + 1] != 0;
      break;
    case Row::Kind::kHistogram:
      row.histogram.bounds = entry.bounds != nullptr
                                 ? *entry.bounds
                                 : HistogramBounds(kHistogramBounds.begin(), kHistogramBounds.end());
      for (uint32_t i = 0; i < entry.Buckets(); ++i) {
        row.histogram.counts.push_back(since_reset(entry.cell + i));
        row.histogram.count += row.histogram.counts.back();
        row.used = row.used || totals[entry.cell + i] != 0;
      }
      row.histogram.sum = static_cast<double>(since_reset(entry.cell + entry.Buckets()));
      break;
  }
  return row;
}

std::vector<StatsStore::Row> StatsStore::Read() const {
  std::vector<Row> rows;
  std::map<std::string, std::function<int64_t()>, std::less<>> computed;
  {
    std::lock_guard lock(mutex_);
    std::vector<uint64_t> totals(next_cell_);
    StatsShard::AddTotals(0, totals);
    rows.reserve(entries_.size() + computed_.size());
    for (const auto& [name, entry] : entries_) {
      if (!computed_.contains(name) && (!shown_ || shown_(name)))
        rows.push_back(ReadRow(name, entry, totals));
    }
    computed = computed_;
    if (shown_) std::erase_if(computed, [&](const auto& entry) { return !shown_(entry.first); });
  }
  // Outside the lock: a computed gauge may read other statistics.
  for (const auto& [name, read] : computed) {
    rows.push_back(
        Row{.name = name, .kind = Row::Kind::kGauge, .value = static_cast<uint64_t>(read()), .used = true});
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name < b.name; });
  return rows;
}

uint64_t StatsStore::ValueOfCell(uint32_t cell) const {
  std::vector<uint64_t> total(1);
  std::lock_guard lock(mutex_);
  StatsShard::AddTotals(cell, total);
  return total[0] - (cell < base_.size() ? base_[cell] : 0);
}

uint64_t StatsStore::Value(Counter counter) const {
  return counter.cell_ == 0 ? 0 : ValueOfCell(counter.cell_);
}

int64_t StatsStore::Value(Gauge gauge) const {
  return gauge.cell_ == 0 ? 0 : static_cast<int64_t>(ValueOfCell(gauge.cell_));
}

uint64_t StatsStore::ValueOf(std::string_view name) const {
  std::function<int64_t()> read;
  Entry entry{Row::Kind::kCounter, 0};
  {
    std::lock_guard lock(mutex_);
    if (auto computed = computed_.find(name); computed != computed_.end()) read = computed->second;
    if (auto found = entries_.find(name); found != entries_.end()) entry = found->second;
  }
  if (read) return static_cast<uint64_t>(read());
  if (entry.cell == 0) return 0;
  if (entry.kind != Row::Kind::kHistogram) return ValueOfCell(entry.cell);
  uint64_t count = 0;
  for (uint32_t i = 0; i < entry.Buckets(); ++i) count += ValueOfCell(entry.cell + i);
  return count;
}

void StatsStore::ResetCounters() {
  std::lock_guard lock(mutex_);
  std::vector<uint64_t> totals(next_cell_);
  StatsShard::AddTotals(0, totals);
  base_.resize(next_cell_);
  for (const auto& [name, entry] : entries_) {
    if (entry.kind == Row::Kind::kGauge) continue;
    for (uint32_t i = 0; i < entry.Cells(); ++i) base_[entry.cell + i] = totals[entry.cell + i];
  }
}

}  // namespace narthex
