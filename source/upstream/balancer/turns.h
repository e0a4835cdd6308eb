#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace narthex {

// Takes items in turn, each as often as its weight says, smoothly interleaved (earliest deadline first): of
// any run of turns an item has its share, give or take one. Items of the same weight form one class, whose
// members take turns among themselves, so that a turn costs the logarithm of how many *different* weights
// there are: nothing for equal ones, however many items. Loop-confined.
class Turns {
 public:
  Turns() = default;
  // Items are 0, 1, ... in the order of `weights`; one with a weight of 0 or less never has a turn. `random`
  // decides where it starts, so that workers and gateways do not move in step.
  Turns(const std::vector<double>& weights, uint64_t random);

  bool empty() const { return classes_.empty(); }
  // REQUIRES: !empty(). Allocates nothing.
  size_t Next();

 private:
  struct Class {
    double deadline = 0;
    double step = 0;            // between two turns of the class: 1 / (weight * members)
    uint64_t order = 0;         // breaks ties: who waited longer goes first
    size_t begin = 0, end = 0;  // of members_
    size_t next = 0;
  };
  static bool Later(const Class& a, const Class& b);

  std::vector<Class> classes_;  // a heap, the earliest first
  std::vector<uint32_t> members_;
  uint64_t order_ = 0;
};

// The same for weights that change from turn to turn: an item's next deadline follows from what it weighs
// when its turn comes. A turn costs the logarithm of the number of items. Loop-confined.
class ChangingTurns {
 public:
  ChangingTurns() = default;
  ChangingTurns(const std::vector<double>& weights, uint64_t random);

  bool empty() const { return heap_.empty(); }
  // REQUIRES: !empty(). `weight_of(item)` is its weight from now on, above 0. Allocates nothing.
  template <class WeightOf>
  size_t Next(WeightOf weight_of) {
    const uint32_t item = heap_.front().item;
    Delay(weight_of(item));
    return item;
  }

 private:
  struct Entry {
    double deadline = 0;
    uint64_t order = 0;
    uint32_t item = 0;
  };
  static bool Later(const Entry& a, const Entry& b);
  // Puts the first back by 1 / weight.
  void Delay(double weight);

  std::vector<Entry> heap_;
  uint64_t order_ = 0;
};

}  // namespace narthex
