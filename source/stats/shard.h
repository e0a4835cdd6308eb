#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace narthex {

// The cells of one thread: only that thread writes them (load, add, store, all relaxed: no locked
// instruction), any thread reads them. Chunks appear when a cell of theirs is first counted in. Thread-safe
// in that sense.
class StatsShard {
 public:
  static constexpr uint32_t kCellsPerChunk = 512;
  static constexpr uint32_t kMaxChunks = 16384;
  static constexpr uint32_t kMaxCells = kCellsPerChunk * kMaxChunks;
  using Cell = std::atomic<uint64_t>;
  using Chunk = std::array<Cell, kCellsPerChunk>;

  // The cell of the calling thread; nullptr once its thread_local objects are being destroyed.
  static Cell* OfThread(uint32_t cell) {
    if (current_ == nullptr) [[unlikely]] {
      if (!MakeOfThread()) return nullptr;
    }
    return &current_->At(cell);
  }
  // Counts `amount` for a thread that has no shard any more.
  static void AddRetired(uint32_t cell, uint64_t amount);
  // The sums over all threads, past and present, of the cells [first, first + totals.size()), added to
  // `totals`.
  static void AddTotals(uint32_t first, std::vector<uint64_t>& totals);

  StatsShard();
  ~StatsShard();
  StatsShard(const StatsShard&) = delete;

  // The owner's own cell, made when needed.
  Cell& At(uint32_t cell) {
    Chunk* chunk = chunks_[cell / kCellsPerChunk].load(std::memory_order_relaxed);
    if (chunk == nullptr) [[unlikely]] {
      chunk = MakeChunk(cell / kCellsPerChunk);
    }
    return (*chunk)[cell % kCellsPerChunk];
  }
  void AddTo(uint32_t first, std::vector<uint64_t>& totals) const;
  // Adds all cells of `other`. REQUIRES: nobody else writes this shard meanwhile.
  void Fold(const StatsShard& other);

 private:
  friend struct ThreadShard;
  Chunk* MakeChunk(uint32_t index);
  // False once the thread is ending.
  static bool MakeOfThread();

  static constinit thread_local StatsShard* current_;

  std::atomic<Chunk*>* chunks_;  // kMaxChunks of them, memory that the system fills in page by page
};

}  // namespace narthex
