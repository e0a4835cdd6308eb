#include "source/upstream/health/cluster_checks.h"

#include <algorithm>
#include <utility>

#include "source/base/random.h"
#include "source/event/timeout.h"

namespace narthex {

namespace {

using std::chrono::milliseconds;

// A cluster's requests wait no longer than this for the first checks, as for the first lookups.
constexpr milliseconds kWarmBound{5000};

std::optional<Http2Stats> StatsOfHttp2(const ClusterConfig& config) {
  const auto& check = config.health_check->check;
  const HttpCheck* http = std::get_if<HttpCheck>(&check);
  const bool wanted = std::holds_alternative<GrpcCheck>(check) || (http != nullptr && http->http2);
  if (!wanted) return std::nullopt;
  return Http2Stats("cluster." + config.stat_name + ".http2.");
}

}  // namespace

CheckStats::CheckStats(const std::string& stat_name) {
  StatsStore& store = StatsStore::Process();
  const std::string prefix = "cluster." + stat_name + ".health_check.";
  attempt = store.MakeCounter(prefix + "attempt");
  success = store.MakeCounter(prefix + "success");
  failure = store.MakeCounter(prefix + "failure");
  network_failure = store.MakeCounter(prefix + "network_failure");
}

// One host's checks, one after the other.
class ClusterChecks::HostCheck {
 public:
  HostCheck(ClusterChecks& checks, std::shared_ptr<Host> host)
      : checks_(checks),
        host_(std::move(host)),
        probe_(MakeProbe(checks.context_, *host_)),
        verdict_(checks.context_.settings) {}

  void Start() {
    task_ = Run();
    task_.Start();
  }
  bool checked() const { return checked_; }

 private:
  Task<void> Run() {
    const ProbeContext& context = checks_.context_;
    const auto jitter = static_cast<uint64_t>(context.settings.initial_jitter.count());
    if (jitter > 0) co_await Sleep(context.loop, milliseconds(static_cast<int64_t>(Random64() % jitter)));
    for (;;) {
      checks_.stats_.attempt.Add();
      std::optional<ProbeResult> result =
          co_await WithTimeout<ProbeResult>(context.loop, probe_->Check(), context.settings.timeout);
      if (!result) {
        probe_->Abandon();
        result =
            ProbeResult::Lost("no answer within " + std::to_string(context.settings.timeout.count()) + " ms");
        result->timeout = true;
      }
      Take(*result);
      co_await Sleep(context.loop, verdict_.NextInterval(checks_.HasTraffic(), Random64()));
    }
  }

  void Take(const ProbeResult& result) {
    const CheckStats& stats = checks_.stats_;
    (result.ok() ? stats.success : stats.failure).Add();
    if (result.network) stats.network_failure.Add();
    // Before the flags, so that whoever sees them finds the reason.
    if (!result.ok()) host_->SetHealthCause(HostHealth::kFailedActiveHc, result.cause);
    const HealthVerdict::Change change = verdict_.Note(result, host_->health());
    if (change.healthy) host_->SetHealthCause(HostHealth::kFailedActiveHc, {});
    OutlierDetector* outliers = checks_.runtime_->outliers();
    if (result.ok() && outliers != nullptr) outliers->OnActiveSuccess(*host_);
    const auto now = checks_.context_.loop.WallNow();
    if (!result.ok()) host_->NoteFailure("health check: " + result.cause, now);
    checks_.events_.Note(*host_, result, change, now);
    if (!std::exchange(checked_, true)) checks_.NoteFirstChecks();
  }

  ClusterChecks& checks_;
  const std::shared_ptr<Host> host_;
  const std::unique_ptr<Probe> probe_;
  HealthVerdict verdict_;
  bool checked_ = false;
  Task<void> task_;
};

ClusterChecks::ClusterChecks(EventLoop& loop, std::shared_ptr<ClusterRuntime> runtime, Connectors connectors)
    : runtime_(std::move(runtime)),
      context_{loop,
               runtime_->config(),
               *runtime_->config().health_check,
               std::move(connectors),
               runtime_->config().connection.tls == nullptr ? nullptr : std::make_shared<TlsSessionCache>(),
               StatsOfHttp2(runtime_->config())},
      stats_(runtime_->config().stat_name),
      events_(context_.config, context_.settings),
      warm_timer_(loop.wheel(), [](void* self) { static_cast<ClusterChecks*>(self)->OnWarmBound(); }, this) {}

ClusterChecks::~ClusterChecks() = default;

void ClusterChecks::Start() {
  warm_timer_.Arm(kWarmBound);
  subscription_ = runtime_->Subscribe(
      context_.loop, [this](std::shared_ptr<const HostSet> hosts) { SetHosts(std::move(hosts)); });
  SetHosts(runtime_->hosts());
}

// Hosts that stay keep their tasks; those that go are checked no more.
void ClusterChecks::SetHosts(std::shared_ptr<const HostSet> hosts) {
  hosts_ = std::move(hosts);
  std::map<const Host*, std::unique_ptr<HostCheck>> next;
  std::vector<HostCheck*> fresh;
  for (const std::shared_ptr<Host>& host : hosts_->hosts) {
    if (host->check().disabled) continue;
    const auto found = checks_.find(host.get());
    if (found != checks_.end()) {
      next[host.get()] = std::move(found->second);
    } else {
      std::unique_ptr<HostCheck>& check = next[host.get()] = std::make_unique<HostCheck>(*this, host);
      fresh.push_back(check.get());
    }
  }
  std::swap(checks_, next);
  for (HostCheck* check : fresh) check->Start();
  NoteFirstChecks();
}

void ClusterChecks::NoteFirstChecks() {
  if (!hosts_->warm) return;
  const bool all =
      std::all_of(checks_.begin(), checks_.end(), [](const auto& entry) { return entry.second->checked(); });
  if (!all) return;
  warm_timer_.Cancel();
  runtime_->EndFirstChecks();
}

void ClusterChecks::OnWarmBound() {
  runtime_->EndFirstChecks();
}

// Once is enough, as in Envoy.
bool ClusterChecks::HasTraffic() {
  if (had_traffic_) return true;
  had_traffic_ = std::any_of(hosts_->hosts.begin(), hosts_->hosts.end(),
                             [](const auto& host) { return host->Totals().cx_total > 0; });
  return had_traffic_;
}

}  // namespace narthex
