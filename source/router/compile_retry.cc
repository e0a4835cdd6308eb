#include "source/router/compile_retry.h"

#include <algorithm>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.pb.h"
#include "envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.pb.h"
#include "source/base/ascii.h"
#include "source/config/duration.h"
#include "source/config/unpack.h"
#include "source/router/compile_matchers.h"

namespace narthex {
namespace {

namespace route_v3 = envoy::config::route::v3;
using envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;
using envoy::extensions::retry::priority::previous_priorities::v3::PreviousPrioritiesConfig;
using std::chrono::milliseconds;

template <class Headers>
void ReadMatchers(const Headers& headers, const ConfigPath& path, Diagnostics& diagnostics,
                  std::vector<HeaderMatcher>& matchers) {
  for (int i = 0; i < headers.size(); ++i) {
    HeaderMatcher matcher;
    if (CompileHeaderMatcher(headers.Get(i), path.Index(static_cast<size_t>(i)), diagnostics, matcher)) {
      matchers.push_back(std::move(matcher));
    }
  }
}

void ReadBackOff(const route_v3::RetryPolicy& config, const ConfigPath& path, Diagnostics& diagnostics,
                 RetryPolicy& policy) {
  if (config.has_retry_back_off()) {
    const auto& source = config.retry_back_off();
    policy.base_interval = ToMilliseconds(source.base_interval());
    policy.max_interval =
        source.has_max_interval() ? ToMilliseconds(source.max_interval()) : policy.base_interval * 10;
    if (policy.max_interval < policy.base_interval) {
      diagnostics.Error(path.Field("retry_back_off").Field("max_interval"),
                        "must not be below base_interval");
    }
  }
  if (!config.has_rate_limited_retry_back_off()) return;
  const auto& source = config.rate_limited_retry_back_off();
  for (const auto& header : source.reset_headers()) {
    policy.reset_headers.push_back(
        {ToLowerAscii(header.name()), header.format() == route_v3::RetryPolicy::UNIX_TIMESTAMP});
  }
  if (source.has_max_interval()) policy.max_reset_interval = ToMilliseconds(source.max_interval());
}

void ReadHosts(const route_v3::RetryPolicy& config, const ConfigPath& path, Diagnostics& diagnostics,
               RetryPolicy& policy) {
  const ConfigPath all = path.Field("retry_host_predicate");
  for (int i = 0; i < config.retry_host_predicate_size(); ++i) {
    if (config.retry_host_predicate(i).typed_config().Is<PreviousHostsPredicate>()) {
      policy.avoid_previous_hosts = true;
    } else {
      diagnostics.Error(all.Index(static_cast<size_t>(i)), "only previous_hosts is supported");
    }
  }
  const int64_t tries = config.host_selection_retry_max_attempts();
  if (tries < 0 || tries > 1000) {
    diagnostics.Error(path.Field("host_selection_retry_max_attempts"), "must be from 0 to 1000");
  } else if (tries > 0) {
    policy.host_tries = static_cast<uint32_t>(tries);
  }
}

void ReadPriority(const route_v3::RetryPolicy& config, const ConfigPath& path, Diagnostics& diagnostics,
                  RetryPolicy& policy) {
  if (!config.has_retry_priority()) return;
  if (!config.retry_priority().typed_config().Is<PreviousPrioritiesConfig>()) {
    diagnostics.Error(path, "only previous_priorities is supported");
    return;
  }
  const auto previous =
      Unpack<PreviousPrioritiesConfig>(config.retry_priority().typed_config(), path.Field("typed_config"));
  diagnostics.AddStatus(previous.status());
  if (previous.ok()) policy.priority_update_frequency = static_cast<uint32_t>(previous->update_frequency());
}

// Conditions that need a list of their own.
void CheckLists(const route_v3::RetryPolicy& config, const ConfigPath& path, const RetryPolicy& policy,
                Diagnostics& diagnostics) {
  if (config.retriable_status_codes_size() > 0 && (policy.on & kRetryStatusCodes) == 0) {
    diagnostics.Warning(path.Field("retriable_status_codes"),
                        "has no effect unless retry_on names retriable-status-codes, or a client does");
  }
  if (config.retriable_headers_size() > 0 && (policy.on & kRetryHeaders) == 0) {
    diagnostics.Warning(path.Field("retriable_headers"),
                        "has no effect unless retry_on names retriable-headers, or a client does");
  }
}

}  // namespace

std::shared_ptr<const RetryPolicy> CompileRetryPolicy(const route_v3::RetryPolicy& config,
                                                      const ConfigPath& path, Diagnostics& diagnostics) {
  const size_t errors_before = diagnostics.error_count();
  auto policy = std::make_shared<RetryPolicy>();
  std::string_view unknown;
  policy->on = ParseRetryOn(config.retry_on(), true, true, &unknown);
  if (unknown.data() != nullptr) {
    diagnostics.Error(path.Field("retry_on"), "\"" + std::string(unknown) + "\" is no condition");
  }
  if (config.has_num_retries()) policy->num_retries = config.num_retries().value();
  if (config.has_per_try_timeout()) policy->per_try_timeout = ToMilliseconds(config.per_try_timeout());
  if (config.has_per_try_idle_timeout()) {
    policy->per_try_idle_timeout = ToMilliseconds(config.per_try_idle_timeout());
  }
  policy->status_codes.assign(config.retriable_status_codes().begin(), config.retriable_status_codes().end());
  ReadMatchers(config.retriable_headers(), path.Field("retriable_headers"), diagnostics,
               policy->response_headers);
  ReadMatchers(config.retriable_request_headers(), path.Field("retriable_request_headers"), diagnostics,
               policy->request_headers);
  ReadBackOff(config, path, diagnostics, *policy);
  ReadHosts(config, path, diagnostics, *policy);
  ReadPriority(config, path.Field("retry_priority"), diagnostics, *policy);
  CheckLists(config, path, *policy, diagnostics);
  if (diagnostics.error_count() != errors_before) return nullptr;
  return policy;
}

}  // namespace narthex
