#pragma once

#include <memory>

#include "source/http/server_codec.h"
#include "source/manager/admission.h"
#include "source/manager/hcm_config.h"
#include "source/upstream/cluster.h"

namespace narthex {

// What a worker's connection manager takes its configuration from.
class HcmSource {
 public:
  virtual ~HcmSource() = default;
  // The configuration for a request that begins now: the newest one, also on an old connection. Never null.
  virtual std::shared_ptr<const HcmConfig> Current() const = 0;
  // The worker's clusters that belong to it; outlive the exchange.
  virtual ClusterManager* Clusters() const = 0;
};

// Puts each request of its connections through the filters of its route: makes it clean, decides whose it is
// and where it goes, and completes the response. One for each worker and filter chain of a listener.
// Loop-confined.
class ConnectionManager : public RequestHandler {
 public:
  // `source` outlives the manager.
  explicit ConnectionManager(const HcmSource& source) : source_(source) {}

  void OnStart(Exchange& exchange) override;
  Task<Response> Handle(Request request) override;
  Response Refuse(Exchange& exchange, int status, ExchangeError error) override;
  void OnEnd(Exchange& exchange, const HeaderMap* request, const HeaderMap* response,
             const HeaderMap* response_trailers) override;

 private:
  const HcmSource& source_;
};

}  // namespace narthex
