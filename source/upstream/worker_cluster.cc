#include "source/upstream/worker_cluster.h"

#include <algorithm>
#include <coroutine>
#include <optional>
#include <utility>
#include <variant>

#include "source/base/random.h"
#include "source/http/exchange.h"
#include "source/upstream/connect_raw.h"
#include "source/upstream/retry_token.h"
#include "source/upstream/upstream_errors.h"

namespace narthex {

namespace {

// RFC 9110 section 9.2.2: sending it twice has the effect of sending it once.
bool IsIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
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

  bool await_ready() const {
    return cluster_.hosts_->warm && !cluster_.context_.runtime->awaits_first_checks();
  }
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

WorkerCluster::WorkerCluster(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, Connectors connectors)
    : context_(loop, std::move(runtime), std::move(connectors)),
      balancer_(*context_.runtime),
      pools_(context_),
      results_(*context_.runtime, loop),
      no_host_(*context_.runtime, loop),
      self_(std::make_shared<WorkerCluster*>(this)) {
  context_.on_drained = [this](Pool& pool) {
    pools_.NoteEmpty(pool);
    PostSweep();
  };
  context_.make_room = [this] { return pools_.MakeRoom(); };
  subscription_ = context_.runtime->Subscribe(
      loop, [this](std::shared_ptr<const HostSet> hosts) { SetHosts(std::move(hosts)); });
  SetHosts(context_.runtime->hosts());
}

WorkerCluster::~WorkerCluster() {
  context_.on_drained = nullptr;
  context_.make_room = nullptr;
  self_.reset();
}

HostCounts WorkerCluster::host_counts() const {
  HostCounts counts{.total = hosts_->hosts.size()};
  for (const auto& host : hosts_->hosts) {
    const HostHealth::State state = host->health().state();
    if (state == HostHealth::State::kHealthy) ++counts.healthy;
    if (state == HostHealth::State::kDegraded) ++counts.degraded;
  }
  return counts;
}

Task<ClientConnection::Result> WorkerCluster::Send(Request request, AttemptOptions options) {
  InFlight in_flight(*this);
  Exchange& exchange = request.info();
  exchange.upstream.cluster = context_.runtime->lasting_name();
  co_await WarmWait(*this);
  Host* host = ChooseHost(options);
  if (host == nullptr) co_return NoHost(options.match);
  RewriteHost(request, *host, options);
  PoolTraits traits = TraitsOf(request);
  if (traits.tls.refused) co_return NoNameToVerifyError(context_.config);
  Pool& pool = pools_.PoolOf(*host, std::move(traits));
  exchange.upstream.host = host->address();
  exchange.upstream.waits_since = context_.loop.NowUs();
  Lease lease(pool);
  for (bool fresh = false;; fresh = true) {
    if (std::unique_ptr<ExchangeError> error = co_await pool.Acquire(lease, options.priority, fresh)) {
      NoteNoConnection(pool, exchange.upstream, *error);
      co_return std::move(*error);
    }
    ClientConnection& connection = lease.connection();
    exchange.upstream.local = lease.local_address();
    const bool idempotent = IsIdempotent(request.method());
    const bool replayable = !fresh && connection.requests_sent() > 0;
    std::optional<Request> unsent;
    lease.StartRequest(exchange);
    const uint64_t sent_us = exchange.upstream.waits_since = context_.loop.NowUs();
    ClientConnection::Result result =
        co_await connection.Send(std::move(request), replayable ? &unsent : nullptr);
    if (std::holds_alternative<Response>(result)) {
      lease.HandOver();
    } else {
      lease.Reset();
      if (unsent.has_value() && (idempotent || std::get<ExchangeError>(result).retryable)) {
        context_.stats.rq_replayed.Add();
        request = *std::move(unsent);
        continue;
      }
    }
    results_.Note(pool.host(), pool.cells(), result, sent_us);
    co_return result;
  }
}

void WorkerCluster::NoteNoConnection(Pool& pool, UpstreamFacts& facts, const ExchangeError& error) {
  if (error.flag == ResponseFlag::kUpstreamConnectionFailure) facts.transport_failure = error.cause;
  // It never went to that host.
  if (error.flag == ResponseFlag::kUpstreamOverflow) facts.host = Address();
  HostCells::Add(pool.cells().rq_error);
  results_.NoConnection(pool.host(), pool.cells(), error, facts.waits_since);
}

ExchangeError WorkerCluster::NoHost(const MetadataMatch* match) {
  context_.stats.cx_none_healthy.Add();
  return no_host_.Report(*hosts_, balancer_.WhyNone(match));
}

// Rare, so that looking for the host may take its time.
void WorkerCluster::NoteTimeout(const UpstreamFacts& facts) {
  if (facts.host.empty()) return;
  for (const std::shared_ptr<Host>& host : hosts_->hosts) {
    if (host->address() == facts.host) return results_.Timeout(pools_.PartIn(*host), facts.waits_since);
  }
}

void WorkerCluster::SetHosts(std::shared_ptr<const HostSet> hosts) {
  const bool changed = hosts_ != nullptr && hosts_->hosts != hosts->hosts;
  hosts_ = std::move(hosts);
  balancer_.SetHosts(hosts_);
  pools_.SetHosts(*hosts_);
  if (changed && context_.config.drain_on_host_change) pools_.RetireConnections();
  if (!hosts_->warm || context_.runtime->awaits_first_checks()) return;
  while (warm_waits_ != nullptr) warm_waits_->Resume();
}

PoolTraits WorkerCluster::TraitsOf(const Request& request) const {
  const ConnectionSettings& settings = context_.config.connection;
  PoolTraits traits;
  traits.protocol = settings.protocol;
  if (settings.protocol == UpstreamProtocol::kDownstream) {
    const bool http2 = request.info().protocol == "HTTP/2";
    traits.protocol = http2 ? UpstreamProtocol::kHttp2 : UpstreamProtocol::kHttp1;
  }
  traits.proxy_header = ProxyHeaderFor(settings, &request.info().connection());
  traits.tls = TlsNamesOf(settings, request.headers());
  return traits;
}

// The balancer may choose in turn, by chance or by a hash: a few tries find another host, if there is one.
template <class PassOver>
Host* WorkerCluster::ChooseHost(BalanceRequest wanted, const MetadataMatch* match, uint32_t tries,
                                PassOver pass_over) {
  const std::optional<uint64_t> hash = wanted.hash;
  Host* host = balancer_.Choose(wanted, match);
  for (uint64_t i = 1; i <= tries && host != nullptr && pass_over(*host); ++i) {
    wanted.random = Random64();
    // Far from the first place on the ring, and the same for each request with this hash, as in Envoy.
    if (hash) wanted.hash = *hash ^ (uint64_t{0} - i);
    host = balancer_.Choose(wanted, match);
  }
  return host;
}

Host* WorkerCluster::ChooseHost(const RawOptions& options) {
  constexpr uint32_t kTries = 7;
  const auto failed = [&options](const Host& host) { return host.address() == options.avoid; };
  return ChooseHost({options.random, options.hash, context_.loop.NowUs()}, options.match, kTries, failed);
}

Host* WorkerCluster::ChooseHost(const AttemptOptions& options) {
  const auto tried = [&options](const Host& host) {
    const std::vector<Address>* avoid = options.avoid;
    return avoid != nullptr && std::find(avoid->begin(), avoid->end(), host.address()) != avoid->end();
  };
  Host* host = ChooseHost({options.random, options.hash, context_.loop.NowUs(), options.priorities},
                          options.match, options.host_tries, tried);
  if (host != nullptr && options.priorities != nullptr) options.priorities->Choose(host->priority());
  return host;
}

std::unique_ptr<RetryToken> WorkerCluster::TakeRetry(Priority priority) {
  return MakeRetryToken(context_, priority);
}

Task<RawResult> WorkerCluster::Connect(RawOptions options, UpstreamFacts& facts) {
  InFlight in_flight(*this);
  facts.cluster = context_.runtime->lasting_name();
  co_await WarmWait(*this);
  Host* host = ChooseHost(options);
  if (host == nullptr) co_return NoHost(options.match);
  const WorkerHost part = pools_.PartIn(*host);
  facts.waits_since = context_.loop.NowUs();
  RawResult result = co_await ConnectRaw(context_, part, std::move(options), facts);
  if (const ExchangeError* error = std::get_if<ExchangeError>(&result)) {
    results_.NoConnection(*part.host, *part.cells, *error, facts.waits_since);
  } else {
    results_.Connected(part);
  }
  co_return result;
}

void WorkerCluster::Retire(std::function<void()> gone) {
  gone_ = std::move(gone);
  pools_.Drain();
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
  pools_.Sweep();
  if (gone_ && in_flight_ == 0 && pools_.idle()) gone_();
}

}  // namespace narthex
