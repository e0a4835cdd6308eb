#include "filters/adaptive_concurrency/adaptive_concurrency.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "envoy/extensions/filters/http/adaptive_concurrency/v3/adaptive_concurrency.pb.h"
#include "filters/adaptive_concurrency/gradient_controller.h"
#include "source/base/frame_pool.h"
#include "source/config/unpack.h"
#include "source/event/event_loop.h"
#include "source/filter/kept_states.h"
#include "source/http/tunnel.h"

namespace narthex {
namespace {

namespace v3 = envoy::extensions::filters::http::adaptive_concurrency::v3;

// One request that the controller counts, until it has ended, one way or the other.
class ActiveCall {
 public:
  // `controller` has let it begin, and outlives it.
  ActiveCall(GradientController& controller, uint64_t began) : controller_(&controller), began_(began) {}
  ActiveCall(ActiveCall&& other) noexcept
      : controller_(std::exchange(other.controller_, nullptr)), began_(other.began_) {}
  ActiveCall& operator=(ActiveCall&&) = delete;
  ~ActiveCall() { Leave(); }

  void Finish(uint64_t now) {
    if (controller_ != nullptr) std::exchange(controller_, nullptr)->Finish(began_, now);
  }
  void Leave() {
    if (controller_ != nullptr) std::exchange(controller_, nullptr)->Leave();
  }

 private:
  GradientController* controller_;
  const uint64_t began_;
};

// A response's body, whose end is that of the call.
class MeasuredBody final : public BodySource, public FromFramePool {
 public:
  MeasuredBody(Body body, std::shared_ptr<GradientController> controller, ActiveCall call, EventLoop& loop)
      : body_(std::move(body)), controller_(std::move(controller)), call_(std::move(call)), loop_(loop) {}

  Task<BodyPiece> Read() override {
    BodyPiece piece = co_await body_.Read();
    if (piece.end) call_.Finish(loop_.NowUs());
    if (piece.error != nullptr) call_.Leave();
    co_return piece;
  }

 private:
  Body body_;
  const std::shared_ptr<GradientController> controller_;
  ActiveCall call_;
  EventLoop& loop_;
};

class AdaptiveConcurrency : public HttpFilter {
 public:
  AdaptiveConcurrency(std::shared_ptr<GradientController> controller, bool enabled, int refused_status)
      : controller_(std::move(controller)), enabled_(enabled), refused_status_(refused_status) {}

  Task<Response> Handle(Request request, Next next) const override {
    Exchange& info = request.info();
    if (!enabled_ || info.is_health_check) co_return co_await next(std::move(request));
    const uint64_t began = info.loop().NowUs();
    if (!controller_->Begin(began)) {
      co_return LocalReply(refused_status_, "reached_concurrency_limit", "reached concurrency limit");
    }
    ActiveCall call(*controller_, began);
    Response response = co_await next(std::move(request));
    Follow(response, std::move(call), info);
    co_return response;
  }

 private:
  // Lets the call end when the response does.
  void Follow(Response& response, ActiveCall call, Exchange& info) const {
    // An answer in which no upstream had a part says nothing of its latency; what it failed to answer in time
    // does. A tunnel may last for days, and would take its place from requests.
    const bool says_nothing = response.local() != nullptr && info.upstream.attempts == 0;
    if (says_nothing || OpensTunnel(info.request_headers, response.status())) return;
    if (response.body().complete()) return call.Finish(info.loop().NowUs());
    const std::optional<uint64_t> length = response.body().length();
    auto source =
        std::make_unique<MeasuredBody>(std::move(response.body()), controller_, std::move(call), info.loop());
    response.set_body(Body(Buffer(), std::move(source), length));
  }

  const std::shared_ptr<GradientController> controller_;
  const bool enabled_;
  const int refused_status_;
};

constexpr double kMillion = 1e6;
// A year: what is longer than that never is. Keeps sums of times within their range.
constexpr double kLongestUs = 366 * 24 * 3600 * kMillion;

uint64_t ToMicroseconds(const google::protobuf::Duration& duration) {
  const double us = static_cast<double>(duration.seconds()) * kMillion + duration.nanos() / 1000.0;
  return us <= 0 ? 0 : static_cast<uint64_t>(std::clamp(us, 1.0, kLongestUs));
}

// Reads the runtime's values, under Envoy's keys.
class Tuned {
 public:
  explicit Tuned(const RuntimeLookup& runtime) : runtime_(runtime) {}

  uint32_t Count(std::string_view key, double configured) const {
    return static_cast<uint32_t>(std::clamp(Number(key, configured), 1.0, 4294967295.0));
  }
  uint64_t Interval(std::string_view key, const google::protobuf::Duration& configured) const {
    const double ms = Number(key, -1);
    if (ms < 0) return ToMicroseconds(configured);
    return static_cast<uint64_t>(std::clamp(ms * 1000, 1000.0, kLongestUs));
  }
  double Percent(std::string_view key, double configured) const {
    return std::clamp(Number(key, configured), 0.0, 100.0);
  }

 private:
  double Number(std::string_view key, double configured) const {
    return RuntimeNumber(runtime_, std::string("adaptive_concurrency.gradient_controller.").append(key),
                         configured);
  }

  const RuntimeLookup& runtime_;
};

double Or(bool is_there, double value, double otherwise) {
  return is_there ? value : otherwise;
}

GradientSettings CompileSettings(const v3::GradientControllerConfig& config, const RuntimeLookup& runtime) {
  const auto& limit = config.concurrency_limit_params();
  const auto& min_rtt = config.min_rtt_calc_params();
  const Tuned tuned(runtime);
  GradientSettings settings;
  settings.percentile = tuned.Percent(
      "sample_aggregate_percentile",
      Or(config.has_sample_aggregate_percentile(), config.sample_aggregate_percentile().value(), 50));
  settings.max_limit = tuned.Count("max_concurrency_limit", Or(limit.has_max_concurrency_limit(),
                                                               limit.max_concurrency_limit().value(), 1000));
  settings.update_interval =
      tuned.Interval("sample_rtt_calc_interval_ms", limit.concurrency_update_interval());
  settings.min_rtt_limit =
      tuned.Count("min_concurrency", Or(min_rtt.has_min_concurrency(), min_rtt.min_concurrency().value(), 3));
  settings.min_limit = tuned.Count(
      "min_concurrency_limit",
      Or(limit.has_min_concurrency_limit(), limit.min_concurrency_limit().value(), settings.min_rtt_limit));
  settings.min_rtt_buffer =
      tuned.Percent("min_rtt_buffer", Or(min_rtt.has_buffer(), min_rtt.buffer().value(), 25)) / 100;
  settings.fixed_min_rtt = ToMicroseconds(min_rtt.fixed_value());
  if (settings.fixed_min_rtt > 0) return settings;
  settings.min_rtt_interval = tuned.Interval("min_rtt_calc_interval_ms", min_rtt.interval());
  settings.min_rtt_requests =
      tuned.Count("min_rtt_aggregate_request_count",
                  Or(min_rtt.has_request_count(), min_rtt.request_count().value(), 50));
  settings.min_rtt_jitter =
      tuned.Percent("jitter", Or(min_rtt.has_jitter(), min_rtt.jitter().value(), 15)) / 100;
  return settings;
}

// Says what is missing, and what has no effect; whether the filter can be made.
bool Check(const v3::GradientControllerConfig& config, const GradientSettings& settings,
           const ConfigPath& path, Diagnostics& diagnostics) {
  const auto& min_rtt = config.min_rtt_calc_params();
  const ConfigPath at = path.Field("min_rtt_calc_params");
  if (!min_rtt.has_interval() && !min_rtt.has_fixed_value()) {
    diagnostics.Error(at, "needs an interval in which to measure the best latency, or a fixed_value for it");
    return false;
  }
  if (min_rtt.has_interval() && min_rtt.has_fixed_value()) {
    diagnostics.Warning(at.Field("interval"), "has no effect when fixed_value is set");
  }
  if (settings.min_limit > settings.max_limit) {
    diagnostics.Warning(path.Field("concurrency_limit_params"),
                        "the least limit, " + std::to_string(settings.min_limit) +
                            ", is above the largest, " + std::to_string(settings.max_limit) +
                            ": it never changes");
  }
  return true;
}

int RefusedStatus(const v3::AdaptiveConcurrency& config, FilterContext& context) {
  const int status = config.has_concurrency_limit_exceeded_status()
                         ? static_cast<int>(config.concurrency_limit_exceeded_status().code())
                         : 503;
  if (status >= 400) return status;
  context.diagnostics.Warning(context.path.Field("concurrency_limit_exceeded_status"),
                              "is no error; 503 is sent in its place");
  return 503;
}

std::shared_ptr<const HttpFilter> Make(const google::protobuf::Any& any, FilterContext& context) {
  // One limit, however many configurations come after each other.
  static KeptStates<GradientController> controllers;
  absl::StatusOr<v3::AdaptiveConcurrency> config = Unpack<v3::AdaptiveConcurrency>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  const GradientSettings settings = CompileSettings(config->gradient_controller_config(), context.runtime);
  if (!Check(config->gradient_controller_config(), settings, context.path.Field("gradient_controller_config"),
             context.diagnostics)) {
    return nullptr;
  }
  auto controller = controllers.Find(
      context, [&](const GradientController& known) { return known.settings() == settings; },
      [&] {
        return std::make_shared<GradientController>(
            settings, context.stat_prefix + "adaptive_concurrency.gradient_controller.");
      });
  const bool enabled = IsSwitchedOn(context.switches, config->has_enabled(), config->enabled());
  return std::make_shared<AdaptiveConcurrency>(std::move(controller), enabled,
                                               RefusedStatus(*config, context));
}

}  // namespace

FilterFactory AdaptiveConcurrencyFilter() {
  return {.name = "envoy.filters.http.adaptive_concurrency",
          .type = "envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency",
          .route_type = {},
          .make = &Make,
          .make_route = nullptr};
}

}  // namespace narthex
