#include "source/upstream/worker_cluster.h"

#include <algorithm>
#include <coroutine>
#include <optional>
#include <utility>
#include <variant>

#include "source/http/exchange.h"

namespace narthex {

namespace {

// RFC 9110 section 9.2.2: sending it twice has the effect of sending it once.
bool IsIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

// Whether the client, in the midst of its body, is what an exchange broke off for: its host did nothing
// wrong.
bool IsClients(ResponseFlag flag) {
  return flag == ResponseFlag::kDownstreamConnectionTermination ||
         flag == ResponseFlag::kDownstreamProtocolError;
}

void RewriteHost(Request& request, const Host& host, const AttemptOptions& options) {
  if (!options.auto_host_rewrite || host.hostname().empty()) return;
  const std::string_view old = request.headers().Get(Header::kAuthority);
  if (old == host.hostname()) return;
  if (options.append_x_forwarded_host && !old.empty()) {
    request.headers().AppendToList(Header::kXForwardedHost, old);
  }
  if (options.keep_original_host) request.headers().Set("x-envoy-original-host", old);
  request.headers().Set(Header::kAuthority, host.hostname());
}

}  // namespace

// Counts a Send that has not ended, for as long as its frame lives.
class WorkerCluster::InFlight {
 public:
  explicit InFlight(WorkerCluster& cluster) : cluster_(cluster) { ++cluster_.in_flight_; }
  InFlight(const InFlight&) = delete;
  ~InFlight() {
    if (--cluster_.in_flight_ == 0 && cluster_.gone_) cluster_.PostSweep();
  }

 private:
  WorkerCluster& cluster_;
};

// Awaits the first resolution of the cluster's names; ready at once when it is done. Unlinks itself.
class WorkerCluster::WarmWait {
 public:
  explicit WarmWait(WorkerCluster& cluster) : cluster_(cluster) {}
  WarmWait(const WarmWait&) = delete;
  ~WarmWait() { Unlink(); }

  bool await_ready() const { return cluster_.hosts_->warm; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    next_ = cluster_.warm_waits_;
    if (next_ != nullptr) next_->link_ = &next_;
    link_ = &cluster_.warm_waits_;
    cluster_.warm_waits_ = this;
  }
  void await_resume() const {}
  void Resume() {
    Unlink();
    awaiting_.resume();
  }

 private:
  void Unlink() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    link_ = nullptr;
  }

  WorkerCluster& cluster_;
  WarmWait* next_ = nullptr;
  WarmWait** link_ = nullptr;
  std::coroutine_handle<> awaiting_;
};

WorkerCluster::WorkerCluster(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, Connector connector)
    : context_(loop, std::move(runtime), std::move(connector)),
      self_(std::make_shared<WorkerCluster*>(this)) {
  context_.on_drained = [this] { PostSweep(); };
  subscription_ = context_.runtime->Subscribe(
      loop, [this](std::shared_ptr<const HostSet> hosts) { SetHosts(std::move(hosts)); });
  SetHosts(context_.runtime->hosts());
}

WorkerCluster::~WorkerCluster() {
  context_.on_drained = nullptr;
  self_.reset();
}

HostCounts WorkerCluster::host_counts() const {
  HostCounts counts{.total = hosts_->hosts.size()};
  for (const auto& host : hosts_->hosts) {
    if (host->health() == ConfiguredHealth::kHealthy) ++counts.healthy;
    if (host->health() == ConfiguredHealth::kDegraded) ++counts.degraded;
  }
  return counts;
}

Task<ClientConnection::Result> WorkerCluster::Send(Request request, AttemptOptions options) {
  InFlight in_flight(*this);
  Exchange& exchange = request.info();
  exchange.upstream.cluster = context_.runtime->lasting_name();
  co_await WarmWait(*this);
  Host* host = balancer_->Choose(options.random);
  if (host == nullptr) {
    context_.stats.cx_none_healthy.Add();
    co_return NoHost();
  }
  Pool& pool = PoolOf(*host);
  RewriteHost(request, *host, options);
  Fill(exchange, *host);
  Lease lease(pool);
  for (bool fresh = false;; fresh = true) {
    std::unique_ptr<ExchangeError> error = co_await pool.Acquire(lease, options.priority, fresh);
    if (error != nullptr) {
      if (error->flag == ResponseFlag::kUpstreamConnectionFailure)
        exchange.upstream.transport_failure = error->cause;
      // It never went to that host.
      if (error->flag == ResponseFlag::kUpstreamOverflow) exchange.upstream.host = Address();
      HostCells::Add(pool.cells().rq_error);
      co_return std::move(*error);
    }
    ClientConnection& connection = lease.connection();
    exchange.upstream.local = lease.local_address();
    const bool idempotent = IsIdempotent(request.method());
    const bool replayable = !fresh && connection.requests_sent() > 0;
    std::optional<Request> unsent;
    lease.StartRequest();
    ClientConnection::Result result =
        co_await connection.Send(std::move(request), replayable ? &unsent : nullptr);
    if (std::holds_alternative<Response>(result)) {
      lease.HandOver();
    } else {
      lease.Reset();
      const bool safe = idempotent || std::get<ExchangeError>(result).retryable;
      if (unsent.has_value() && safe) {
        context_.stats.rq_replayed.Add();
        request = *std::move(unsent);
        continue;
      }
    }
    NoteResult(pool, result);
    co_return result;
  }
}

void WorkerCluster::Fill(Exchange& exchange, const Host& host) const {
  exchange.upstream.host = host.address();
  exchange.upstream.protocol = "HTTP/1.1";
}

void WorkerCluster::NoteResult(Pool& pool, const ClientConnection::Result& result) {
  HostCells& cells = pool.cells();
  if (const Response* response = std::get_if<Response>(&result)) {
    HostCells::Add(response->status() >= 500 ? cells.rq_error : cells.rq_success);
    return;
  }
  const ExchangeError& error = std::get<ExchangeError>(result);
  if (IsClients(error.flag)) return;
  HostCells::Add(cells.rq_error);
  pool.host().NoteFailure(error.cause.empty() ? error.detail : error.cause, context_.loop.WallNow());
}

// What a person needs to know when no host takes load.
ExchangeError WorkerCluster::NoHost() const {
  std::string cause = "cluster " + context_.config.name;
  const std::string discovery = context_.runtime->discovery_error();
  if (!hosts_->hosts.empty()) {
    cause += ": none of its " + std::to_string(hosts_->hosts.size()) + " hosts takes load";
    for (size_t i = 0; i < std::min<size_t>(hosts_->hosts.size(), 3); ++i) {
      cause += "; " + hosts_->hosts[i]->address_text() + " is configured unhealthy";
    }
  } else if (!discovery.empty()) {
    cause += " has no hosts: " + discovery;
  } else {
    cause +=
        context_.config.endpoints.empty() ? " has no endpoints" : " has no hosts yet: names not resolved";
  }
  const std::string origin = context_.config.origin.ToString();
  if (!origin.empty()) cause += " (" + origin + ")";
  return ExchangeError{ResponseFlag::kNoHealthyUpstream, "no_healthy_upstream", true, std::move(cause)};
}

void WorkerCluster::SetHosts(std::shared_ptr<const HostSet> hosts) {
  const bool changed = hosts_ != nullptr && hosts_->hosts != hosts->hosts;
  hosts_ = std::move(hosts);
  const uint64_t start = reinterpret_cast<uintptr_t>(this) / 64 + context_.loop.NowUs();
  balancer_ = MakeLoadBalancer(context_.config, *hosts_, start);
  absl::flat_hash_map<const Host*, std::unique_ptr<Pool>> kept;
  for (const std::shared_ptr<Host>& host : hosts_->hosts) {
    const auto found = pools_.find(host.get());
    if (found != pools_.end()) kept[host.get()] = std::move(found->second);
  }
  for (auto& [host, pool] : pools_) {
    if (pool == nullptr) continue;
    draining_.push_back(std::move(pool));
    draining_.back()->Drain();
  }
  pools_ = std::move(kept);
  if (changed && context_.config.drain_on_host_change) {
    for (auto& [host, pool] : pools_) pool->RetireConnections();
  }
  if (!hosts_->warm) return;
  while (warm_waits_ != nullptr) warm_waits_->Resume();
}

Pool& WorkerCluster::PoolOf(Host& host) {
  std::unique_ptr<Pool>& pool = pools_[&host];
  if (pool == nullptr) {
    for (const std::shared_ptr<Host>& shared : hosts_->hosts) {
      if (shared.get() == &host) pool = std::make_unique<Pool>(context_, shared);
    }
  }
  return *pool;
}

void WorkerCluster::Retire(std::function<void()> gone) {
  gone_ = std::move(gone);
  for (auto& [host, pool] : pools_) pool->Drain();
  PostSweep();
}

void WorkerCluster::PostSweep() {
  if (std::exchange(sweep_posted_, true)) return;
  context_.loop.Post([self = std::weak_ptr<WorkerCluster*>(self_)] {
    if (const std::shared_ptr<WorkerCluster*> cluster = self.lock()) (*cluster)->Sweep();
  });
}

void WorkerCluster::Sweep() {
  sweep_posted_ = false;
  std::erase_if(draining_, [](const std::unique_ptr<Pool>& pool) { return pool->empty(); });
  if (!gone_ || in_flight_ > 0 || !draining_.empty()) return;
  if (std::any_of(pools_.begin(), pools_.end(), [](const auto& entry) { return !entry.second->empty(); }))
    return;
  gone_();
}

}  // namespace narthex
