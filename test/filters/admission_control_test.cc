#include "filters/admission_control/admission_control.h"

#include <functional>

#include "envoy/extensions/filters/http/admission_control/v3/admission_control.pb.h"
#include "gtest/gtest.h"
#include "source/stats/stats.h"
#include "test/filters/filter_test_kit.h"
#include "test/upstream/balancer/chi_square.h"

namespace narthex::testing {
namespace {

namespace v3 = envoy::extensions::filters::http::admission_control::v3;

std::shared_ptr<const HttpFilter> FilterOf(const std::string& more = "", std::string* errors = nullptr,
                                           RuntimeLookup runtime = {}) {
  v3::AdmissionControl config = Parse<v3::AdmissionControl>(more);
  config.mutable_success_criteria();
  return Make(AdmissionControlFilter(), config, errors, std::move(runtime));
}

uint64_t Stat(const std::string& name) {
  return StatsStore::Process().ValueOf("http.test.admission_control." + name);
}

Scenario Answered(int status) {
  Scenario scenario;
  scenario.response = WithHeaders({{":status", std::to_string(status)}});
  return scenario;
}

Scenario AnsweredGrpc(std::optional<std::string> in_headers, std::optional<std::string> in_trailers = {}) {
  Scenario scenario;
  scenario.request.headers.emplace_back("content-type", "application/grpc");
  scenario.response = WithHeaders({{":status", "200"}, {"content-type", "application/grpc+proto"}});
  if (in_headers) scenario.response.headers.emplace_back("grpc-status", *in_headers);
  if (!in_trailers) return scenario;
  scenario.response.body = "message";
  scenario.response.chunked = true;
  scenario.response.trailers = Fields{{"grpc-status", *in_trailers}};
  return scenario;
}

// How one request counts through a filter that has seen nothing else.
std::string CountedAs(const HttpFilter& filter, const Scenario& scenario) {
  const uint64_t successes = Stat("rq_success"), failures = Stat("rq_failure");
  RunFilter(filter, scenario);
  if (Stat("rq_success") == successes + 1) return "success";
  return Stat("rq_failure") == failures + 1 ? "failure" : "nothing";
}
std::string CountedAs(const Scenario& scenario, const std::string& config = "") {
  return CountedAs(*FilterOf(config), scenario);
}

// The share of the requests that a filter refuses in which a share of those that it lets through fails.
struct Shares {
  size_t refused = 0;
  size_t passed = 0;
};
Shares Try(const HttpFilter& filter, int of_ten_fail, int requests) {
  Shares shares;
  size_t turn = 0;
  for (int i = 0; i < requests; ++i) {
    const Outcome outcome =
        RunFilter(filter, Answered(static_cast<int>(turn % 10) < of_ten_fail ? 503 : 200));
    if (outcome.detail == "denied_by_admission_control") {
      ++shares.refused;
    } else {
      ++shares.passed;
      ++turn;
    }
  }
  return shares;
}
double FarFrom(double share, const Shares& shares) {
  return ChiSquare({shares.refused, shares.passed}, {share, 1 - share});
}

class AnswersItself : public HttpFilter {
 public:
  explicit AnswersItself(int status, std::string grpc_status = "")
      : status_(status), grpc_status_(std::move(grpc_status)) {}
  Task<Response> Handle(Request, Next) const override {
    Response response = LocalReply(status_, "own");
    if (!grpc_status_.empty()) response.headers().Set(Header::kGrpcStatus, grpc_status_);
    co_return response;
  }

 private:
  const int status_;
  const std::string grpc_status_;
};

// Hands a request to `filter`, behind which stands `answer`; as a health check if asked to.
class InFrontOf : public HttpFilter {
 public:
  InFrontOf(std::shared_ptr<const HttpFilter> filter, std::shared_ptr<const HttpFilter> answer,
            bool health_check = false)
      : filter_(std::move(filter)), behind_{{"answer", std::move(answer)}}, health_check_(health_check) {}
  Task<Response> Handle(Request request, Next) const override {
    request.info().is_health_check = health_check_;
    return filter_->Handle(std::move(request), Next(behind_.data()));
  }

 private:
  const std::shared_ptr<const HttpFilter> filter_;
  const FilterChain behind_;
  const bool health_check_;
};

TEST(AdmissionControl, LetsAllThroughWhileTheySucceed) {
  const uint64_t rejected = Stat("rq_rejected"), successes = Stat("rq_success");
  const auto filter = FilterOf();
  EXPECT_EQ(Try(*filter, 0, 500).refused, 0u);
  EXPECT_EQ(Stat("rq_rejected"), rejected);
  EXPECT_EQ(Stat("rq_success"), successes + 500);
}

TEST(AdmissionControl, RefusesAShareWhileTheyFail) {
  const uint64_t rejected = Stat("rq_rejected"), failures = Stat("rq_failure");
  const auto filter = FilterOf();
  Try(*filter, 10, 100);
  const Shares shares = Try(*filter, 10, 4000);
  EXPECT_LT(FarFrom(0.8, shares), 1);  // as max_rejection_probability is unless set
  EXPECT_GE(Stat("rq_rejected"), rejected + shares.refused);
  // What was refused counts for nothing else.
  EXPECT_LE(Stat("rq_failure"), failures + shares.passed + 100);
  Outcome outcome;
  do {
    outcome = RunFilter(*filter, Answered(503));
  } while (outcome.forwarded);
  EXPECT_EQ(outcome.status(), 503);
  EXPECT_EQ(outcome.response.body, "");
  EXPECT_EQ(outcome.detail, "denied_by_admission_control");
  EXPECT_EQ(outcome.flags, 0u);
}

TEST(AdmissionControl, RefusesAsTheFormulaSays) {
  const std::string all = "max_rejection_probability { default_value { value: 100 } } ";
  const auto linear = FilterOf(all + "sr_threshold { default_value { value: 100 } }");
  Try(*linear, 5, 20'000);
  EXPECT_LT(FarFrom(0.5, Try(*linear, 5, 4000)), 1);
}

TEST(AdmissionControl, RefusesMoreWithAggression) {
  const auto filter = FilterOf(
      "max_rejection_probability { default_value { value: 100 } }"
      "sr_threshold { default_value { value: 100 } } aggression { default_value: 2 }");
  Try(*filter, 5, 20'000);
  EXPECT_LT(FarFrom(0.7071, Try(*filter, 5, 4000)), 1);
}

TEST(AdmissionControl, RefusesNothingWhileThereAreFewRequests) {
  // All within a second of the test's clock.
  const auto filter = FilterOf("rps_threshold { default_value: 301 }");
  EXPECT_EQ(Try(*filter, 10, 300).refused, 0u);
  Try(*filter, 10, 20);
  EXPECT_GT(Try(*filter, 10, 100).refused, 0u);
}

TEST(AdmissionControl, KnowsHttpSuccesses) {
  for (const int status : {101, 200, 304, 404, 429, 499}) {
    EXPECT_EQ(CountedAs(Answered(status)), "success") << status;
  }
  for (const int status : {500, 503, 599}) EXPECT_EQ(CountedAs(Answered(status)), "failure") << status;
  const std::string ranges =
      "success_criteria { http_criteria { http_success_status { start: 200 end: 300 }"
      "http_success_status { start: 404 end: 405 } } }";
  for (const int status : {200, 299, 404})
    EXPECT_EQ(CountedAs(Answered(status), ranges), "success") << status;
  for (const int status : {199, 300, 403, 405})
    EXPECT_EQ(CountedAs(Answered(status), ranges), "failure") << status;
}

// As the statistics of Envoy 1.40 show for each status.
TEST(AdmissionControl, KnowsGrpcSuccesses) {
  for (const char* status : {"0", "1", "2", "3", "5", "6", "7", "9", "11", "12", "16"}) {
    EXPECT_EQ(CountedAs(AnsweredGrpc(status)), "success") << status;
    EXPECT_EQ(CountedAs(AnsweredGrpc(std::nullopt, status)), "success") << status;
  }
  for (const char* status : {"4", "8", "10", "13", "14", "15", "17", "x", "99999999999999999999"}) {
    EXPECT_EQ(CountedAs(AnsweredGrpc(status)), "failure") << status;
    EXPECT_EQ(CountedAs(AnsweredGrpc(std::nullopt, status)), "failure") << status;
  }
  const std::string own = "success_criteria { grpc_criteria { grpc_success_status: 14 } }";
  EXPECT_EQ(CountedAs(AnsweredGrpc("14"), own), "success");
  EXPECT_EQ(CountedAs(AnsweredGrpc("0"), own), "failure");
}

TEST(AdmissionControl, AGrpcCallWithoutAStatusFailed) {
  Scenario scenario = AnsweredGrpc(std::nullopt);
  EXPECT_EQ(CountedAs(scenario), "failure");
  scenario.response.body = "message";
  scenario.response.chunked = true;
  EXPECT_EQ(CountedAs(scenario), "failure");
  scenario.response.breaks_off = true;
  EXPECT_EQ(CountedAs(scenario), "failure");
  Scenario status_of_http = AnsweredGrpc("0");
  status_of_http.response.headers[0].second = "503";
  EXPECT_EQ(CountedAs(status_of_http), "failure");
}

TEST(AdmissionControl, PassesGrpcBodiesOnHoweverTheyAreCut) {
  const Scenario scenario = AnsweredGrpc(std::nullopt, "0");
  ForEveryCut(*FilterOf(), scenario,
              [&](const Outcome& outcome) { EXPECT_EQ(outcome.response, scenario.response); });
}

TEST(AdmissionControl, AClientThatGoesAwayCountsForNothing) {
  const auto filter = FilterOf();
  const Scenario scenario = AnsweredGrpc(std::nullopt, "14");
  const uint64_t failures = Stat("rq_failure");
  for (int at = 0; at < 2; ++at) EXPECT_FALSE(RunFilter(*filter, scenario, at).finished);
  EXPECT_EQ(Stat("rq_failure"), failures);
  CancelAtEverySuspension(*FilterOf(), AnsweredGrpc(std::nullopt, "0"));
}

TEST(AdmissionControl, WhatTheGatewayAnswersCountsAsTheClientWillSeeIt) {
  auto counted = [](const char* type, int status, const char* grpc_status = "") {
    Scenario scenario;
    scenario.request.headers.emplace_back("content-type", type);
    return CountedAs(InFrontOf(FilterOf(), std::make_shared<AnswersItself>(status, grpc_status)), scenario);
  };
  EXPECT_EQ(counted("text/plain", 429), "success");
  EXPECT_EQ(counted("text/plain", 503), "failure");
  EXPECT_EQ(counted("application/grpc", 429), "failure");  // UNAVAILABLE
  EXPECT_EQ(counted("application/grpc", 404), "success");  // UNIMPLEMENTED
  EXPECT_EQ(counted("application/grpc", 200, "14"), "failure");
}

TEST(AdmissionControl, LeavesHealthChecksAlone) {
  const auto filter = FilterOf();
  const auto answer = std::make_shared<AnswersItself>(503);
  EXPECT_EQ(CountedAs(InFrontOf(filter, answer, true), Scenario()), "nothing");
  Try(*filter, 10, 200);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(RunFilter(InFrontOf(filter, answer, true), Scenario()).detail, "own");
}

TEST(AdmissionControl, TheRuntimeGoesBeforeTheConfiguration) {
  const std::string keys =
      "enabled { default_value { value: true } runtime_key: 'on' }"
      "aggression { default_value: 1 runtime_key: 'aggression' }"
      "sr_threshold { default_value { value: 100 } runtime_key: 'threshold' }"
      "rps_threshold { default_value: 0 runtime_key: 'rps' }"
      "max_rejection_probability { default_value { value: 100 } runtime_key: 'most' }";
  auto refused = [&](const char* key, double value, int of_ten_fail) {
    const auto filter = FilterOf(keys, nullptr, [=](std::string_view asked) {
      return asked == key ? std::optional(value) : std::nullopt;
    });
    Try(*filter, of_ten_fail, 10'000);
    return Try(*filter, of_ten_fail, 4000);
  };
  EXPECT_EQ(refused("on", 0, 10).refused, 0u);
  EXPECT_EQ(refused("rps", 1e9, 10).refused, 0u);
  EXPECT_EQ(refused("most", 0, 10).refused, 0u);
  EXPECT_LT(FarFrom(0.3, refused("most", 30, 10)), 1);
  EXPECT_LT(FarFrom(0.7071, refused("aggression", 2, 5)), 1);
  EXPECT_LT(FarFrom(0.5, refused("aggression", -3, 5)), 1);
  EXPECT_EQ(refused("threshold", 50, 4).refused, 0u);
  EXPECT_EQ(refused("threshold", 0, 5).refused, 0u);
}

TEST(AdmissionControl, GoesOnAfterAReload) {
  auto filter = FilterOf();
  Try(*filter, 10, 200);
  auto next = FilterOf("rps_threshold { default_value: 1 }");
  filter.reset();
  EXPECT_GT(Try(*next, 0, 20).refused, 0u);
  // Another window begins anew.
  EXPECT_EQ(Try(*FilterOf("sampling_window { seconds: 10 }"), 0, 20).refused, 0u);
}

TEST(AdmissionControl, SaysWhatIsWrongWithAConfiguration) {
  auto error = [](const std::string& config) {
    std::string errors;
    EXPECT_EQ(FilterOf(config, &errors), nullptr) << config;
    return errors;
  };
  auto range = [&](const char* from_to) {
    return error(std::string("success_criteria { http_criteria { http_success_status { ") + from_to +
                 "} } }");
  };
  for (const char* wrong : {"start: 99 end: 300", "start: 100 end: 601", "start: 400 end: 300"}) {
    EXPECT_NE(range(wrong).find("they are from 100 up to and without 600"), std::string::npos) << wrong;
  }
  EXPECT_NE(
      error("success_criteria { grpc_criteria { grpc_success_status: 17 } }").find("17 is no gRPC status"),
      std::string::npos);
  EXPECT_NE(error("sr_threshold {}").find("must be 1 percent at least"), std::string::npos);
}

}  // namespace
}  // namespace narthex::testing
