#include "source/upstream/outlier_detector.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "source/base/log.h"
#include "source/base/random.h"

namespace narthex {

namespace {

using std::chrono::milliseconds;

bool IsGatewayFailure(int status) {
  return status >= 502 && status <= 504;
}

// Nearly always it is zero already, and its line of memory stays with every worker.
void EndRow(std::atomic<uint32_t>& row) {
  if (row.load(std::memory_order_relaxed) != 0) row.store(0, std::memory_order_relaxed);
}

std::string RowText(Ejection kind, uint32_t count) {
  const std::string number = std::to_string(count);
  switch (kind) {
    case Ejection::kConsecutiveGatewayFailure:
      return "ejected: " + number + " gateway failures in a row";
    case Ejection::kConsecutiveLocalOriginFailure:
      return "ejected: " + number + " requests in a row without an answer";
    default:
      return "ejected: " + number + " answers of 500 and above in a row";
  }
}

std::string PercentText(double percent) {
  return std::to_string(static_cast<int>(std::lround(percent))) + "%";
}

}  // namespace

OutlierDetector::OutlierDetector(const std::string& stat_name, const OutlierSettings& settings, HostsOf hosts,
                                 Now now)
    : settings_(settings),
      hosts_(std::move(hosts)),
      now_(std::move(now)),
      stats_(stat_name),
      name_(stat_name) {}

milliseconds OutlierDetector::SteadyNow() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

void OutlierDetector::OnResponse(Host& host, HostCells& cells, int status) {
  OutlierMonitor& monitor = host.outlier();
  if (settings_.split_local_origin) {
    EndRow(monitor.consecutive_local_origin_failure);
    HostCells::Add(cells.local_successes);
  }
  if (status < 500) {
    EndRow(monitor.consecutive_5xx);
    EndRow(monitor.consecutive_gateway_failure);
    return HostCells::Add(cells.successes);
  }
  HostCells::Add(cells.failures);
  if (IsGatewayFailure(status)) {
    CountFailure(host, monitor.consecutive_gateway_failure, settings_.consecutive_gateway_failure,
                 Ejection::kConsecutiveGatewayFailure);
  } else {
    EndRow(monitor.consecutive_gateway_failure);
  }
  CountFailure(host, monitor.consecutive_5xx, settings_.consecutive_5xx, Ejection::kConsecutive5xx);
}

void OutlierDetector::OnLocalFailure(Host& host, HostCells& cells, bool timeout) {
  // Without the split they are what a client would get for them.
  if (!settings_.split_local_origin) return OnResponse(host, cells, timeout ? 504 : 503);
  HostCells::Add(cells.local_failures);
  CountFailure(host, host.outlier().consecutive_local_origin_failure,
               settings_.consecutive_local_origin_failure, Ejection::kConsecutiveLocalOriginFailure);
}

void OutlierDetector::OnConnected(Host& host, HostCells& cells) {
  if (!settings_.split_local_origin) return OnResponse(host, cells, 200);
  EndRow(host.outlier().consecutive_local_origin_failure);
  HostCells::Add(cells.local_successes);
}

void OutlierDetector::CountFailure(Host& host, std::atomic<uint32_t>& row, const OutlierRule& rule,
                                   Ejection kind) {
  if (row.fetch_add(1, std::memory_order_relaxed) + 1 != rule.limit) return;
  std::lock_guard lock(mutex_);
  row.store(0, std::memory_order_relaxed);
  Eject(host, kind, rule.enforcing, RowText(kind, rule.limit));
}

void OutlierDetector::Eject(Host& host, Ejection kind, uint32_t enforcing, const std::string& cause) {
  if (host.health().Has(HostHealth::kFailedOutlier)) return;
  stats_.of(kind).detected.Add();
  if (!MayEject(*hosts_())) return stats_.overflow.Add();
  if (Random64() % 100 >= enforcing) return;
  stats_.of(kind).enforced.Add();
  stats_.enforced_total.Add();
  OutlierMonitor& monitor = host.outlier();
  monitor.ejected_at = now_();
  const auto jitter = static_cast<uint64_t>(settings_.max_ejection_time_jitter.count());
  monitor.jitter = milliseconds(static_cast<int64_t>(Random64() % (jitter + 1)));
  // It need not grow beyond what the longest time holds.
  if (settings_.base_ejection_time * monitor.ejections < settings_.max_ejection_time) ++monitor.ejections;
  host.SetHealthCause(HostHealth::kFailedOutlier, cause);
  host.health().Set(HostHealth::kFailedOutlier);
  NARTHEX_LOG(kWarning, "upstream") << "cluster " << name_ << ": host " << host.address_text() << " is "
                                    << cause;
}

// The ejected, with one more, are at most the share that is allowed.
bool OutlierDetector::MayEject(const HostSet& hosts) const {
  const auto ejected =
      static_cast<uint64_t>(std::count_if(hosts.hosts.begin(), hosts.hosts.end(), [](const auto& host) {
        return host->health().Has(HostHealth::kFailedOutlier);
      }));
  if (ejected == 0 && settings_.always_eject_one_host) return true;
  return (ejected + 1) * 100 <= uint64_t{settings_.max_ejection_percent} * hosts.hosts.size();
}

void OutlierDetector::Uneject(Host& host) {
  OutlierMonitor& monitor = host.outlier();
  EndRow(monitor.consecutive_5xx);
  EndRow(monitor.consecutive_gateway_failure);
  EndRow(monitor.consecutive_local_origin_failure);
  monitor.unejected_at = now_();
  host.health().Clear(HostHealth::kFailedOutlier);
  host.SetHealthCause(HostHealth::kFailedOutlier, {});
  NARTHEX_LOG(kInfo, "upstream") << "cluster " << name_ << ": host " << host.address_text()
                                 << " is ejected no more";
}

void OutlierDetector::OnActiveSuccess(Host& host) {
  if (!settings_.uneject_by_active_check || !host.health().Has(HostHealth::kFailedOutlier)) return;
  std::lock_guard lock(mutex_);
  if (host.health().Has(HostHealth::kFailedOutlier)) Uneject(host);
}

void OutlierDetector::OnInterval() {
  const std::shared_ptr<const HostSet> hosts = hosts_();
  std::lock_guard lock(mutex_);
  Shares external, local;
  for (const std::shared_ptr<Host>& host : hosts->hosts) {
    Revisit(*host);
    TakeShares(*host, external, local);
  }
  EjectByShares(external, false);
  if (settings_.split_local_origin) EjectByShares(local, true);
}

void OutlierDetector::Revisit(Host& host) {
  OutlierMonitor& monitor = host.outlier();
  const milliseconds now = now_();
  if (!host.health().Has(HostHealth::kFailedOutlier)) {
    const bool quiet = now - monitor.unejected_at >= settings_.interval;
    if (monitor.ejections > 0 && quiet) --monitor.ejections;
    return;
  }
  const milliseconds wanted = settings_.base_ejection_time * std::max(monitor.ejections, 1U);
  const milliseconds time = std::min(wanted, settings_.max_ejection_time) + monitor.jitter;
  if (now - monitor.ejected_at >= time) Uneject(host);
}

// Also brings the monitor to the interval's end.
void OutlierDetector::TakeShares(Host& host, Shares& external, Shares& local) const {
  const HostTotals totals = host.Totals();
  OutlierMonitor& monitor = host.outlier();
  const auto take = [&](uint64_t successes, uint64_t failures, uint64_t& old_successes,
                        uint64_t& old_failures, Shares& shares) {
    const uint64_t good = successes - std::exchange(old_successes, successes);
    const uint64_t volume = good + failures - std::exchange(old_failures, failures);
    if (volume == 0 || host.health().Has(HostHealth::kFailedOutlier)) return;
    const Share share{&host, 100.0 * static_cast<double>(good) / static_cast<double>(volume)};
    if (volume >= settings_.success_rate_volume) shares.by_success_rate.push_back(share);
    if (volume >= settings_.failure_percentage_volume) shares.by_failure_percentage.push_back(share);
  };
  take(totals.successes, totals.failures, monitor.successes, monitor.failures, external);
  take(totals.local_successes, totals.local_failures, monitor.local_successes, monitor.local_failures, local);
}

void OutlierDetector::EjectByShares(const Shares& shares, bool local) {
  if (shares.by_success_rate.size() >= std::max(settings_.success_rate_hosts, 1U)) {
    EjectBySuccessRate(
        shares.by_success_rate, local ? Ejection::kLocalOriginSuccessRate : Ejection::kSuccessRate,
        local ? settings_.local_origin_success_rate_enforcing : settings_.success_rate.enforcing);
  }
  if (shares.by_failure_percentage.size() < std::max(settings_.failure_percentage_hosts, 1U)) return;
  const Ejection kind = local ? Ejection::kLocalOriginFailurePercentage : Ejection::kFailurePercentage;
  const uint32_t enforcing =
      local ? settings_.local_origin_failure_percentage_enforcing : settings_.failure_percentage.enforcing;
  for (const Share& share : shares.by_failure_percentage) {
    const double failed = 100 - share.success;
    if (failed < settings_.failure_percentage.limit) continue;
    Eject(*share.host, kind, enforcing, "ejected: " + PercentText(failed) + " of its requests failed");
  }
}

void OutlierDetector::EjectBySuccessRate(const std::vector<Share>& shares, Ejection kind,
                                         uint32_t enforcing) {
  const auto count = static_cast<double>(shares.size());
  double sum = 0, squares = 0;
  for (const Share& share : shares) sum += share.success;
  const double mean = sum / count;
  for (const Share& share : shares) squares += (share.success - mean) * (share.success - mean);
  const double lowest = mean - std::sqrt(squares / count) * settings_.success_rate.limit / 1000;
  for (const Share& share : shares) {
    if (share.success >= lowest) continue;
    Eject(*share.host, kind, enforcing,
          "ejected: success rate " + PercentText(share.success) + ", the cluster's is " + PercentText(mean));
  }
}

}  // namespace narthex
