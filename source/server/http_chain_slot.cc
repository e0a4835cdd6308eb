#include "source/server/http_chain_slot.h"

#include <algorithm>
#include <utility>

#include "source/filter/health_flag.h"
#include "source/http/http2/http2_server.h"
#include "source/server/connection_log.h"
#include "source/tls/facts.h"

namespace narthex {

DownstreamConnection::DownstreamConnection(HttpChainSlot& slot, const ListenerBooks& books,
                                           ConnectionFacts facts)
    : slot_(slot), books_(books), facts_(std::move(facts)), opened_us_(slot.loop_.NowUs()), hcm_(slot.hcm_) {
  books_.CountOpened(slot_.shared_);
  slot_.stats_.cx_total.Add();
  slot_.stats_.cx_active.Add(1);
  CountProtocol(Chosen());
}

DownstreamConnection::~DownstreamConnection() {
  // Its exchanges end first: they use the facts.
  codec_.reset();
}

// What ALPN has chosen is what the client will speak, or what is configured; in clear text it is seen from
// the first bytes.
DownstreamConnection::Speaks DownstreamConnection::Chosen() const {
  if (hcm_->protocol == DownstreamProtocol::kHttp1) return Speaks::kHttp1;
  if (hcm_->protocol == DownstreamProtocol::kHttp2) return Speaks::kHttp2;
  if (facts_.tls() == nullptr || facts_.tls()->alpn.empty()) return Speaks::kUnknown;
  return facts_.tls()->alpn == "h2" ? Speaks::kHttp2 : Speaks::kHttp1;
}

void DownstreamConnection::CountProtocol(Speaks protocol) {
  protocol_ = protocol;
  if (protocol == Speaks::kUnknown) return;
  const bool http2 = protocol == Speaks::kHttp2;
  if (http2) facts_.protocol = "HTTP/2";
  (http2 ? slot_.stats_.cx_http2_total : slot_.stats_.cx_http1_total).Add();
  (http2 ? slot_.stats_.cx_http2_active : slot_.stats_.cx_http1_active).Add(1);
}

void DownstreamConnection::Serve(std::unique_ptr<Stream> stream, int fd, const ServerCodecOptions& options) {
  fd_ = fd;
  ServerConnectionContext context{.loop = slot_.loop_,
                                  .handler = slot_.manager_,
                                  .facts = facts_,
                                  .options = options,
                                  .on_end = &DownstreamConnection::OnEnd,
                                  .context = this};
  if (protocol_ == Speaks::kHttp2) {
    codec_ = MakeHttp2ServerConnection(std::move(stream), context);
    return;
  }
  if (protocol_ == Speaks::kUnknown) context.on_protocol = &DownstreamConnection::OnProtocol;
  std::unique_ptr<ServerConnection> made = MakeHttp1ServerConnection(std::move(stream), context);
  // What was there already may have shown that it is the other.
  if (protocol_ != Speaks::kHttp2) {
    codec_ = std::move(made);
  } else {
    slot_.loop_.DeleteLater(std::move(made));
  }
}

void DownstreamConnection::OnProtocol(void* self, std::unique_ptr<Stream> http2, Buffer received) {
  auto& connection = *static_cast<DownstreamConnection*>(self);
  connection.CountProtocol(http2 == nullptr ? Speaks::kHttp1 : Speaks::kHttp2);
  if (http2 == nullptr) return;
  if (connection.codec_ != nullptr) connection.slot_.loop_.DeleteLater(std::move(connection.codec_));
  connection.codec_ = MakeHttp2ServerConnection(std::move(http2),
                                                {.loop = connection.slot_.loop_,
                                                 .handler = connection.slot_.manager_,
                                                 .facts = connection.facts_,
                                                 .options = connection.hcm_->codec,
                                                 .on_end = &DownstreamConnection::OnEnd,
                                                 .context = self},
                                                std::move(received));
  if (connection.draining_) connection.codec_->Drain();
}

void DownstreamConnection::Drain() {
  draining_ = true;
  codec_->Drain();
}

void DownstreamConnection::OnEnd(void* self) {
  auto* connection = static_cast<DownstreamConnection*>(self);
  connection->slot_.Close(*connection);
}

HttpChainSlot::HttpStats::HttpStats(const std::string& prefix) {
  StatsStore& store = StatsStore::Process();
  cx_total = store.MakeCounter(prefix + "downstream_cx_total");
  cx_http1_total = store.MakeCounter(prefix + "downstream_cx_http1_total");
  cx_http2_total = store.MakeCounter(prefix + "downstream_cx_http2_total");
  cx_destroy = store.MakeCounter(prefix + "downstream_cx_destroy");
  cx_destroy_local = store.MakeCounter(prefix + "downstream_cx_destroy_local");
  cx_destroy_remote = store.MakeCounter(prefix + "downstream_cx_destroy_remote");
  cx_destroy_active_rq = store.MakeCounter(prefix + "downstream_cx_destroy_active_rq");
  cx_destroy_local_active_rq = store.MakeCounter(prefix + "downstream_cx_destroy_local_active_rq");
  cx_destroy_remote_active_rq = store.MakeCounter(prefix + "downstream_cx_destroy_remote_active_rq");
  cx_idle_timeout = store.MakeCounter(prefix + "downstream_cx_idle_timeout");
  cx_max_duration_reached = store.MakeCounter(prefix + "downstream_cx_max_duration_reached");
  cx_max_requests_reached = store.MakeCounter(prefix + "downstream_cx_max_requests_reached");
  cx_drain_close = store.MakeCounter(prefix + "downstream_cx_drain_close");
  cx_active = store.MakeGauge(prefix + "downstream_cx_active");
  cx_http1_active = store.MakeGauge(prefix + "downstream_cx_http1_active");
  cx_http2_active = store.MakeGauge(prefix + "downstream_cx_http2_active");
  cx_length_ms = store.MakeHistogram(prefix + "downstream_cx_length_ms");
}

void HttpChainSlot::HttpStats::CountEnd(CloseCause end, bool busy) const {
  const bool remote = end == CloseCause::kRemote;
  cx_destroy.Add();
  (remote ? cx_destroy_remote : cx_destroy_local).Add();
  if (busy) {
    cx_destroy_active_rq.Add();
    (remote ? cx_destroy_remote_active_rq : cx_destroy_local_active_rq).Add();
  }
  if (end == CloseCause::kIdleTimeout) cx_idle_timeout.Add();
  if (end == CloseCause::kMaxDuration) cx_max_duration_reached.Add();
  if (end == CloseCause::kMaxRequests) cx_max_requests_reached.Add();
  if (end == CloseCause::kDrain) cx_drain_close.Add();
}

HttpChainSlot::HttpChainSlot(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
                             std::shared_ptr<const HcmConfig> hcm)
    : loop_(loop),
      shared_(shared),
      clusters_(clusters),
      hcm_(std::move(hcm)),
      stats_(hcm_->stat_prefix),
      manager_(*this),
      drain_timer_(loop.wheel(), &OnDrainTimeEnd, this) {}

HttpChainSlot::~HttpChainSlot() {
  SayGoodbyes(/*all=*/true);
  while (!connections_.empty()) EndNow(*connections_.back());
}

bool HttpChainSlot::Update(const FilterChainConfig& chain) {
  if (chain.hcm == nullptr) return false;
  hcm_ = chain.hcm;
  return true;
}

void HttpChainSlot::Open(std::unique_ptr<Stream> stream, int fd, const ListenerBooks& books,
                         ConnectionFacts facts) {
  auto connection = std::make_unique<DownstreamConnection>(*this, books, std::move(facts));
  DownstreamConnection& opened = *connection;
  opened.position_ = connections_.size();
  connections_.push_back(std::move(connection));
  opened.Serve(std::move(stream), fd, opened.hcm_->codec);
  if (leaving()) return DrainInTime(opened);
  // While the process drains, or says that it is not well, a connection takes one request, for which it waits
  // no longer than others do then.
  if (shared_.draining.load(std::memory_order_relaxed) ||
      (books.drains_when_failing && HealthFlag::failing())) {
    opened.Drain();
  }
}

void HttpChainSlot::DrainInTime(DownstreamConnection& connection) {
  // The time that runs is that of those who were drained first.
  if (!drain_timer_.armed()) drain_timer_.Arm(shared_.drain_time);
  connection.ends_with_drain_ = true;
  connection.Drain();
}

// Draining an idle connection may end it at once, which takes it out of the list.
void HttpChainSlot::Drain() {
  for (size_t i = connections_.size(); i-- > 0;) {
    if (i < connections_.size()) DrainInTime(*connections_[i]);
  }
}

void HttpChainSlot::SendAway() {
  for (size_t i = connections_.size(); i-- > 0;) {
    if (i < connections_.size()) connections_[i]->Drain();
  }
}

void HttpChainSlot::OnDrainTimeEnd(void* self) {
  auto& slot = *static_cast<HttpChainSlot*>(self);
  slot.SayGoodbyes(/*all=*/false);
  for (size_t i = slot.connections_.size(); i-- > 0;) {
    if (slot.connections_[i]->ends_with_drain_) slot.EndNow(*slot.connections_[i]);
  }
}

// From the last to the first: one that is found broken then is taken out of the list.
void HttpChainSlot::SayGoodbyes(bool all) {
  for (size_t i = connections_.size(); i-- > 0;) {
    if (i >= connections_.size()) continue;
    if (all || connections_[i]->ends_with_drain_) connections_[i]->SayGoodbye();
  }
}

// From the loop, with what is in progress on it.
void HttpChainSlot::EndNow(DownstreamConnection& connection) {
  Forget(connection);
  // Taken out before it is destroyed, so that nothing finds it half gone.
  const std::unique_ptr<DownstreamConnection> ended = TakeOut(connection);
}

// Not the longest idle one of all, which would take a list that each request pays for.
bool HttpChainSlot::CloseIdle() {
  constexpr size_t kLooks = 64;
  DownstreamConnection* longest = nullptr;
  for (size_t looks = std::min(kLooks, connections_.size()); looks > 0; --looks) {
    looked_at_ = (looked_at_ + 1) % connections_.size();
    DownstreamConnection& seen = *connections_[looked_at_];
    if (seen.idle_since() == 0) continue;
    if (longest == nullptr || seen.idle_since() < longest->idle_since()) longest = &seen;
  }
  if (longest == nullptr) return false;
  longest->Close();
  return true;
}

// From the last to the first: one that ends is taken out of the list.
void HttpChainSlot::EndLate(const ReducedTimeouts& reduced) {
  for (size_t i = connections_.size(); i-- > 0;) {
    if (i < connections_.size()) connections_[i]->EndLate(reduced);
  }
}

void HttpChainSlot::Weigh(StreamAccounts& accounts) {
  for (const auto& connection : connections_) connection->Weigh(accounts);
}

void HttpChainSlot::Forget(DownstreamConnection& connection) {
  const ListenerBooks& books = connection.books_;
  const uint64_t length_ms = (loop_.NowUs() - connection.opened_us_) / 1000;
  if (!books.logs.empty()) {
    LogConnection(loop_, books, connection.facts_, {connection.fd_, connection.opened_us_});
  }
  books.CountEnded(shared_, length_ms);
  stats_.cx_active.Sub(1);
  using Speaks = DownstreamConnection::Speaks;
  if (connection.protocol_ == Speaks::kHttp1) stats_.cx_http1_active.Sub(1);
  if (connection.protocol_ == Speaks::kHttp2) stats_.cx_http2_active.Sub(1);
  stats_.CountEnd(connection.ended_by(), connection.busy());
  stats_.cx_length_ms.Record(length_ms);
}

void HttpChainSlot::Close(DownstreamConnection& connection) {
  Forget(connection);
  loop_.DeleteLater(TakeOut(connection));
}

std::unique_ptr<DownstreamConnection> HttpChainSlot::TakeOut(DownstreamConnection& connection) {
  const size_t position = connection.position_;
  std::unique_ptr<DownstreamConnection> taken = std::move(connections_[position]);
  if (position + 1 != connections_.size()) {
    connections_[position] = std::move(connections_.back());
    connections_[position]->position_ = position;
  }
  connections_.pop_back();
  return taken;
}

}  // namespace narthex
