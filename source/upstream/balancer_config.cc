#include <cmath>

#include "envoy/extensions/load_balancing_policies/common/v3/common.pb.h"
#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/maglev/v3/maglev.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "narthex/config/load_balancing/v1/peak_ewma.pb.h"
#include "source/config/unpack.h"
#include "source/upstream/config_reader.h"

namespace narthex::cluster_config {

namespace {

namespace policies = envoy::extensions::load_balancing_policies;
using narthex::config::load_balancing::v1::PeakEwma;
using policies::least_request::v3::LeastRequest;
using policies::maglev::v3::Maglev;
using policies::random::v3::Random;
using policies::ring_hash::v3::RingHash;
using policies::round_robin::v3::RoundRobin;

// Reads one policy's message into the settings. Policies have a message as an extension and another one as
// part of the cluster, with the same fields of the same names.
class PolicyReader {
 public:
  PolicyReader(BalancerSettings& settings, const ClusterDefaults& defaults, Diagnostics& diagnostics)
      : settings_(settings), defaults_(defaults), diagnostics_(diagnostics) {}

  template <class Message>
  void ReadSlowStart(const Message& policy, const ConfigPath& path) {
    if (!policy.has_slow_start_config()) return;
    const auto& source = policy.slow_start_config();
    SlowStart& slow_start = settings_.slow_start;
    slow_start.window_us = static_cast<uint64_t>(ToMilliseconds(source.slow_start_window()).count()) * 1000;
    const ConfigPath at = path.Field("slow_start_config");
    if (source.has_aggression()) slow_start.aggression = ReadNumber(source.aggression());
    if (!(slow_start.aggression > 0)) {
      diagnostics_.Error(at.Field("aggression"), "must be greater than 0");
    }
    if (source.has_min_weight_percent()) slow_start.min_weight = source.min_weight_percent().value() / 100;
    if (slow_start.window_us == 0) {
      diagnostics_.Warning(at, "has no effect without slow_start_window");
    }
  }

  template <class Message>
  void ReadLeastRequest(const Message& policy, const ConfigPath& path) {
    if (policy.has_choice_count()) settings_.choice_count = policy.choice_count().value();
    if (policy.has_active_request_bias()) {
      settings_.active_request_bias = ReadNumber(policy.active_request_bias());
    }
    if (!(settings_.active_request_bias >= 0)) {
      diagnostics_.Error(path.Field("active_request_bias"), "must not be less than 0");
    }
    ReadSlowStart(policy, path);
  }

  template <class Message>
  void ReadRing(const Message& policy, const ConfigPath& path) {
    RingOptions& ring = settings_.ring;
    if (policy.has_minimum_ring_size()) ring.min_size = policy.minimum_ring_size().value();
    if (policy.has_maximum_ring_size()) ring.max_size = policy.maximum_ring_size().value();
    if (policy.hash_function() == Message::MURMUR_HASH_2) ring.function = RingHashFunction::kMurmurHash2;
    if (ring.min_size > ring.max_size) {
      diagnostics_.Error(path.Field("minimum_ring_size"),
                         "is greater than maximum_ring_size, " + std::to_string(ring.max_size));
    }
    if (ring.min_size == 0) diagnostics_.Error(path.Field("minimum_ring_size"), "must be greater than 0");
  }

  template <class Message>
  void ReadMaglev(const Message& policy, const ConfigPath& path) {
    if (policy.has_table_size()) settings_.maglev_size = policy.table_size().value();
    if (IsPrime(settings_.maglev_size) && settings_.maglev_size > 2) return;
    diagnostics_.Error(path.Field("table_size"),
                       std::to_string(settings_.maglev_size) + " is not a prime number greater than 2");
  }

  template <class Message>
  void ReadConsistentHashing(const Message& options) {
    settings_.hash_by_hostname = options.use_hostname_for_hashing();
    settings_.hash_balance_factor = options.hash_balance_factor().value();
  }

  void ReadLocality(const policies::common::v3::LocalityLbConfig& locality) {
    settings_.locality_weighted = locality.has_locality_weighted_lb_config();
    settings_.fail_traffic_on_panic = locality.zone_aware_lb_config().fail_traffic_on_panic();
  }

  void ReadPeakEwma(const PeakEwma& policy, const ConfigPath& path) {
    const auto microseconds = [](const auto& duration) {
      return static_cast<uint64_t>(ToMilliseconds(duration).count()) * 1000;
    };
    if (policy.has_decay_time()) settings_.decay_us = microseconds(policy.decay_time());
    if (policy.has_default_latency()) settings_.default_latency_us = microseconds(policy.default_latency());
    if (policy.has_choice_count()) settings_.choice_count = policy.choice_count().value();
    ReadSlowStart(policy, path);
    ReadLocality(policy.locality_lb_config());
  }

  Diagnostics& diagnostics() { return diagnostics_; }
  BalancerSettings& settings() { return settings_; }

 private:
  double ReadNumber(const envoy::config::core::v3::RuntimeDouble& number) const {
    std::optional<double> runtime;
    if (defaults_.runtime && !number.runtime_key().empty()) runtime = defaults_.runtime(number.runtime_key());
    return runtime.value_or(number.default_value());
  }

  BalancerSettings& settings_;
  const ClusterDefaults& defaults_;
  Diagnostics& diagnostics_;
};

// When `any` is an M, calls `read` with it and takes the policy.
template <class M, class Read>
bool ReadAs(const google::protobuf::Any& any, const ConfigPath& path, LbPolicy policy, PolicyReader& reader,
            Read read) {
  if (!any.Is<M>()) return false;
  const absl::StatusOr<M> message = Unpack<M>(any, path);
  reader.diagnostics().AddStatus(message.status());
  reader.settings().policy = policy;
  if (message.ok()) read(*message);
  return true;
}

// False when this is not a policy of ours.
bool ReadExtension(const google::protobuf::Any& any, const ConfigPath& path, PolicyReader& reader) {
  BalancerSettings& settings = reader.settings();
  return ReadAs<RoundRobin>(any, path, LbPolicy::kRoundRobin, reader,
                            [&](const RoundRobin& policy) {
                              reader.ReadSlowStart(policy, path);
                              reader.ReadLocality(policy.locality_lb_config());
                            }) ||
         ReadAs<Random>(any, path, LbPolicy::kRandom, reader,
                        [&](const Random& policy) { reader.ReadLocality(policy.locality_lb_config()); }) ||
         ReadAs<LeastRequest>(any, path, LbPolicy::kLeastRequest, reader,
                              [&](const LeastRequest& policy) {
                                reader.ReadLeastRequest(policy, path);
                                reader.ReadLocality(policy.locality_lb_config());
                                if (policy.selection_method() != LeastRequest::FULL_SCAN) return;
                                settings.choice_count = 0;
                              }) ||
         ReadAs<RingHash>(any, path, LbPolicy::kRingHash, reader,
                          [&](const RingHash& policy) {
                            reader.ReadRing(policy, path);
                            reader.ReadConsistentHashing(policy.consistent_hashing_lb_config());
                            settings.locality_weighted = policy.has_locality_weighted_lb_config();
                          }) ||
         ReadAs<Maglev>(any, path, LbPolicy::kMaglev, reader,
                        [&](const Maglev& policy) {
                          reader.ReadMaglev(policy, path);
                          reader.ReadConsistentHashing(policy.consistent_hashing_lb_config());
                          settings.locality_weighted = policy.has_locality_weighted_lb_config();
                        }) ||
         ReadAs<PeakEwma>(any, path, LbPolicy::kPeakEwma, reader,
                          [&](const PeakEwma& policy) { reader.ReadPeakEwma(policy, path); });
}

// As Envoy: the first policy of the list that is known, and nothing of what the cluster says itself.
void ReadPolicyList(const ClusterMessage& cluster, const ConfigPath& path, PolicyReader& reader) {
  Diagnostics& diagnostics = reader.diagnostics();
  const auto& common = cluster.common_lb_config();
  const auto refuse = [&](bool written, const char* field) {
    if (written) {
      diagnostics.Error(path.Field("common_lb_config").Field(field),
                        "can't be combined with load_balancing_policy, whose own message has it");
    }
  };
  refuse(common.has_zone_aware_lb_config(), "zone_aware_lb_config");
  refuse(common.has_locality_weighted_lb_config(), "locality_weighted_lb_config");
  refuse(common.has_consistent_hashing_lb_config(), "consistent_hashing_lb_config");
  if (cluster.has_lb_subset_config()) {
    diagnostics.Error(path.Field("lb_subset_config"), "can't be combined with load_balancing_policy");
  }
  const ConfigPath policies = path.Field("load_balancing_policy").Field("policies");
  for (int i = 0; i < cluster.load_balancing_policy().policies_size(); ++i) {
    const auto& policy = cluster.load_balancing_policy().policies(i).typed_extension_config();
    const ConfigPath at = policies.Index(i).Field("typed_extension_config").Field("typed_config");
    if (ReadExtension(policy.typed_config(), at, reader)) return;
  }
  diagnostics.Error(policies,
                    "none of the policies is supported; use round_robin, random, least_request, ring_hash, "
                    "maglev or narthex.config.load_balancing.v1.PeakEwma");
}

// The options of a policy that was not chosen say nothing; who wrote them thought otherwise.
void WarnOfOthers(const ClusterMessage& cluster, const ConfigPath& path, LbPolicy policy,
                  Diagnostics& diagnostics) {
  const auto warn = [&](bool written, LbPolicy its, const char* field) {
    if (written && its != policy) {
      diagnostics.Warning(path.Field(field), std::string("has no effect: lb_policy is ") + NameOf(policy));
    }
  };
  warn(cluster.has_round_robin_lb_config(), LbPolicy::kRoundRobin, "round_robin_lb_config");
  warn(cluster.has_least_request_lb_config(), LbPolicy::kLeastRequest, "least_request_lb_config");
  warn(cluster.has_ring_hash_lb_config(), LbPolicy::kRingHash, "ring_hash_lb_config");
  warn(cluster.has_maglev_lb_config(), LbPolicy::kMaglev, "maglev_lb_config");
}

void ReadCommon(const ClusterMessage& cluster, const ConfigPath& path, PolicyReader& reader) {
  BalancerSettings& settings = reader.settings();
  const auto& common = cluster.common_lb_config();
  const ConfigPath at = path.Field("common_lb_config");
  settings.locality_weighted = common.has_locality_weighted_lb_config();
  settings.fail_traffic_on_panic = common.zone_aware_lb_config().fail_traffic_on_panic();
  reader.ReadConsistentHashing(common.consistent_hashing_lb_config());
  const bool hashes = settings.goes_by_hash();
  if (common.has_consistent_hashing_lb_config() && !hashes) {
    reader.diagnostics().Warning(at.Field("consistent_hashing_lb_config"),
                                 std::string("has no effect: lb_policy is ") + NameOf(settings.policy));
  }
  if (settings.fail_traffic_on_panic && hashes) {
    reader.diagnostics().Warning(at.Field("zone_aware_lb_config"),
                                 std::string("has no effect: lb_policy is ") + NameOf(settings.policy));
  }
}

void ReadLbPolicy(const ClusterMessage& cluster, const ConfigPath& path, PolicyReader& reader) {
  BalancerSettings& settings = reader.settings();
  switch (cluster.lb_policy()) {
    case ClusterMessage::ROUND_ROBIN:
      reader.ReadSlowStart(cluster.round_robin_lb_config(), path.Field("round_robin_lb_config"));
      break;
    case ClusterMessage::RANDOM:
      settings.policy = LbPolicy::kRandom;
      break;
    case ClusterMessage::LEAST_REQUEST:
      settings.policy = LbPolicy::kLeastRequest;
      reader.ReadLeastRequest(cluster.least_request_lb_config(), path.Field("least_request_lb_config"));
      break;
    case ClusterMessage::RING_HASH:
      settings.policy = LbPolicy::kRingHash;
      reader.ReadRing(cluster.ring_hash_lb_config(), path.Field("ring_hash_lb_config"));
      break;
    case ClusterMessage::MAGLEV:
      settings.policy = LbPolicy::kMaglev;
      reader.ReadMaglev(cluster.maglev_lb_config(), path.Field("maglev_lb_config"));
      break;
    case ClusterMessage::LOAD_BALANCING_POLICY_CONFIG:
      return reader.diagnostics().Error(path.Field("lb_policy"),
                                        "LOAD_BALANCING_POLICY_CONFIG needs load_balancing_policy");
    default:
      return reader.diagnostics().Error(
          path.Field("lb_policy"),
          ClusterMessage::LbPolicy_Name(cluster.lb_policy()) +
              " is not supported; use ROUND_ROBIN, RANDOM, LEAST_REQUEST, RING_HASH or MAGLEV");
  }
  WarnOfOthers(cluster, path, settings.policy, reader.diagnostics());
  ReadCommon(cluster, path, reader);
}

}  // namespace

void ReadBalancer(const ClusterMessage& cluster, const ConfigPath& path, const ClusterDefaults& defaults,
                  ClusterConfig& config, Diagnostics& diagnostics) {
  BalancerSettings& settings = config.balancer;
  PolicyReader reader(settings, defaults, diagnostics);
  if (cluster.has_load_balancing_policy()) {
    ReadPolicyList(cluster, path, reader);
  } else {
    ReadLbPolicy(cluster, path, reader);
    ReadSubsets(cluster, path, config, diagnostics);
  }
  PriorityOptions& priorities = settings.priorities;
  if (cluster.common_lb_config().has_healthy_panic_threshold()) {
    // Whole percent, as in Envoy.
    priorities.panic_threshold = std::round(cluster.common_lb_config().healthy_panic_threshold().value());
  }
  const auto& policy = cluster.load_assignment().policy();
  if (policy.has_overprovisioning_factor()) {
    priorities.overprovisioning_factor = policy.overprovisioning_factor().value();
  }
  priorities.health_by_weight = policy.weighted_priority_health();
}

}  // namespace narthex::cluster_config
