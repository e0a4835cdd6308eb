#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "source/coro/task.h"
#include "source/http/http2/http2_stats.h"
#include "source/upstream/host.h"
#include "source/upstream/pool_context.h"

namespace narthex {

// What one check found.
struct ProbeResult {
  enum class Kind : uint8_t {
    kHealthy,
    kDegraded,   // works, but would rather have less load
    kUnhealthy,  // it says so: no need to ask again
    kFailed,     // no answer, or one that is not to be trusted by itself: asked again up to the threshold
  };
  Kind kind = Kind::kHealthy;
  bool network = false;    // kFailed: there was no answer
  bool timeout = false;    // kFailed: not in time
  bool excluded = false;   // kUnhealthy: it wants no requests at all (x-envoy-immediate-health-check-fail)
  std::string cause = {};  // of what is not healthy, in few words, without an address

  bool ok() const { return kind == Kind::kHealthy || kind == Kind::kDegraded; }
  static ProbeResult Unhealthy(std::string cause) {
    return {.kind = Kind::kUnhealthy, .cause = std::move(cause)};
  }
  static ProbeResult Lost(std::string cause) {
    return {.kind = Kind::kFailed, .network = true, .cause = std::move(cause)};
  }
};

// What the probes of a cluster have in common. Outlives them. Loop-confined.
struct ProbeContext {
  EventLoop& loop;
  const ClusterConfig& config;  // REQUIRES: has a health check
  const HealthCheckSettings& settings;
  const Connectors connectors;
  const std::shared_ptr<TlsSessionCache> sessions;  // null without TLS
  const std::optional<Http2Stats> http2;            // of checks that speak it
};

// Asks one host how it is. Loop-confined; destroyed from the loop, after the task of Check.
class Probe {
 public:
  virtual ~Probe() = default;
  // One check, without a limit of time. Keeps its connection for the next one where the settings say so. Not
  // called again before its task is gone.
  virtual Task<ProbeResult> Check() = 0;
  // Closes the connection: a check was cancelled in the midst of it.
  virtual void Abandon() = 0;
};

// By the kind of the context's check. `host` outlives it.
std::unique_ptr<Probe> MakeProbe(const ProbeContext& context, const Host& host);
std::unique_ptr<Probe> MakeHttpProbe(const ProbeContext& context, const HttpCheck& check, const Host& host);
std::unique_ptr<Probe> MakeTcpProbe(const ProbeContext& context, const TcpCheck& check, const Host& host);
std::unique_ptr<Probe> MakeGrpcProbe(const ProbeContext& context, const GrpcCheck& check, const Host& host);

// Where checks of `host` go: by the endpoint's own configuration, or the check's alt_port.
Address CheckAddress(const HealthCheckSettings& settings, const Host& host);
// The first that is set of: what the endpoint has for checks, `configured`, the cluster's name.
std::string CheckHostname(const Host& host, const std::string& configured, const ClusterConfig& config);
// Whether `bytes` hold all of `wanted`, one behind the other.
bool HoldsInOrder(std::string_view bytes, const std::vector<std::string>& wanted);

}  // namespace narthex
