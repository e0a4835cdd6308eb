#include "source/upstream/host_results.h"

#include <variant>

#include "source/upstream/outlier_status.h"

namespace narthex {

namespace {

// Whether the client, in the midst of its body, is what an exchange broke off for: its host did nothing
// wrong.
bool IsClients(ResponseFlag flag) {
  return flag == ResponseFlag::kDownstreamConnectionTermination ||
         flag == ResponseFlag::kDownstreamProtocolError;
}

}  // namespace

void HostResults::Note(Host& host, HostCells& cells, const ClientConnection::Result& result) {
  if (const Response* response = std::get_if<Response>(&result)) {
    HostCells::Add(response->status() >= 500 ? cells.rq_error : cells.rq_success);
    OutlierDetector* outliers = runtime_.outliers();
    if (outliers != nullptr) outliers->OnResponse(host, cells, OutlierStatus(*response));
    return;
  }
  const ExchangeError& error = std::get<ExchangeError>(result);
  if (IsClients(error.flag)) return;
  HostCells::Add(cells.rq_error);
  host.NoteFailure(error.cause.empty() ? error.detail : error.cause, loop_.WallNow());
  NoConnection(host, cells, error);
}

// What a breaker refused never went to the host.
void HostResults::NoConnection(Host& host, HostCells& cells, const ExchangeError& error) {
  OutlierDetector* outliers = runtime_.outliers();
  if (outliers == nullptr || error.flag == ResponseFlag::kUpstreamOverflow) return;
  outliers->OnLocalFailure(host, cells, error.flag == ResponseFlag::kUpstreamRequestTimeout);
}

void HostResults::Connected(const WorkerHost& host) {
  if (OutlierDetector* outliers = runtime_.outliers()) outliers->OnConnected(*host.host, *host.cells);
}

void HostResults::Timeout(const WorkerHost& host) {
  HostCells::Add(host.cells->rq_timeout);
  HostCells::Add(host.cells->rq_error);
  host.host->NoteFailure("no answer in time", loop_.WallNow());
  OutlierDetector* outliers = runtime_.outliers();
  if (outliers != nullptr) outliers->OnLocalFailure(*host.host, *host.cells, /*timeout=*/true);
}

}  // namespace narthex
