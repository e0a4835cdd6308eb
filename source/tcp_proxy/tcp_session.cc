#include "source/tcp_proxy/tcp_session.h"

#include <utility>
#include <variant>

#include "source/base/random.h"

namespace narthex {

namespace {

// Names no protocol: it is nobody's business here.
ConnectionFacts WithoutProtocol(ConnectionFacts facts) {
  facts.protocol = {};
  return facts;
}

}  // namespace

TcpSession::TcpSession(std::unique_ptr<Stream> downstream, ConnectionFacts facts, Context context)
    : context_(std::move(context)),
      facts_(WithoutProtocol(std::move(facts))),
      line_(context_.loop, facts_),
      idle_timer_(context_.loop.wheel(), &OnIdleCheck, this),
      duration_timer_(context_.loop.wheel(), &OnMaxDuration, this),
      log_timer_(context_.loop.wheel(), &OnLogInterval, this),
      downstream_(std::move(downstream)) {
  line_.times.start = context_.loop.NowUs();
  line_.times.start_wall = context_.loop.WallNow();
  line_.client = facts_.remote;
  line_.random = Random64();
}

void TcpSession::Start() {
  const TcpProxyConfig& config = *context_.config;
  config.stats.cx_total.Add();
  if (config.log_on_start) Log();
  if (config.max_duration.count() > 0) duration_timer_.Arm(config.max_duration);
  if (config.log_interval.count() > 0) log_timer_.Arm(config.log_interval);
  task_ = Run();
  task_.Start();
}

Task<void> TcpSession::Run() {
  co_await Proxy();
  Finish();
}

Task<void> TcpSession::Proxy() {
  downstream_->SetCloseHook(&OnClientClosed, this);
  RawConnection upstream;
  if (!co_await Connect(upstream)) co_return;
  if (context_.config->log_on_connected) Log();
  BeginIdleWatch();
  const RelayEnd end = co_await Relay(context_.loop, *downstream_, *upstream.stream, counts_,
                                      context_.config->stats.relay, context_.config->read_size);
  const bool by_host = end == RelayEnd::kUpstreamFailed || end == RelayEnd::kDownstreamLast;
  if (by_host) upstream.token->EndedByHost();
}

Task<bool> TcpSession::Connect(RawConnection& upstream) {
  const TcpProxyConfig& config = *context_.config;
  const std::string& name = config.ChooseCluster(line_.random);
  RawOptions options{.client = &facts_};
  for (uint32_t attempt = 1;; ++attempt) {
    Cluster* cluster = context_.clusters.Find(name);
    if (cluster == nullptr) {
      config.stats.cx_no_route.Add();
      line_.AddFlag(ResponseFlag::kNoClusterFound);
      co_return false;
    }
    line_.upstream.attempts = attempt;
    options.random = Random64();
    RawResult result = co_await cluster->Connect(options, line_.upstream);
    if (auto* made = std::get_if<RawConnection>(&result)) {
      upstream = std::move(*made);
      line_.upstream.transport_failure.clear();
      co_return true;
    }
    auto& error = std::get<ExchangeError>(result);
    line_.upstream.transport_failure = std::move(error.cause);
    const bool refused = error.flag == ResponseFlag::kUpstreamConnectionFailure;
    if (refused && attempt < config.max_connect_attempts) {
      options.avoid = line_.upstream.host;
      continue;
    }
    line_.AddFlag(error.flag);
    // As in Envoy also when there was one attempt only.
    if (refused) line_.AddFlag(ResponseFlag::kUpstreamRetryLimitExceeded);
    co_return false;
  }
}

// Looks at the time of the last byte now and then, rather than to move a timer with each.
void TcpSession::BeginIdleWatch() {
  counts_.moved_ms = context_.loop.NowMs();
  if (context_.config->idle_timeout.count() > 0) idle_timer_.Arm(context_.config->idle_timeout);
}

void TcpSession::OnIdleCheck(void* self) {
  auto& session = *static_cast<TcpSession*>(self);
  const auto limit = session.context_.config->idle_timeout;
  const auto idle = std::chrono::milliseconds(session.context_.loop.NowMs() - session.counts_.moved_ms);
  if (idle < limit) return session.idle_timer_.Arm(limit - idle);
  session.End(Stop::kIdle);
}

void TcpSession::OnMaxDuration(void* self) {
  static_cast<TcpSession*>(self)->End(Stop::kMaxDuration);
}

void TcpSession::OnLogInterval(void* self) {
  auto& session = *static_cast<TcpSession*>(self);
  session.Log();
  session.log_timer_.Arm(session.context_.config->log_interval);
}

// While there is no upstream connection nobody reads: a client that has only ended its side may still wait.
void TcpSession::OnClientClosed(void* self) {
  auto& session = *static_cast<TcpSession*>(self);
  if (session.downstream_->Failed()) return session.End(Stop::kClientGone);
  session.downstream_->SetCloseHook(&OnClientClosed, self);
}

void TcpSession::End(Stop why) {
  if (finished_) return;
  task_.Cancel();
  if (why == Stop::kClientGone) line_.AddFlag(ResponseFlag::kDownstreamConnectionTermination);
  if (why == Stop::kIdle) {
    context_.config->stats.idle_timeout.Add();
    line_.termination_details = "tcp_session_idle_timeout";
  }
  if (why == Stop::kMaxDuration) {
    context_.config->stats.max_downstream_connection_duration.Add();
    line_.AddFlag(ResponseFlag::kDurationTimeout);
    line_.termination_details = "max_connection_duration_reached";
  }
  Finish();
}

void TcpSession::Finish() {
  if (std::exchange(finished_, true)) return;
  idle_timer_.Cancel();
  duration_timer_.Cancel();
  log_timer_.Cancel();
  Log();
  context_.on_end(context_.context);
}

void TcpSession::Log() {
  if (context_.config->access_logs.empty()) return;
  line_.times.end = context_.loop.NowUs();
  line_.request_body_bytes = counts_.received;
  line_.response_body_bytes = counts_.sent;
  for (const auto& log : context_.config->access_logs) log->Log({&line_, nullptr, nullptr, nullptr, {}});
}

}  // namespace narthex
