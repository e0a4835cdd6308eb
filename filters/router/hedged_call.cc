#include "filters/router/hedged_call.h"

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "filters/router/tries.h"
#include "source/coro/event.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;
using Result = ClientConnection::Result;

// What is known of the upstream's side, but for the number of attempts, from one exchange to another.
void CopyTimes(const ExchangeTimes& from, ExchangeTimes& to) {
  if (from.upstream_start != 0) to.upstream_start = from.upstream_start;
  to.upstream_connect = from.upstream_connect;
  to.upstream_connected = from.upstream_connected;
  to.upstream_handshake = from.upstream_handshake;
  to.upstream_end = from.upstream_end;
  to.response_head = from.response_head;
  to.response_body = from.response_body;
  to.response_end = from.response_end;
}
void CopyFacts(const Exchange& from, Exchange& to) {
  const uint32_t attempts = to.upstream.attempts;
  to.upstream = from.upstream;
  to.upstream.attempts = attempts;
  CopyTimes(from.times, to.times);
}

// The body of the response that won.
class WinnersBody final : public BodySource {
 public:
  WinnersBody(Body body, const Exchange& from, Exchange& to) : from_(from), to_(to), body_(std::move(body)) {}

  Task<BodyPiece> Read() override {
    BodyPiece piece = co_await body_.Read();
    CopyTimes(from_.times, to_.times);
    co_return piece;
  }

 private:
  const Exchange& from_;
  Exchange& to_;
  Body body_;
};

// The tries of one request. Lives in the frame of HedgedCall.
class Hedges {
 public:
  Hedges(const CompiledRoute& route, Request& request, RetryPlan plan, TryOptions options)
      : request_(request.info()),
        tries_(route, request, std::move(plan), options),
        turn_end_([](void* self) { static_cast<Hedges*>(self)->changed_.Set(); }, this) {
    Begin(*all_.emplace_back(std::make_shared<One>(*this)));
  }
  Hedges(const Hedges&) = delete;
  ~Hedges() {
    // Called off: the last one is what the request waited for.
    const auto last = std::find_if(all_.rbegin(), all_.rend(), [](const auto& one) { return one->begun; });
    if (last != all_.rend()) CopyFacts((*last)->exchange, request_);
  }

  // Something came of a try, or of waiting for it. Announced at a turn's end, when no try is on the stack.
  auto Change() { return changed_.Wait(); }

  // The result of all tries, or nothing yet.
  std::optional<Result> Step() {
    changed_.Reset();
    for (auto at = all_.begin(); at != all_.end();) {
      const std::shared_ptr<One> one = *at;
      if (!one->result) {
        ++at;
        continue;
      }
      at = all_.erase(at);
      if (auto result = TakeResult(one)) return result;
    }
    // Those that are added here have not begun.
    for (const auto& one : all_) {
      if (!std::exchange(one->due, false)) continue;
      if (one->begun) {
        Hedge(*one);
      } else {
        Begin(*one);
      }
    }
    return std::nullopt;
  }

 private:
  struct One {
    explicit One(Hedges& owner)
        : hedges(owner),
          exchange(owner.request_.loop(), owner.request_.connection()),
          timer(owner.request_.loop().wheel(), &Hedges::OnTimer, this) {}

    Hedges& hedges;
    Exchange exchange;
    std::unique_ptr<RetryToken> token;
    std::optional<TryDeadline> deadline;
    Timer timer;  // until it begins, then its deadline
    bool begun = false;
    bool due = false;      // the timer has fired
    bool retried = false;  // another was begun beside it
    std::optional<Result> result;
    Task<void> run;
  };

  static void OnTimer(void* self) {
    auto* one = static_cast<One*>(self);
    if (one->begun) {
      const milliseconds left = one->deadline->Left();
      if (left.count() > 0) return one->timer.Arm(left);
    }
    one->due = true;
    one->exchange.loop().AtTurnEnd(one->hedges.turn_end_);
  }

  void Begin(One& one) {
    one.begun = true;
    Cluster* cluster = tries_.FindCluster();
    if (cluster == nullptr) {
      one.result = ClusterGone();
      return request_.loop().AtTurnEnd(turn_end_);
    }
    Prepare(one.exchange);
    one.deadline = tries_.Deadline(one.exchange);
    if (one.deadline->limited()) one.timer.Arm(std::max(one.deadline->Left(), milliseconds(1)));
    one.run = Run(one, *cluster);
    one.run.Start();
    request_.upstream.attempts = one.exchange.upstream.attempts;
    // The name that lasts, should the cluster go meanwhile.
    request_.upstream.cluster = one.exchange.upstream.cluster;
  }

  void Prepare(Exchange& exchange) {
    if (request_.upstream.attempts > 0) tries_.PrepareHeaders(request_.request_headers);
    exchange.request_headers = request_.request_headers.Clone();
    exchange.protocol = request_.protocol;
    exchange.client = request_.client;
    exchange.internal = request_.internal;
    exchange.random = request_.random;
    exchange.clusters = request_.clusters;
    exchange.max_duration = request_.max_duration;
    exchange.times.start = request_.times.start;
    exchange.times.start_wall = request_.times.start_wall;
    exchange.upstream.cluster = request_.upstream.cluster;
    exchange.upstream.attempts = request_.upstream.attempts;
    exchange.set_route(*request_.route());
    exchange.SetInterim(
        [](void* context, const HeaderMap& headers) {
          static_cast<Exchange*>(context)->SendInterim(headers);
        },
        &request_);
  }

  Task<void> Run(One& one, Cluster& cluster) {
    one.result.emplace(co_await tries_.Start(cluster, one.exchange));
    one.timer.Cancel();
    one.exchange.loop().AtTurnEnd(turn_end_);
  }

  // A try has ended; it is not among the others any more.
  std::optional<Result> TakeResult(const std::shared_ptr<One>& one) {
    Result result = *std::move(one->result);
    one->token.reset();
    if (!tries_.plan().Wants(result)) {
      tries_.CountSuccess();
      return Finish(one, std::move(result));
    }
    if (!one->retried) {
      if (auto token = tries_.TakeRetry(/*beside=*/!all_.empty())) {
        Plan(*one, std::move(token), &result);
        return std::nullopt;
      }
      // An answer is given at once, as in Envoy; without one there may still be another's.
      if (std::holds_alternative<Response>(result)) return Finish(one, std::move(result));
    }
    if (!all_.empty()) return std::nullopt;
    return Finish(one, std::move(result));
  }

  // A try has had its time.
  void Hedge(One& one) {
    auto token = tries_.TakeRetry(/*beside=*/true);
    if (token == nullptr) return;
    tries_.NoteTimeout(one.exchange);
    one.retried = true;
    Plan(one, std::move(token), nullptr);
  }

  void Plan(const One& last, std::unique_ptr<RetryToken> token, const Result* result) {
    const milliseconds wait = tries_.Wait(result);
    tries_.NoteTried(last.exchange);
    One& next = *all_.emplace_back(std::make_shared<One>(*this));
    next.token = std::move(token);
    next.timer.Arm(wait);
  }

  Result Finish(const std::shared_ptr<One>& one, Result result) {
    all_.clear();
    tries_.End();
    CopyFacts(one->exchange, request_);
    auto* response = std::get_if<Response>(&result);
    if (response == nullptr) return result;
    // Its exchange is written to until the end of the body.
    request_.Hold(one);
    tries_.BoundBody(*response);
    Body& body = response->body();
    if (body.complete()) return result;
    const std::optional<uint64_t> length = body.length();
    auto rest = std::make_unique<WinnersBody>(std::move(body), one->exchange, request_);
    response->set_body(Body(Buffer(), std::move(rest), length));
    return result;
  }

  Exchange& request_;
  Tries tries_;
  Event changed_;
  TurnEnd turn_end_;
  std::list<std::shared_ptr<One>> all_;  // those that go on, or have not begun
};

}  // namespace

Task<Result> HedgedCall(const CompiledRoute& route, Request request, RetryPlan plan, TryOptions options) {
  Hedges hedges(route, request, std::move(plan), options);
  for (;;) {
    co_await hedges.Change();
    if (std::optional<Result> result = hedges.Step()) co_return *std::move(result);
  }
}

}  // namespace narthex
