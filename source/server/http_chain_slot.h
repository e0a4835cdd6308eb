#pragma once

#include <memory>
#include <vector>

#include "source/http/server_codec.h"
#include "source/manager/connection_manager.h"
#include "source/server/chain_slot.h"

namespace narthex {

class HttpChainSlot;

// A connection of a client: what is known of it, its codec, and the configuration that it began with. Small,
// because there are many and most are idle.
class DownstreamConnection {
 public:
  DownstreamConnection(HttpChainSlot& slot, const ListenerBooks& books, ConnectionFacts facts);
  ~DownstreamConnection();

  void Serve(std::unique_ptr<Stream> stream, int fd, const ServerCodecOptions& options);
  void Drain();
  uint64_t idle_since() const { return codec_->idle_since(); }
  // A codec that ended while it was made is not here yet: the client had left before.
  bool busy() const { return codec_ != nullptr && codec_->busy(); }
  CloseCause ended_by() const { return codec_ == nullptr ? CloseCause::kRemote : codec_->ended_by(); }
  void Close() { codec_->Close(); }
  void EndLate(const ReducedTimeouts& reduced) {
    if (codec_ != nullptr) codec_->EndLate(reduced);
  }
  void Weigh(StreamAccounts& accounts) const {
    if (codec_ != nullptr) codec_->Weigh(accounts);
  }
  void SayGoodbye() {
    if (codec_ != nullptr) codec_->SayGoodbye();
  }

 private:
  friend class HttpChainSlot;
  enum class Speaks : uint8_t { kUnknown, kHttp1, kHttp2 };
  static void OnEnd(void* self);
  static void OnProtocol(void* self, std::unique_ptr<Stream> http2, Buffer received);
  Speaks Chosen() const;
  void CountProtocol(Speaks protocol);

  HttpChainSlot& slot_;
  const ListenerBooks& books_;
  ConnectionFacts facts_;
  const uint64_t opened_us_;  // of the loop's clock
  int fd_ = -1;               // the codec's stream owns it
  Speaks protocol_ = Speaks::kUnknown;
  bool draining_ = false;
  bool ends_with_drain_ = false;          // when the drain time of its slot ends, unless it has before
  std::shared_ptr<const HcmConfig> hcm_;  // owns the codec's options
  size_t position_ = 0;                   // in its slot
  std::unique_ptr<ServerConnection> codec_;
};

// The connections of a filter chain with an HTTP connection manager. Those that are drained end with their
// exchanges, or when the drain time ends.
class HttpChainSlot final : public ChainSlot, private HcmSource {
 public:
  HttpChainSlot(EventLoop& loop, WorkerShared& shared, ClusterManager& clusters,
                std::shared_ptr<const HcmConfig> hcm);
  ~HttpChainSlot() override;

  // For requests that start from now on.
  bool Update(const FilterChainConfig& chain) override;
  void Open(std::unique_ptr<Stream> stream, int fd, const ListenerBooks& books,
            ConnectionFacts facts) override;
  void Drain() override;
  void SendAway() override;
  // Closes the longest idle one of a few that it looks at.
  bool CloseIdle() override;
  void EndLate(const ReducedTimeouts& reduced) override;
  void Weigh(StreamAccounts& accounts) override;
  bool idle() const override { return connections_.empty(); }

 private:
  friend class DownstreamConnection;
  // "http.<stat_prefix>.downstream_cx_*".
  struct HttpStats {
    explicit HttpStats(const std::string& prefix);
    void CountEnd(CloseCause end, bool busy) const;

    Counter cx_total, cx_http1_total, cx_http2_total;
    Counter cx_destroy, cx_destroy_local, cx_destroy_remote;
    Counter cx_destroy_active_rq, cx_destroy_local_active_rq, cx_destroy_remote_active_rq;
    Counter cx_idle_timeout, cx_max_duration_reached, cx_max_requests_reached, cx_drain_close;
    Gauge cx_active, cx_http1_active, cx_http2_active;
    Histogram cx_length_ms;
  };
  std::shared_ptr<const HcmConfig> Current() const override { return hcm_; }
  ClusterManager* Clusters() const override { return &clusters_; }
  static void OnDrainTimeEnd(void* self);
  void DrainInTime(DownstreamConnection& connection);
  void EndNow(DownstreamConnection& connection);
  void SayGoodbyes(bool all);
  void Close(DownstreamConnection& connection);
  std::unique_ptr<DownstreamConnection> TakeOut(DownstreamConnection& connection);
  void Forget(DownstreamConnection& connection);

  EventLoop& loop_;
  WorkerShared& shared_;
  ClusterManager& clusters_;
  std::shared_ptr<const HcmConfig> hcm_;
  const HttpStats stats_;
  ConnectionManager manager_;
  std::vector<std::unique_ptr<DownstreamConnection>> connections_;
  size_t looked_at_ = 0;  // where CloseIdle goes on
  Timer drain_timer_;
};

}  // namespace narthex
