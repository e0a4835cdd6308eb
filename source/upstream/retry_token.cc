#include "source/upstream/retry_token.h"

#include <utility>

namespace narthex {

namespace {

// Keeps alive what it counts in.
class CountedRetry final : public RetryToken {
 public:
  CountedRetry(std::shared_ptr<ClusterRuntime> runtime, SharedCell& cell)
      : runtime_(std::move(runtime)), cell_(cell) {
    cell_.Add();
  }
  ~CountedRetry() override { cell_.Sub(); }

 private:
  const std::shared_ptr<ClusterRuntime> runtime_;
  SharedCell& cell_;
};

}  // namespace

std::unique_ptr<RetryToken> MakeRetryToken(const PoolContext& context, Priority priority) {
  const WorkerBreakers::Breaker& breaker = context.breakers_of(priority).retries;
  const uint32_t limit = RetryLimit(context.config.limits(priority), context.runtime->breakers(priority));
  if (breaker.sum->Reached(*breaker.cell, limit)) return nullptr;
  return std::make_unique<CountedRetry>(context.runtime, *breaker.cell);
}

}  // namespace narthex
