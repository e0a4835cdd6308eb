#include "source/upstream/balancer/turns.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace narthex {

namespace {

// Restores the heap after its first element has been put back.
template <class Element, class Later>
void Sink(std::vector<Element>& heap, Later later) {
  size_t at = 0;
  for (;;) {
    size_t first = at;
    for (const size_t child : {2 * at + 1, 2 * at + 2}) {
      if (child < heap.size() && later(heap[first], heap[child])) first = child;
    }
    if (first == at) return;
    std::swap(heap[at], heap[first]);
    at = first;
  }
}

}  // namespace

bool Turns::Later(const Class& a, const Class& b) {
  return a.deadline != b.deadline ? a.deadline > b.deadline : a.order > b.order;
}

Turns::Turns(const std::vector<double>& weights, uint64_t random) : members_(weights.size()) {
  std::iota(members_.begin(), members_.end(), 0);
  std::erase_if(members_, [&](uint32_t item) { return !(weights[item] > 0); });
  std::sort(members_.begin(), members_.end(), [&](uint32_t a, uint32_t b) {
    return weights[a] != weights[b] ? weights[a] > weights[b] : a < b;
  });
  for (size_t begin = 0; begin < members_.size();) {
    size_t end = begin + 1;
    while (end < members_.size() && weights[members_[end]] == weights[members_[begin]]) ++end;
    const size_t size = end - begin;
    const double step = 1 / (weights[members_[begin]] * static_cast<double>(size));
    classes_.push_back({step, step, order_++, begin, end, begin + random % size});
    begin = end;
  }
  std::make_heap(classes_.begin(), classes_.end(), Later);
  // Somewhere within the first rounds; one class has started at random already.
  if (classes_.size() < 2) return;
  for (uint64_t skip = random % (4 * members_.size()); skip > 0; --skip) Next();
}

size_t Turns::Next() {
  Class& first = classes_.front();
  const uint32_t item = members_[first.next];
  if (++first.next == first.end) first.next = first.begin;
  first.deadline += first.step;
  first.order = order_++;
  Sink(classes_, Later);
  return item;
}

bool ChangingTurns::Later(const Entry& a, const Entry& b) {
  return a.deadline != b.deadline ? a.deadline > b.deadline : a.order > b.order;
}

ChangingTurns::ChangingTurns(const std::vector<double>& weights, uint64_t random) {
  for (uint32_t item = 0; item < weights.size(); ++item) {
    if (weights[item] > 0) heap_.push_back({1 / weights[item], order_++, item});
  }
  std::make_heap(heap_.begin(), heap_.end(), Later);
  if (heap_.empty()) return;
  for (uint64_t skip = random % (4 * heap_.size()); skip > 0; --skip) {
    Next([&](uint32_t item) { return weights[item]; });
  }
}

void ChangingTurns::Delay(double weight) {
  heap_.front().deadline += 1 / weight;
  heap_.front().order = order_++;
  Sink(heap_, Later);
}

}  // namespace narthex
