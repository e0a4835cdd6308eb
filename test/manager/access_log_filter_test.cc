#include "source/manager/access_log_filter.h"

#include <memory>
#include <string>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "gtest/gtest.h"
#include "source/config/document.h"
#include "source/event/event_loop.h"

namespace narthex {
namespace {

class AccessLogFilterTest : public ::testing::Test {
 protected:
  bool Passes(const std::string& yaml) {
    envoy::config::accesslog::v3::AccessLogFilter config;
    ConfigDocument document;
    Diagnostics diagnostics;
    EXPECT_TRUE(LoadString("filter.yaml", yaml, config, document, diagnostics)) << diagnostics.ToText();
    auto filter = CompileAccessLogFilter(config, document.Root(), diagnostics, runtime_);
    errors_ = diagnostics.ToText();
    EXPECT_EQ(filter == nullptr, diagnostics.HasErrors());
    return filter != nullptr &&
           filter->Passes({&exchange_, &exchange_.request_headers, &response_, nullptr, {}});
  }
  bool StatusIs(std::string_view comparison) {
    return Passes("status_code_filter: {comparison: {" + std::string(comparison) + "}}");
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Make();
  ConnectionFacts facts_;
  Exchange exchange_{*loop_, facts_};
  HeaderMap response_;
  std::string errors_;
  RuntimeLookup runtime_;
};

TEST_F(AccessLogFilterTest, TheRuntimeGoesBeforeTheConfiguredNumbers) {
  runtime_ = [](std::string_view key) -> std::optional<double> {
    if (key == "log.from") return 500;
    if (key == "log.all") return 100;
    return std::nullopt;
  };
  exchange_.response_status = 404;
  EXPECT_FALSE(StatusIs("op: GE, value: {default_value: 400, runtime_key: log.from}"));
  EXPECT_TRUE(StatusIs("op: GE, value: {default_value: 400, runtime_key: log.other}"));
  EXPECT_TRUE(Passes("runtime_filter: {runtime_key: log.all, percent_sampled: {numerator: 0}}"));
  EXPECT_FALSE(Passes("runtime_filter: {runtime_key: log.other, percent_sampled: {numerator: 0}}"));
  EXPECT_EQ(errors_, "");
  EXPECT_TRUE(Passes("runtime_filter: {runtime_key: log.other, percent_sampled: {numerator: 300}}"));
  EXPECT_NE(errors_.find("runtime_filter.percent_sampled.numerator: 300 of 100 is above 100%"),
            std::string::npos)
      << errors_;
}

TEST_F(AccessLogFilterTest, ComparesTheStatus) {
  exchange_.response_status = 404;
  EXPECT_TRUE(StatusIs("op: GE, value: {default_value: 404, runtime_key: k}"));
  EXPECT_FALSE(StatusIs("op: GE, value: {default_value: 405, runtime_key: k}"));
  EXPECT_TRUE(StatusIs("op: LE, value: {default_value: 404, runtime_key: k}"));
  EXPECT_TRUE(StatusIs("op: EQ, value: {default_value: 404, runtime_key: k}"));
  EXPECT_FALSE(StatusIs("op: NE, value: {default_value: 404, runtime_key: k}"));
  exchange_.response_status = 0;  // none was sent
  EXPECT_TRUE(StatusIs("op: LE, value: {default_value: 0, runtime_key: k}"));
}

TEST_F(AccessLogFilterTest, ComparesTheDurationInMilliseconds) {
  constexpr char kSlow[] =
      "duration_filter: {comparison: {op: GE, value: {default_value: 20, runtime_key: k}}}";
  EXPECT_FALSE(Passes(kSlow));
  exchange_.times.start = 1'000;
  exchange_.times.end = 20'999;
  EXPECT_FALSE(Passes(kSlow));
  exchange_.times.end = 21'000;
  EXPECT_TRUE(Passes(kSlow));
}

TEST_F(AccessLogFilterTest, LeavesOutHealthChecks) {
  EXPECT_TRUE(Passes("not_health_check_filter: {}"));
  exchange_.is_health_check = true;
  EXPECT_FALSE(Passes("not_health_check_filter: {}"));
}

TEST_F(AccessLogFilterTest, TakesAShareByTheRequestIdSoThatServicesAgree) {
  constexpr char kHalf[] = "runtime_filter: {runtime_key: k, percent_sampled: {numerator: 50}}";
  exchange_.request_headers.Set(Header::kXRequestId, "00000031-0000-4000-8000-000000000000");  // 49
  EXPECT_TRUE(Passes(kHalf));
  exchange_.request_headers.Set(Header::kXRequestId, "00000032-0000-4000-8000-000000000000");  // 50
  EXPECT_FALSE(Passes(kHalf));
  exchange_.request_headers.Set(Header::kXRequestId, "no uuid");
  exchange_.random = 149;
  EXPECT_TRUE(Passes(kHalf));
  EXPECT_FALSE(
      Passes("runtime_filter: {runtime_key: k, percent_sampled: {numerator: 50, denominator: MILLION}}"));
  EXPECT_FALSE(Passes("runtime_filter: {runtime_key: k}"));
  EXPECT_TRUE(
      Passes("runtime_filter: {runtime_key: k, percent_sampled: {numerator: 100}, "
             "use_independent_randomness: true}"));
}

TEST_F(AccessLogFilterTest, LooksAtARequestHeader) {
  constexpr char kDebug[] = "header_filter: {header: {name: x-debug, string_match: {prefix: 'on'}}}";
  EXPECT_FALSE(Passes(kDebug));
  exchange_.request_headers.Add("x-debug", "only");
  EXPECT_TRUE(Passes(kDebug));
  EXPECT_FALSE(Passes("header_filter: {header: {name: x-debug, string_match: {safe_regex: {regex: '('}}}}"));
  EXPECT_NE(errors_.find("filter.yaml:1"), std::string::npos) << errors_;
}

TEST_F(AccessLogFilterTest, LooksAtResponseFlags) {
  EXPECT_FALSE(Passes("response_flag_filter: {}"));
  exchange_.AddFlag(ResponseFlag::kUpstreamOverflow);
  EXPECT_TRUE(Passes("response_flag_filter: {}"));
  EXPECT_TRUE(Passes("response_flag_filter: {flags: [UF, UO]}"));
  EXPECT_FALSE(Passes("response_flag_filter: {flags: [UF]}"));
  EXPECT_FALSE(Passes("response_flag_filter: {flags: [UF, UDO]}"));
  EXPECT_NE(errors_.find("UDO"), std::string::npos) << errors_;
}

TEST_F(AccessLogFilterTest, LooksAtTheGrpcStatus) {
  response_.Add("grpc-status", "14");
  EXPECT_TRUE(Passes("grpc_status_filter: {statuses: [UNAVAILABLE]}"));
  EXPECT_FALSE(Passes("grpc_status_filter: {statuses: [OK, UNAVAILABLE], exclude: true}"));
  EXPECT_TRUE(Passes("grpc_status_filter: {statuses: [OK], exclude: true}"));
  response_.Set("grpc-status", "nonsense");
  EXPECT_TRUE(Passes("grpc_status_filter: {statuses: [UNKNOWN]}"));
}

TEST_F(AccessLogFilterTest, JoinsFilters) {
  exchange_.response_status = 200;
  constexpr std::string_view kIs200 =
      "{status_code_filter: {comparison: {op: EQ, value: {default_value: 200, runtime_key: k}}}}";
  constexpr std::string_view kFlagged = "{response_flag_filter: {}}";
  const std::string both = "[" + std::string(kIs200) + ", " + std::string(kFlagged) + "]";
  EXPECT_FALSE(Passes("and_filter: {filters: " + both + "}"));
  EXPECT_TRUE(Passes("or_filter: {filters: " + both + "}"));
  exchange_.AddFlag(ResponseFlag::kFaultInjected);
  EXPECT_TRUE(Passes("and_filter: {filters: " + both + "}"));
  EXPECT_TRUE(
      Passes("and_filter: {filters: [{or_filter: {filters: " + both + "}}, {not_health_check_filter: {}}]}"));
}

}  // namespace
}  // namespace narthex
