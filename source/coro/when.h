#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "source/coro/task.h"

namespace narthex {

namespace coro_detail {

// Runs one child and reports its end to `Owner::OnChildDone(index)`; destroyed with its owner, and the child
// with it. The frame that awaits the owner must not be resumed by OnChildDone: it may destroy this one, which
// is still running. It goes on from this one's end instead.
template <class T, class Owner>
Task<void> RunChild(Task<T> child, std::optional<T>* result, Owner* owner, size_t index) {
  result->emplace(co_await child);
  owner->OnChildDone(index);
}

template <class Owner>
Task<void> RunChild(Task<void> child, Owner* owner, size_t index) {
  co_await child;
  owner->OnChildDone(index);
}

}  // namespace coro_detail

// Awaits all tasks at once and returns their values in order. Destroying the waiting frame cancels those that
// still run.
template <class T>
class [[nodiscard]] WhenAll {
 public:
  explicit WhenAll(std::vector<Task<T>> tasks) : tasks_(std::move(tasks)), results_(tasks_.size()) {}
  WhenAll(const WhenAll&) = delete;

  bool await_ready() const noexcept { return tasks_.empty(); }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    open_ = tasks_.size() + 1;
    children_.reserve(tasks_.size());
    for (size_t i = 0; i < tasks_.size(); ++i) {
      children_.push_back(coro_detail::RunChild(std::move(tasks_[i]), &results_[i], this, i));
      children_.back().Start();
    }
    if (--open_ == 0) return false;  // every child was ready: go on without suspending
    awaiting_ = awaiting;
    return true;
  }
  std::vector<T> await_resume() {
    std::vector<T> values;
    values.reserve(results_.size());
    for (std::optional<T>& result : results_) values.push_back(std::move(*result));
    return values;
  }

  void OnChildDone(size_t index) {
    if (--open_ == 0) children_[index].Prepare(awaiting_);
  }

 private:
  std::vector<Task<T>> tasks_;
  std::vector<std::optional<T>> results_;
  std::vector<Task<void>> children_;
  size_t open_ = 0;
  std::coroutine_handle<> awaiting_;
};

// Awaits the first of several tasks to end: its index and value. The others are cancelled before the awaiting
// frame goes on.
template <class T>
class [[nodiscard]] WhenAny {
 public:
  struct Winner {
    size_t index;
    T value;
  };

  // REQUIRES: at least one task.
  explicit WhenAny(std::vector<Task<T>> tasks) : tasks_(std::move(tasks)), results_(tasks_.size()) {}
  WhenAny(const WhenAny&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    children_.reserve(tasks_.size());
    for (size_t i = 0; i < tasks_.size() && !winner_; ++i) {
      children_.push_back(coro_detail::RunChild(std::move(tasks_[i]), &results_[i], this, i));
      children_.back().Start();
    }
    if (winner_) return false;
    awaiting_ = awaiting;
    return true;
  }
  Winner await_resume() {
    children_.clear();
    return Winner{*winner_, std::move(*results_[*winner_])};
  }

  void OnChildDone(size_t index) {
    if (winner_) return;
    winner_ = index;
    if (awaiting_) children_[index].Prepare(awaiting_);
  }

 private:
  std::vector<Task<T>> tasks_;
  std::vector<std::optional<T>> results_;
  std::vector<Task<void>> children_;
  std::optional<size_t> winner_;
  std::coroutine_handle<> awaiting_;
};

}  // namespace narthex
