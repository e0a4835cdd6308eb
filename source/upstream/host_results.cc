#include "source/upstream/host_results.h"

#include <algorithm>
#include <variant>

#include "source/upstream/outlier_status.h"

namespace narthex {

namespace {

// Whether the client, in the midst of its body, is what an exchange broke off for: its host did nothing
// wrong.
bool IsClients(ResponseFlag flag) {
  return flag == ResponseFlag::kDownstreamConnectionTermination ||
         flag == ResponseFlag::kDownstreamRemoteReset || flag == ResponseFlag::kDownstreamProtocolError;
}

}  // namespace

// A host that fails fast is not a fast host.
void HostResults::NoteLatency(HostCells& cells, uint64_t since_us, bool answered) const {
  const BalancerSettings& settings = runtime_.config().balancer;
  if (settings.policy != LbPolicy::kPeakEwma) return;
  const uint64_t now_us = loop_.NowUs();
  const uint64_t took_us = std::max<uint64_t>(1, now_us - since_us);
  const uint64_t sample_us = answered ? took_us : std::max(took_us, settings.default_latency_us);
  cells.latency.Add(sample_us, now_us, settings.decay_us);
}

void HostResults::Note(Host& host, HostCells& cells, const ClientConnection::Result& result,
                       uint64_t sent_us) {
  if (const Response* response = std::get_if<Response>(&result)) {
    NoteLatency(cells, sent_us, true);
    HostCells::Add(response->status() >= 500 ? cells.rq_error : cells.rq_success);
    OutlierDetector* outliers = runtime_.outliers();
    if (outliers != nullptr) outliers->OnResponse(host, cells, OutlierStatus(*response));
    return;
  }
  const ExchangeError& error = std::get<ExchangeError>(result);
  if (IsClients(error.flag)) return;
  HostCells::Add(cells.rq_error);
  host.NoteFailure(error.cause.empty() ? error.detail : error.cause, loop_.WallNow());
  NoConnection(host, cells, error, sent_us);
}

// What a breaker refused never went to the host.
void HostResults::NoConnection(Host& host, HostCells& cells, const ExchangeError& error, uint64_t since_us) {
  if (error.flag == ResponseFlag::kUpstreamOverflow) return;
  NoteLatency(cells, since_us, false);
  OutlierDetector* outliers = runtime_.outliers();
  if (outliers != nullptr)
    outliers->OnLocalFailure(host, cells, error.flag == ResponseFlag::kUpstreamRequestTimeout);
}

void HostResults::Connected(const WorkerHost& host) {
  if (OutlierDetector* outliers = runtime_.outliers()) outliers->OnConnected(*host.host, *host.cells);
}

void HostResults::Timeout(const WorkerHost& host, uint64_t since_us) {
  NoteLatency(*host.cells, since_us, false);
  HostCells::Add(host.cells->rq_timeout);
  HostCells::Add(host.cells->rq_error);
  host.host->NoteFailure("no answer in time", loop_.WallNow());
  OutlierDetector* outliers = runtime_.outliers();
  if (outliers != nullptr) outliers->OnLocalFailure(*host.host, *host.cells, /*timeout=*/true);
}

}  // namespace narthex
