#include "filters/adaptive_concurrency/adaptive_concurrency.h"

#include <functional>

#include "envoy/extensions/filters/http/adaptive_concurrency/v3/adaptive_concurrency.pb.h"
#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/filter_test_kit.h"

namespace narthex::testing {
namespace {

namespace v3 = envoy::extensions::filters::http::adaptive_concurrency::v3;

// One request at a time, until two of them were measured.
constexpr char kTwo[] = "interval { seconds: 100 } request_count { value: 2 } min_concurrency { value: 1 }";

std::string Text(const std::string& min_rtt, const std::string& more = "", const std::string& limits = "") {
  return "gradient_controller_config { concurrency_limit_params { concurrency_update_interval { nanos: "
         "100000000 } " +
         limits + "} min_rtt_calc_params { " + min_rtt + " } } " + more;
}

std::shared_ptr<const HttpFilter> FilterOf(const std::string& text, std::string* errors = nullptr,
                                           RuntimeLookup runtime = {}) {
  return Make(AdaptiveConcurrencyFilter(), Parse<v3::AdaptiveConcurrency>(text), errors, std::move(runtime));
}

uint64_t Stat(const std::string& name) {
  return StatsStore::Process().ValueOf("http.test.adaptive_concurrency.gradient_controller." + name);
}

// Hands a request to `filter`, behind which stands `Answer`.
class InFrontOf : public HttpFilter {
 public:
  InFrontOf(std::shared_ptr<const HttpFilter> filter, std::shared_ptr<const HttpFilter> answer)
      : filter_(std::move(filter)), behind_{{"answer", std::move(answer)}} {}
  Task<Response> Handle(Request request, Next) const override {
    return filter_->Handle(std::move(request), Next(behind_.data()));
  }

 private:
  const std::shared_ptr<const HttpFilter> filter_;
  const FilterChain behind_;
};

// Answers after another request has gone through the same filter.
class AsksMeanwhile : public HttpFilter {
 public:
  explicit AsksMeanwhile(std::shared_ptr<const HttpFilter> filter) : filter_(std::move(filter)) {}
  Task<Response> Handle(Request, Next) const override {
    outcome = RunFilter(*filter_, Scenario());
    co_return Response(200);
  }
  mutable Outcome outcome;

 private:
  const std::shared_ptr<const HttpFilter> filter_;
};

// Answers itself, after so many tries at an upstream.
class AnswersItself : public HttpFilter {
 public:
  explicit AnswersItself(uint32_t attempts) : attempts_(attempts) {}
  Task<Response> Handle(Request request, Next) const override {
    request.info().upstream.attempts = attempts_;
    co_return LocalReply(503, "none");
  }

 private:
  const uint32_t attempts_;
};

class IsHealthCheck : public HttpFilter {
 public:
  explicit IsHealthCheck(std::shared_ptr<const HttpFilter> filter) : filter_(std::move(filter)) {}
  Task<Response> Handle(Request request, Next next) const override {
    request.info().is_health_check = true;
    return filter_->Handle(std::move(request), next);
  }

 private:
  const std::shared_ptr<const HttpFilter> filter_;
};

using Wrap = std::function<std::shared_ptr<const HttpFilter>(std::shared_ptr<const HttpFilter>)>;

// Whether a request, through what `wrap` makes of the filter, counts as one of the two that are measured.
// REQUIRES: no other filter is left, whose measurement it would go on with.
bool IsMeasured(const Scenario& scenario, const Wrap& wrap = nullptr) {
  const auto filter = FilterOf(Text(kTwo));
  RunFilter(*filter, Scenario());
  EXPECT_EQ(Stat("min_rtt_calculation_active"), 1u);
  const auto asked = wrap ? wrap(filter) : filter;
  EXPECT_TRUE(RunFilter(*asked, scenario).finished);
  return Stat("min_rtt_calculation_active") == 0;
}

// What comes of a second request while a first one is under way.
Outcome Second(const std::shared_ptr<const HttpFilter>& filter) {
  auto meanwhile = std::make_shared<AsksMeanwhile>(filter);
  EXPECT_EQ(RunFilter(InFrontOf(filter, meanwhile), Scenario()).status(), 200);
  return meanwhile->outcome;
}

TEST(AdaptiveConcurrency, RefusesWhatIsBeyondTheLimit) {
  const auto filter = FilterOf(Text(kTwo));
  const uint64_t blocked = Stat("rq_blocked");
  const Outcome second = Second(filter);
  EXPECT_FALSE(second.forwarded);
  EXPECT_EQ(second.status(), 503);
  EXPECT_EQ(second.response.body, "reached concurrency limit");
  EXPECT_EQ(second.detail, "reached_concurrency_limit");
  EXPECT_EQ(second.flags, 0u);
  EXPECT_EQ(Stat("rq_blocked"), blocked + 1);
  // The place is free again.
  EXPECT_EQ(RunFilter(*filter, Scenario()).status(), 200);
}

TEST(AdaptiveConcurrency, RefusesWithTheConfiguredStatusIfItIsAnError) {
  EXPECT_EQ(
      Second(FilterOf(Text(kTwo, "concurrency_limit_exceeded_status { code: TooManyRequests }"))).status(),
      429);
  std::string warnings;
  const auto filter = FilterOf(Text(kTwo, "concurrency_limit_exceeded_status { code: OK }"), &warnings);
  EXPECT_NE(warnings.find("is no error; 503 is sent"), std::string::npos) << warnings;
  EXPECT_EQ(Second(filter).status(), 503);
}

TEST(AdaptiveConcurrency, MeasuresToTheEndOfTheBody) {
  Scenario scenario;
  scenario.response.body = "hello";
  scenario.response.chunked = true;
  scenario.cuts = {2};
  EXPECT_TRUE(IsMeasured(scenario));
  ForEveryCut(*FilterOf(Text(kTwo)), scenario,
              [&](const Outcome& outcome) { EXPECT_EQ(outcome.response, scenario.response); });
}

TEST(AdaptiveConcurrency, DoesNotMeasureWhatBreaksOff) {
  Scenario scenario;
  scenario.response.body = "hello";
  scenario.response.breaks_off = true;
  EXPECT_FALSE(IsMeasured(scenario));
}

TEST(AdaptiveConcurrency, FreesThePlaceOfAClientThatGoesAway) {
  const auto filter = FilterOf(Text(kTwo));
  Scenario scenario;
  scenario.response.body = "hello";
  scenario.cuts = {2};
  for (int at = 0; at < 3; ++at) {
    EXPECT_FALSE(RunFilter(*filter, scenario, at).finished);
    EXPECT_EQ(Stat("min_rtt_calculation_active"), 1u);
  }
  EXPECT_EQ(RunFilter(*filter, Scenario()).status(), 200);
  CancelAtEverySuspension(*filter, scenario);
}

TEST(AdaptiveConcurrency, MeasuresWhatTheGatewayAnswersAfterItTriedAnUpstream) {
  auto answers = [](uint32_t attempts) {
    return [=](auto filter) {
      return std::make_shared<InFrontOf>(filter, std::make_shared<AnswersItself>(attempts));
    };
  };
  EXPECT_FALSE(IsMeasured(Scenario(), answers(0)));
  EXPECT_TRUE(IsMeasured(Scenario(), answers(1)));
}

TEST(AdaptiveConcurrency, ATunnelTakesNoPlace) {
  Scenario scenario;
  scenario.request.headers.emplace_back("upgrade", "websocket");
  scenario.response = WithHeaders({{":status", "101"}, {"upgrade", "websocket"}});
  scenario.response.body = "frames";
  scenario.response.chunked = true;
  EXPECT_FALSE(IsMeasured(scenario));
  EXPECT_EQ(RunFilter(*FilterOf(Text(kTwo)), scenario).response, scenario.response);
}

TEST(AdaptiveConcurrency, LeavesHealthChecksAlone) {
  EXPECT_FALSE(IsMeasured(Scenario(), [](auto filter) { return std::make_shared<IsHealthCheck>(filter); }));
  const auto filter = FilterOf(Text(kTwo));
  auto meanwhile = std::make_shared<AsksMeanwhile>(std::make_shared<IsHealthCheck>(filter));
  RunFilter(InFrontOf(filter, meanwhile), Scenario());
  EXPECT_EQ(meanwhile->outcome.status(), 200);
}

TEST(AdaptiveConcurrency, DoesNothingWhenItIsOff) {
  const std::string off = Text(kTwo, "enabled { default_value { value: false } runtime_key: 'ac.on' }");
  EXPECT_EQ(Second(FilterOf(off)).status(), 200);
  auto runtime = [](double value) {
    return [=](std::string_view key) { return key == "ac.on" ? std::optional(value) : std::nullopt; };
  };
  EXPECT_EQ(Second(FilterOf(off, nullptr, runtime(1))).status(), 503);
  const std::string on = Text(kTwo, "enabled { default_value { value: true } runtime_key: 'ac.on' }");
  EXPECT_EQ(Second(FilterOf(on)).status(), 503);
  EXPECT_EQ(Second(FilterOf(on, nullptr, runtime(0))).status(), 200);
}

TEST(AdaptiveConcurrency, TheRuntimeGoesBeforeTheConfiguration) {
  auto with = [](const std::string& key, double value) {
    return FilterOf(Text(kTwo), nullptr, [=](std::string_view asked) {
      return asked == "adaptive_concurrency.gradient_controller." + key ? std::optional(value) : std::nullopt;
    });
  };
  EXPECT_EQ(Second(with("min_concurrency", 2)).status(), 200);
  const auto one = with("min_rtt_aggregate_request_count", 1);
  RunFilter(*one, Scenario());
  EXPECT_EQ(Stat("min_rtt_calculation_active"), 0u);
}

TEST(AdaptiveConcurrency, GoesOnAfterAReload) {
  auto filter = FilterOf(Text(kTwo));
  RunFilter(*filter, Scenario());
  RunFilter(*filter, Scenario());
  ASSERT_EQ(Stat("min_rtt_calculation_active"), 0u);
  // The same limit, by whichever configuration a request came in.
  auto next = FilterOf(Text(kTwo));
  EXPECT_EQ(Stat("min_rtt_calculation_active"), 0u);
  auto meanwhile = std::make_shared<AsksMeanwhile>(next);
  RunFilter(InFrontOf(filter, meanwhile), Scenario());
  EXPECT_EQ(meanwhile->outcome.status(), 503);
  // Other settings begin anew.
  filter.reset();
  next.reset();
  next = FilterOf(Text(kTwo, "", "max_concurrency_limit { value: 7 }"));
  EXPECT_EQ(Stat("min_rtt_calculation_active"), 1u);
}

TEST(AdaptiveConcurrency, RefusesAConfigurationWithoutABestLatency) {
  std::string errors;
  EXPECT_EQ(FilterOf(Text("request_count { value: 5 }"), &errors), nullptr);
  EXPECT_NE(errors.find("needs an interval in which to measure the best latency, or a fixed_value"),
            std::string::npos)
      << errors;
}

TEST(AdaptiveConcurrency, WarnsOfWhatHasNoEffect) {
  std::string warnings;
  EXPECT_NE(FilterOf(Text("interval { seconds: 1 } fixed_value { seconds: 1 }"), &warnings), nullptr);
  EXPECT_NE(warnings.find("has no effect when fixed_value is set"), std::string::npos) << warnings;
  EXPECT_NE(FilterOf(Text("interval { seconds: 1 }", "", "max_concurrency_limit { value: 2 }"), &warnings),
            nullptr);
  EXPECT_NE(warnings.find("the least limit, 3, is above the largest, 2"), std::string::npos) << warnings;
}

}  // namespace
}  // namespace narthex::testing
