#include "filters/admission_control/admission_control.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "envoy/extensions/filters/http/admission_control/v3/admission_control.pb.h"
#include "filters/admission_control/admission_rules.h"
#include "filters/admission_control/success_window.h"
#include "source/base/frame_pool.h"
#include "source/base/random.h"
#include "source/config/unpack.h"
#include "source/event/event_loop.h"
#include "source/filter/kept_states.h"
#include "source/router/matchers.h"
#include "source/stats/stats.h"
#include "source/substitution/grpc_status.h"

namespace narthex {
namespace {

namespace v3 = envoy::extensions::filters::http::admission_control::v3;

// What came of the requests that were let through. Shared with the bodies that are yet to tell.
struct Admissions {
  SuccessCriteria criteria;
  std::shared_ptr<SuccessWindow> window;
  Counter successes;
  Counter failures;

  void Count(bool success, uint64_t now) const {
    (success ? successes : failures).Add();
    window->Record(success, now);
  }
  // A gRPC status as a field has it; one that is no number is a failure.
  void CountGrpc(std::string_view text, uint64_t now) const {
    const std::optional<uint64_t> status = ParseGrpcStatus(text);
    Count(status && criteria.IsGrpcSuccess(*status), now);
  }
};

std::string_view GrpcStatusIn(const HeaderMap* fields) {
  return fields == nullptr ? std::string_view() : fields->Get(Header::kGrpcStatus);
}

// The body of a gRPC response, behind which its status follows.
class JudgedBody final : public BodySource, public FromFramePool {
 public:
  JudgedBody(Body body, std::shared_ptr<const Admissions> admissions, EventLoop& loop)
      : body_(std::move(body)), admissions_(std::move(admissions)), loop_(loop) {}

  Task<BodyPiece> Read() override {
    BodyPiece piece = co_await body_.Read();
    if (piece.error != nullptr) admissions_->Count(false, loop_.NowMs());
    if (piece.end) admissions_->CountGrpc(GrpcStatusIn(piece.trailers.get()), loop_.NowMs());
    co_return piece;
  }

 private:
  Body body_;
  const std::shared_ptr<const Admissions> admissions_;
  EventLoop& loop_;
};

class AdmissionControl : public HttpFilter {
 public:
  AdmissionControl(std::shared_ptr<const Admissions> admissions, RejectionRules rules, Counter rejected,
                   bool enabled)
      : admissions_(std::move(admissions)), rules_(rules), rejected_(rejected), enabled_(enabled) {}

  Task<Response> Handle(Request request, Next next) const override {
    Exchange& info = request.info();
    if (!enabled_ || info.is_health_check) co_return co_await next(std::move(request));
    if (Rejects(info.loop().NowMs())) {
      rejected_.Add();
      co_return LocalReply(503, "denied_by_admission_control");
    }
    Response response = co_await next(std::move(request));
    Judge(response, info);
    co_return response;
  }

 private:
  bool Rejects(uint64_t now) const {
    const double share = rules_.ShareFor(admissions_->window->Read(now));
    constexpr double kRange = 9007199254740992;  // 2^53: as many bits as a double has
    return share > 0 && static_cast<double>(Random64() >> 11) < share * kRange;
  }

  // Counts what the response says, now or when it has come to its end.
  void Judge(Response& response, Exchange& info) const {
    const uint64_t now = info.loop().NowMs();
    const std::string_view status = response.headers().Get(Header::kGrpcStatus);
    if (response.local() != nullptr && IsGrpc(info.request_headers)) {
      if (!status.empty()) return admissions_->CountGrpc(status, now);
      // The manager is yet to say it in the form of gRPC.
      return admissions_->Count(admissions_->criteria.IsGrpcSuccess(GrpcStatusOfHttp(response.status())),
                                now);
    }
    if (response.status() != 200 || !IsGrpc(response.headers())) {
      return admissions_->Count(admissions_->criteria.IsHttpSuccess(response.status()), now);
    }
    if (!status.empty()) return admissions_->CountGrpc(status, now);
    if (response.body().complete()) {
      return admissions_->CountGrpc(GrpcStatusIn(response.body().trailers()), now);
    }
    const std::optional<uint64_t> length = response.body().length();
    auto source = std::make_unique<JudgedBody>(std::move(response.body()), admissions_, info.loop());
    response.set_body(Body(Buffer(), std::move(source), length));
  }

  const std::shared_ptr<const Admissions> admissions_;
  const RejectionRules rules_;
  const Counter rejected_;
  const bool enabled_;
};

// False after an error.
bool CompileCriteria(const v3::AdmissionControl::SuccessCriteria& config, const ConfigPath& path,
                     Diagnostics& diagnostics, SuccessCriteria& criteria) {
  bool fine = true;
  if (!config.has_http_criteria()) criteria.AddDefaultHttp();
  const auto& ranges = config.http_criteria().http_success_status();
  for (int i = 0; i < ranges.size(); ++i) {
    const auto& range = ranges[i];
    criteria.AddHttp(range.start(), range.end());
    if (range.start() >= 100 && range.end() <= 600 && range.start() <= range.end()) continue;
    diagnostics.Error(path.Field("http_criteria").Field("http_success_status").Index(i),
                      "no statuses are from " + std::to_string(range.start()) + " up to and without " +
                          std::to_string(range.end()) + "; they are from 100 up to and without 600");
    fine = false;
  }
  if (!config.has_grpc_criteria()) criteria.AddDefaultGrpc();
  const auto& statuses = config.grpc_criteria().grpc_success_status();
  for (int i = 0; i < statuses.size(); ++i) {
    if (statuses[i] < SuccessCriteria::kGrpcStatuses) {
      criteria.AddGrpc(statuses[i]);
      continue;
    }
    diagnostics.Error(path.Field("grpc_criteria").Field("grpc_success_status").Index(i),
                      std::to_string(statuses[i]) + " is no gRPC status; they are from 0 to 16");
    fine = false;
  }
  return fine;
}

// A share from 0 to 1: what the runtime says, else the configuration, else `otherwise` percent.
template <class RuntimePercent>
double CompileShare(bool is_there, const RuntimePercent& config, double otherwise,
                    const RuntimeLookup& runtime) {
  if (!is_there) return otherwise / 100;
  const double percent = RuntimeNumber(runtime, config.runtime_key(), config.default_value().value());
  return std::clamp(percent, 0.0, 100.0) / 100;
}

RejectionRules CompileRules(const v3::AdmissionControl& config, const RuntimeLookup& runtime) {
  RejectionRules rules;
  // The runtime can't set less than the configuration may, which divides by it.
  rules.threshold =
      std::max(CompileShare(config.has_sr_threshold(), config.sr_threshold(), 95, runtime), 0.01);
  rules.most =
      CompileShare(config.has_max_rejection_probability(), config.max_rejection_probability(), 80, runtime);
  if (config.has_aggression()) {
    const auto& aggression = config.aggression();
    rules.aggression =
        std::max(RuntimeNumber(runtime, aggression.runtime_key(), aggression.default_value()), 1.0);
  }
  const auto& rps = config.rps_threshold();
  rules.least_per_second = RuntimeNumber(runtime, rps.runtime_key(), rps.default_value());
  return rules;
}

// To the nearest second, but one at least: a window of none would see nothing.
uint64_t WindowMs(const v3::AdmissionControl& config) {
  if (!config.has_sampling_window()) return 30'000;
  const auto& window = config.sampling_window();
  const auto seconds = static_cast<uint64_t>(window.seconds()) + (window.nanos() >= 500'000'000 ? 1 : 0);
  return std::max(seconds, uint64_t{1}) * 1000;
}

std::shared_ptr<const HttpFilter> Make(const google::protobuf::Any& any, FilterContext& context) {
  // What was seen of an upstream holds on, however many configurations come after each other.
  static KeptStates<SuccessWindow> windows;
  absl::StatusOr<v3::AdmissionControl> config = Unpack<v3::AdmissionControl>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  auto admissions = std::make_shared<Admissions>();
  if (!CompileCriteria(config->success_criteria(), context.path.Field("success_criteria"),
                       context.diagnostics, admissions->criteria)) {
    return nullptr;
  }
  if (config->has_sr_threshold() && config->sr_threshold().default_value().value() < 1) {
    context.diagnostics.Error(context.path.Field("sr_threshold"),
                              "must be 1 percent at least: below it hardly anything would be refused");
    return nullptr;
  }
  const uint64_t window_ms = WindowMs(*config);
  admissions->window = windows.Find(
      context, [&](const SuccessWindow& known) { return known.window_ms() == window_ms; },
      [&] { return std::make_shared<SuccessWindow>(window_ms); });
  StatsStore& stats = StatsStore::Process();
  const std::string prefix = context.stat_prefix + "admission_control.";
  admissions->successes = stats.MakeCounter(prefix + "rq_success");
  admissions->failures = stats.MakeCounter(prefix + "rq_failure");
  return std::make_shared<AdmissionControl>(
      std::move(admissions), CompileRules(*config, context.runtime),
      stats.MakeCounter(prefix + "rq_rejected"),
      IsSwitchedOn(context.switches, config->has_enabled(), config->enabled()));
}

}  // namespace

FilterFactory AdmissionControlFilter() {
  return {.name = "envoy.filters.http.admission_control",
          .type = "envoy.extensions.filters.http.admission_control.v3.AdmissionControl",
          .route_type = {},
          .make = &Make,
          .make_route = nullptr};
}

}  // namespace narthex
