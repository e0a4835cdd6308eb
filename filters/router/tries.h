#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filters/router/kept_body.h"
#include "filters/router/retried_call.h"
#include "filters/router/retry_plan.h"
#include "filters/router/try_deadline.h"

namespace narthex {

// What the tries of one request have in common: its body, its retries, and where it was tried. Lives in the
// frame of who makes them. Loop-confined.
class Tries {
 public:
  using Result = ClientConnection::Result;

  // Takes the body off the request.
  Tries(const CompiledRoute& route, Request& request, RetryPlan plan, TryOptions options);

  EventLoop& loop() const { return exchange_.loop(); }
  const RetryPlan& plan() const { return plan_; }
  const RetryStats& stats() const { return options_.stats->retries(); }
  // Null when the cluster is gone.
  Cluster* FindCluster() const { return exchange_.clusters->Find(exchange_.upstream.cluster); }

  // A try on `exchange`, which is the request's own or one like it.
  Task<Result> Start(Cluster& cluster, Exchange& exchange);
  // For a try that begins now: when all of the request is there it has its whole time from then on.
  TryDeadline Deadline(const Exchange& exchange) const;
  // The same when a try has taken too long; `late` says in which way. Counts it.
  Result TimedOut(TryDeadline::Limit late, const Exchange& exchange) const;
  // Says so to the cluster.
  void NoteTimeout(const Exchange& exchange) const;

  // Takes a retry and its place among the cluster's; null, counted and with the flag that says why, when
  // there is none. `beside`: the tries so far go on.
  std::unique_ptr<RetryToken> TakeRetry(bool beside);
  // A try ended with what is no reason for another.
  void CountSuccess() const {
    if (!tried_.empty()) stats().success.Add();
  }
  // At least one turn of the loop, in which what is left of the last try goes. `result` is null when there is
  // none yet.
  std::chrono::milliseconds Wait(const Result* result) const;
  // Another follows the try on `last`.
  void NoteTried(const Exchange& last);
  // Brings the request's fields to what the next retry is to send.
  void PrepareHeaders(HeaderMap& headers) const;
  // Holds each piece of the response to the time that a try may idle.
  void BoundBody(Response& response) const;
  // There will be no further try.
  void End() { kept_->StopKeeping(); }

 private:
  // The fields that a host's choice changes, as they were before.
  class HostFields {
   public:
    HostFields(const CompiledRoute& route, const HeaderMap& headers);
    void Restore(HeaderMap& headers) const;

   private:
    const bool active_;
    std::optional<std::string> values_[3];
  };

  const CompiledRoute& route_;
  Exchange& exchange_;
  RetryPlan plan_;
  const TryOptions options_;
  const bool complete_;
  const HostFields host_fields_;
  const std::shared_ptr<KeptBody> kept_;
  std::vector<Address> tried_;
  std::optional<TriedPriorities> priorities_;
};

// In place of a try's answer: the cluster is gone.
ExchangeError ClusterGone();

}  // namespace narthex
