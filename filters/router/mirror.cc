#include "filters/router/mirror.h"

#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "filters/router/mirror_line.h"
#include "filters/router/response_deadline.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;
using Result = ClientConnection::Result;

// How much of a body waits for a mirror unless the route has a limit.
constexpr uint64_t kDefaultLimit = 1024 * 1024;
// How many copies of a worker are under way at most.
constexpr size_t kMostMirrors = 1024;
// How long the answer may take where the request has no timeout.
constexpr milliseconds kWithoutTimeout{60'000};
// More of an answer is not read.
constexpr uint64_t kMostOfAnswer = 64 * 1024 * 1024;

// Reads a body and keeps nothing of it; false when it is too long.
Task<bool> ThrowAway(Body body) {
  for (uint64_t read = 0; read <= kMostOfAnswer;) {
    BodyPiece piece = co_await body.Read();
    if (piece.end || piece.error != nullptr) co_return true;
    read += piece.data.size();
  }
  co_return false;
}

// "a.test:80" becomes "a.test-shadow:80".
std::string MarkedHost(std::string_view host) {
  size_t end = host.rfind(':');
  const size_t bracket = host.rfind(']');
  const bool has_port = end != std::string_view::npos && (bracket == std::string_view::npos || bracket < end);
  if (!has_port) end = host.size();
  return std::string(host.substr(0, end)).append("-shadow").append(host.substr(end));
}

HeaderMap HeadersOf(const MirrorPolicy& policy, const Request& request) {
  HeaderMap headers = request.headers().Clone();
  policy.mutations.Apply(headers, FormatContext{&request.info(), &headers, nullptr, nullptr, {}});
  headers.Set(Header::kXEnvoyInternal, "true");
  if (!policy.via.empty()) headers.AppendToList(Header::kXForwardedFor, policy.via);
  const std::string_view host = headers.Get(Header::kAuthority);
  if (!policy.host.empty()) {
    headers.Set(Header::kAuthority, policy.host);
  } else if (policy.mark_host && !host.empty()) {
    headers.Set(Header::kAuthority, MarkedHost(host));
  }
  return headers;
}

// One copy on its way. It has an exchange of its own, and all that this needs.
class Mirror final : public Errand {
 public:
  Mirror(const Request& original, const MirrorPolicy& policy, std::string cluster, MirrorStats stats,
         Counter abandoned)
      : connection_(original.info().connection()),
        exchange_(original.info().loop(), connection_),
        cluster_(std::move(cluster)),
        cluster_stats_(policy.stats),
        stats_(stats),
        abandoned_(abandoned),
        turn_end_(&Mirror::OnTurnEnd, this) {
    const Exchange& from = original.info();
    exchange_.request_headers = HeadersOf(policy, original);
    exchange_.protocol = from.protocol;
    exchange_.client = from.client;
    exchange_.random = from.random;
    exchange_.internal = true;
    exchange_.clusters = from.clusters;
    exchange_.snapshot = from.snapshot;
    exchange_.times.start = exchange_.loop().NowUs();
    exchange_.times.start_wall = exchange_.loop().WallNow();
    exchange_.upstream.attempts = 1;
    if (from.route() != nullptr) exchange_.set_route(*from.route());
  }

  // Takes a body that is here already, unless the worker has too much of that.
  bool Take(const Body& body, uint64_t limit) {
    line_ = std::make_shared<MirrorLine>(exchange_.loop(), limit);
    if (!line_->Hold(body.buffered().size())) return false;
    if (body.absent()) return true;
    body_ = Body(body.buffered().Share());
    if (body.trailers() != nullptr) {
      body_.set_trailers(std::make_unique<HeaderMap>(body.trailers()->Clone()));
    }
    return true;
  }
  // Where the body that is still coming is to go.
  std::shared_ptr<MirrorLine> Await(const Body& body, uint64_t limit) {
    line_ = std::make_shared<MirrorLine>(exchange_.loop(), limit);
    body_ = line_->Read(body.length(), &exchange_.times.request_end, &Mirror::OnLost, this);
    return line_;
  }

  void Begin(milliseconds timeout) {
    stats_.begun.Add();
    deadline_.emplace(exchange_, timeout.count() > 0 ? timeout : kWithoutTimeout, body_.complete());
    exchange_.loop().AtTurnEnd(turn_end_);
  }

  void CountLost(MirrorLine::Lost lost) const {
    if (lost == MirrorLine::Lost::kBrokenOff) return;  // by the client
    abandoned_.Add();
    (lost == MirrorLine::Lost::kLags ? stats_.lagging : stats_.budget).Add();
  }

 private:
  // Neither this nor the exchange that it copies is on the stack.
  static void OnTurnEnd(void* self) {
    auto* that = static_cast<Mirror*>(self);
    if (!that->task_) {
      that->task_ = that->Run();
      that->task_.Start();
    } else {
      that->End();
    }
  }
  static void OnLost(void* self, MirrorLine::Lost lost) {
    auto* that = static_cast<Mirror*>(self);
    that->CountLost(lost);
    that->End();
  }
  void End() { exchange_.clusters->errands().End(*this); }

  Task<void> Run() {
    Cluster* cluster = exchange_.clusters->Find(cluster_);
    if (cluster == nullptr) {
      stats_.no_cluster.Add();
    } else {
      stats_.async_total.Add();
      const ClusterResponseStats& stats =
          cluster_stats_ != nullptr ? *cluster_stats_ : ClusterResponseStats::OfNamed(cluster_);
      AttemptOptions options;
      options.random = exchange_.random;
      std::optional<Result> result = co_await Bounded<Result>(
          exchange_.loop(), cluster->Send(Request(std::move(body_), exchange_), options), *deadline_);
      if (!result) Count(504, stats);
      if (!result || !co_await ReadAnswer(*result, stats)) CountLate(stats);
    }
    exchange_.loop().AtTurnEnd(turn_end_);
  }

  // False when it took too long.
  Task<bool> ReadAnswer(Result& result, const ClusterResponseStats& stats) {
    Response* response = std::get_if<Response>(&result);
    if (response == nullptr) {
      Count(LocalReplyFor(std::get<ExchangeError>(std::move(result))).status(), stats);
      co_return true;
    }
    Count(response->status(), stats);
    const std::optional<bool> read =
        co_await Bounded<bool>(exchange_.loop(), ThrowAway(std::move(response->body())), *deadline_);
    co_return read.has_value();
  }
  void Count(int status, const ClusterResponseStats& stats) const {
    if (stats_.count_codes) stats.Count(status);
  }
  void CountLate(const ClusterResponseStats& stats) const {
    stats.timeouts().Add();
    Cluster* waited = exchange_.clusters->Find(cluster_);
    if (waited != nullptr) waited->NoteTimeout(exchange_.upstream);
  }

  const ConnectionFacts connection_;
  Exchange exchange_;
  const std::string cluster_;
  const ClusterResponseStats* const cluster_stats_;  // null: a request header named the cluster
  const MirrorStats stats_;
  const Counter abandoned_;
  std::optional<ResponseDeadline> deadline_;
  std::shared_ptr<MirrorLine> line_;
  Body body_;
  TurnEnd turn_end_;
  Task<void> task_;
};

// Other bits than routes and weighted clusters look at, so that a share of a share is what it says.
uint64_t Draw(const Exchange& exchange) {
  return (exchange.random * 0x9e3779b97f4a7c15) >> 24;
}

}  // namespace

MirrorStats::MirrorStats(const std::string& prefix) {
  StatsStore& store = StatsStore::Process();
  begun = store.MakeCounter(prefix + "rq_mirrored");
  lagging = store.MakeCounter(prefix + "rq_mirror_abandoned_lagging");
  budget = store.MakeCounter(prefix + "rq_mirror_abandoned_budget");
  overflow = store.MakeCounter(prefix + "rq_mirror_overflow");
  no_cluster = store.MakeCounter(prefix + "rq_mirror_no_cluster");
  async_total = store.MakeCounter("http.async-client.rq_total");
}

void SendCopies(const MirrorPolicies& policies, const CompiledRoute& route, Request& request,
                milliseconds timeout, const MirrorStats& stats, const ClusterResponseStats& own) {
  if (AsksForTunnel(request.headers())) return;
  Exchange& exchange = request.info();
  Errands& errands = exchange.clusters->errands();
  const uint64_t limit = route.request_body_buffer_limit.value_or(kDefaultLimit);
  std::vector<std::shared_ptr<MirrorLine>> lines;
  for (const MirrorPolicy& policy : policies) {
    if (!policy.share.Matches(Draw(exchange))) continue;
    std::string_view name = policy.cluster;
    if (name.empty()) name = request.headers().Get(policy.cluster_header);
    if (name.empty()) continue;
    if (errands.size() >= kMostMirrors) {
      stats.overflow.Add();
      continue;
    }
    auto mirror =
        std::make_unique<Mirror>(request, policy, std::string(name), stats, own.retries().abandoned);
    if (!request.body().complete()) {
      lines.push_back(mirror->Await(request.body(), limit));
    } else if (!mirror->Take(request.body(), limit)) {
      mirror->CountLost(MirrorLine::Lost::kBudget);
      continue;
    }
    mirror->Begin(timeout);
    errands.Add(std::move(mirror));
  }
  if (!lines.empty()) request.set_body(MirrorBody(std::move(request.body()), std::move(lines)));
}

}  // namespace narthex
