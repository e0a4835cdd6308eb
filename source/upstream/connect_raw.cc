#include "source/upstream/connect_raw.h"

#include <optional>
#include <string>
#include <utility>

#include "source/event/timeout.h"
#include "source/net/descriptor_budget.h"
#include "source/upstream/upstream_errors.h"

namespace narthex {

namespace {

// Keeps alive what it counts in.
class CountedConnection final : public ConnectionToken {
 public:
  CountedConnection(const PoolContext& context, WorkerHost host, Priority priority)
      : loop_(context.loop),
        runtime_(context.runtime),
        host_(std::move(host)),
        breaker_(*context.breakers_of(priority).connections.cell),
        began_us_(loop_.NowUs()) {
    breaker_.Add();
    stats().cx_total.Add();
    stats().cx_active.Add(1);
    HostCells::Add(host_.cells->cx_total);
    HostCells::Add(host_.cells->cx_active);
    HostCells::Add(host_.cells->raw_active);
  }
  ~CountedConnection() override {
    breaker_.Sub();
    stats().cx_active.Sub(1);
    HostCells::Sub(host_.cells->cx_active);
    HostCells::Sub(host_.cells->raw_active);
    stats().cx_length_ms.Record((loop_.NowUs() - began_us_) / 1000);
    stats().cx_destroy.Add();
    (by_host_ ? stats().cx_destroy_remote : stats().cx_destroy_local).Add();
  }

  void EndedByHost() override { by_host_ = true; }
  void Connected() const { stats().cx_connect_ms.Record((loop_.NowUs() - began_us_) / 1000); }
  // Null: it took too long.
  ExchangeError Failed(const std::string* reason) {
    EndedByHost();
    if (reason == nullptr) stats().cx_connect_timeout.Add();
    stats().cx_connect_fail.Add();
    HostCells::Add(host_.cells->cx_connect_fail);
    ExchangeError error = ConnectError(runtime_->config(), *host_.host, reason);
    host_.host->NoteFailure(error.cause, loop_.WallNow());
    return error;
  }

 private:
  const ClusterStats& stats() const { return runtime_->stats(); }

  EventLoop& loop_;
  const std::shared_ptr<ClusterRuntime> runtime_;
  const WorkerHost host_;
  const DescriptorBudget::UpstreamShare share_{DescriptorBudget::Process()};
  SharedCell& breaker_;
  const uint64_t began_us_;
  bool by_host_ = false;
};

}  // namespace

Task<RawResult> ConnectRaw(const PoolContext& context, WorkerHost host, RawOptions options,
                           UpstreamFacts& facts) {
  const WorkerBreakers::Breaker& breaker = context.breakers_of(options.priority).connections;
  if (breaker.open()) {
    context.stats.cx_overflow.Add();
    co_return std::move(*OverflowError(context.config, "max_connections", breaker));
  }
  facts.host = host.host->address();
  facts.priority = options.priority;
  const ConnectionSettings& settings = context.config.connection;
  const TlsNames names = options.request == nullptr ? TlsNames() : TlsNamesOf(settings, *options.request);
  if (names.refused) co_return NoNameToVerifyError(context.config);
  const std::string proxy_header = ProxyHeaderFor(settings, options.client);
  const bool affordable = DescriptorBudget::Process().RoomForUpstream();
  auto token = std::make_unique<CountedConnection>(context, host, options.priority);
  if (!affordable) {
    const std::string reason(kNoDescriptor);
    co_return token->Failed(&reason);
  }
  std::optional<StreamOutcome> made = co_await WithTimeout<StreamOutcome>(
      context.loop,
      context.stream_connector(context.loop, {.address = host.host->address(),
                                              .hostname = host.host->hostname(),
                                              .settings = settings,
                                              .proxy_header = proxy_header,
                                              .server_name = names.server_name,
                                              .verify_name = names.verify_name,
                                              .sessions = context.sessions}),
      settings.connect_timeout);
  if (!made) co_return token->Failed(nullptr);
  if (!made->ok()) {
    const std::string reason(made->status().message());
    co_return token->Failed(&reason);
  }
  token->Connected();
  facts.local = std::move((*made)->local);
  co_return RawConnection{std::move(token), std::move((*made)->stream)};
}

}  // namespace narthex
