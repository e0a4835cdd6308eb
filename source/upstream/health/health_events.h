#pragma once

#include <string>

#include "source/upstream/health/health_verdict.h"
#include "source/upstream/health/probe.h"

namespace narthex {

// Writes down what checks of a cluster's hosts find: a line of JSON for each change, in the shape of Envoy's
// envoy.data.core.v3.HealthCheckEvent, to the file that the settings name, and a line of the process's log.
// Loop-confined.
class HealthEvents {
 public:
  HealthEvents(const ClusterConfig& config, const HealthCheckSettings& settings)
      : config_(config), settings_(settings) {}

  void Note(const Host& host, const ProbeResult& result, const HealthVerdict::Change& change,
            std::chrono::system_clock::time_point now);

 private:
  void Write(const Host& host, const std::string& event, std::chrono::system_clock::time_point now);

  const ClusterConfig& config_;
  const HealthCheckSettings& settings_;
  bool write_failed_ = false;
};

}  // namespace narthex
