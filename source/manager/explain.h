#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/manager/explain_request.h"
#include "source/manager/hcm_config.h"
#include "source/upstream/cluster.h"

namespace narthex {

// The answer, section by section in the order in which things happen.
struct ExchangeExplanation {
  struct Section {
    std::string title;  // "route"
    std::vector<std::string> lines;
  };
  std::vector<Section> sections;
  // For further sections: the cluster that the request goes to, or empty, and the status that it is answered
  // with when it goes nowhere, or 0.
  std::string cluster;
  int status = 0;
  Priority priority = Priority::kDefault;  // of the request at the cluster
  int no_cluster_status = 503;             // the answer when there is no such cluster

  // To the section of that title; a new one comes last.
  void Add(std::string_view title, std::string line);
  // Sections with indented lines.
  std::string ToText() const;
  // {"sections": [{"title": ..., "lines": [...]}], "cluster": ..., "status": ...}
  std::string ToJson() const;
};

// What `hcm` would do with the request over HTTP/1.1: whether its codec takes it, client address, path, each
// route tried, filters on and off, cluster, timeouts, each with where in the configuration that was decided.
// Runs the very code that serves requests. Needs no loop; any thread.
ExchangeExplanation ExplainExchange(const HcmConfig& hcm, const ExchangeQuestion& question);

}  // namespace narthex
