#include "source/stats/shard.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <type_traits>

namespace narthex {
namespace {

// All shards of the process. Leaked, so that threads may end after main has.
struct ShardList {
  std::mutex mutex;
  std::vector<StatsShard*> live;
  StatsShard retired;
};

ShardList& List() {
  static ShardList* list = new ShardList;
  return *list;
}

constinit thread_local bool t_ended = false;

constexpr size_t kBytes = StatsShard::kMaxCells * sizeof(StatsShard::Cell);
// Fresh pages are zeroes, and so are the cells in them without ever having been constructed.
static_assert(std::is_trivially_destructible_v<StatsShard::Cell>);
static_assert(StatsShard::Cell::is_always_lock_free && sizeof(StatsShard::Cell) == sizeof(uint64_t));

// How many cells are in use in any shard.
constinit std::atomic<uint32_t> end_of_cells = 0;

}  // namespace

constinit thread_local StatsShard::Cell* StatsShard::current_ = nullptr;

// Owns the thread's shard: its destructor hands the counts over when the thread ends.
struct ThreadShard {
  StatsShard shard;

  ThreadShard() {
    std::lock_guard lock(List().mutex);
    List().live.push_back(&shard);
    StatsShard::current_ = shard.cells_;
  }
  ~ThreadShard() {
    StatsShard::current_ = nullptr;
    t_ended = true;
    ShardList& list = List();
    std::lock_guard lock(list.mutex);
    list.live.erase(std::find(list.live.begin(), list.live.end(), &shard));
    list.retired.Fold(shard);
  }
};

StatsShard::Cell* StatsShard::MakeOfThread() {
  if (t_ended) return nullptr;
  thread_local ThreadShard owner;
  return current_;
}

StatsShard::StatsShard() {
  void* memory =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  cells_ = static_cast<Cell*>(memory);
}

StatsShard::~StatsShard() {
  munmap(cells_, kBytes);
}

void StatsShard::SetEnd(uint32_t end) {
  end_of_cells.store(end, std::memory_order_relaxed);
}

void StatsShard::AddRetired(uint32_t cell, uint64_t amount) {
  ShardList& list = List();
  std::lock_guard lock(list.mutex);
  list.retired.cells_[cell].fetch_add(amount, std::memory_order_relaxed);
}

void StatsShard::AddTo(uint32_t first, std::vector<uint64_t>& totals) const {
  for (uint32_t i = 0; i < totals.size(); ++i) totals[i] += cells_[first + i].load(std::memory_order_relaxed);
}

void StatsShard::Fold(const StatsShard& other) {
  const uint32_t end = end_of_cells.load(std::memory_order_relaxed);
  for (uint32_t cell = 0; cell < end; ++cell) {
    const uint64_t amount = other.cells_[cell].load(std::memory_order_relaxed);
    if (amount != 0) cells_[cell].fetch_add(amount, std::memory_order_relaxed);
  }
}

void StatsShard::AddTotals(uint32_t first, std::vector<uint64_t>& totals) {
  ShardList& list = List();
  std::lock_guard lock(list.mutex);
  list.retired.AddTo(first, totals);
  for (const StatsShard* shard : list.live) shard->AddTo(first, totals);
}

}  // namespace narthex
