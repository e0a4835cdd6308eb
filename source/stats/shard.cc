#include "source/stats/shard.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>

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

}  // namespace

constinit thread_local StatsShard* StatsShard::current_ = nullptr;

// Owns the thread's shard: its destructor hands the counts over when the thread ends.
struct ThreadShard {
  StatsShard shard;

  ThreadShard() {
    std::lock_guard lock(List().mutex);
    List().live.push_back(&shard);
    StatsShard::current_ = &shard;
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

bool StatsShard::MakeOfThread() {
  if (t_ended) return false;
  thread_local ThreadShard owner;
  return current_ != nullptr;
}

StatsShard::StatsShard()
    : chunks_(static_cast<std::atomic<Chunk*>*>(std::calloc(kMaxChunks, sizeof(std::atomic<Chunk*>)))) {
  if (chunks_ == nullptr) std::abort();
}

StatsShard::~StatsShard() {
  for (uint32_t i = 0; i < kMaxChunks; ++i) delete chunks_[i].load(std::memory_order_relaxed);
  std::free(chunks_);
}

StatsShard::Chunk* StatsShard::MakeChunk(uint32_t index) {
  auto* chunk = new Chunk{};
  // Readers must see the zeroes.
  chunks_[index].store(chunk, std::memory_order_release);
  return chunk;
}

void StatsShard::AddRetired(uint32_t cell, uint64_t amount) {
  ShardList& list = List();
  std::lock_guard lock(list.mutex);
  Cell& at = list.retired.At(cell);
  at.store(at.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

void StatsShard::AddTo(uint32_t first, std::vector<uint64_t>& totals) const {
  const uint32_t end = first + static_cast<uint32_t>(totals.size());
  uint32_t cell = first;
  while (cell < end) {
    const uint32_t chunk_end = std::min(end, (cell / kCellsPerChunk + 1) * kCellsPerChunk);
    const Chunk* chunk = chunks_[cell / kCellsPerChunk].load(std::memory_order_acquire);
    for (; chunk != nullptr && cell < chunk_end; ++cell) {
      totals[cell - first] += (*chunk)[cell % kCellsPerChunk].load(std::memory_order_relaxed);
    }
    cell = chunk_end;
  }
}

void StatsShard::Fold(const StatsShard& other) {
  for (uint32_t i = 0; i < kMaxChunks; ++i) {
    const Chunk* from = other.chunks_[i].load(std::memory_order_acquire);
    if (from == nullptr) continue;
    for (uint32_t cell = 0; cell < kCellsPerChunk; ++cell) {
      const uint64_t amount = (*from)[cell].load(std::memory_order_relaxed);
      if (amount == 0) continue;
      Cell& at = At(i * kCellsPerChunk + cell);
      at.store(at.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
  }
}

void StatsShard::AddTotals(uint32_t first, std::vector<uint64_t>& totals) {
  ShardList& list = List();
  std::lock_guard lock(list.mutex);
  list.retired.AddTo(first, totals);
  for (const StatsShard* shard : list.live) shard->AddTo(first, totals);
}

}  // namespace narthex
