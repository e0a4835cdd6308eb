#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace narthex {

// The cells of one thread: only that thread writes them (load, add, store, all relaxed: no locked
// instruction), any thread reads them. They stand in one piece of address space, which the system fills with
// memory page by page as cells are counted in. Thread-safe in that sense.
class StatsShard {
 public:
  static constexpr uint32_t kMaxCells = 8u << 20;
  using Cell = std::atomic<uint64_t>;

  // Adds to a cell of the calling thread; counts elsewhere once its thread_local objects are being destroyed.
  static void Add(uint32_t cell, uint64_t amount) {
    if (Cell* cells = CellsOfThread(); cells != nullptr) [[likely]] {
      // Only this thread writes the cell: no read-modify-write instruction is needed.
      cells[cell].store(cells[cell].load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    } else {
      AddRetired(cell, amount);
    }
  }
  // The same for a cell that says only whether something ever was.
  static void Mark(uint32_t cell) {
    if (Cell* cells = CellsOfThread(); cells != nullptr) [[likely]] {
      cells[cell].store(1, std::memory_order_relaxed);
    } else {
      AddRetired(cell, 1);
    }
  }
  // Says that the cells before `end` are in use. Thread-safe.
  static void SetEnd(uint32_t end);
  // The sums over all threads, past and present, of the cells [first, first + totals.size()), added to
  // `totals`.
  static void AddTotals(uint32_t first, std::vector<uint64_t>& totals);

  StatsShard();
  ~StatsShard();
  StatsShard(const StatsShard&) = delete;

  void AddTo(uint32_t first, std::vector<uint64_t>& totals) const;
  // Adds all cells of `other`. REQUIRES: nobody else writes this shard meanwhile.
  void Fold(const StatsShard& other);

 private:
  friend struct ThreadShard;

  // Null once the thread's shard is gone.
  static Cell* CellsOfThread() {
    if (current_ != nullptr) [[likely]] {
      return current_;
    }
    return MakeOfThread();
  }
  static Cell* MakeOfThread();
  static void AddRetired(uint32_t cell, uint64_t amount);

  static constinit thread_local Cell* current_;

  Cell* cells_;  // kMaxCells of them
};

}  // namespace narthex
