#include "source/filter/chain_builder.h"

#include <memory>
#include <string>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "google/protobuf/any.pb.h"
#include "gtest/gtest.h"

namespace narthex {
namespace {

using envoy::config::route::v3::FilterConfig;
using envoy::extensions::filters::http::buffer::v3::BufferPerRoute;
using envoy::extensions::filters::http::fault::v3::HTTPFault;
using google::protobuf::Any;

class NamedFilter : public HttpFilter {
 public:
  Task<Response> Handle(Request request, Next next) const override { return next(std::move(request)); }
};

struct Limit : RouteFilterConfig {
  uint32_t bytes = 0;
};

std::shared_ptr<const RouteFilterConfig> MakeLimit(const Any& any, FilterContext& context) {
  BufferPerRoute message;
  if (!any.UnpackTo(&message)) {
    context.diagnostics.Error(context.path, "not a buffer");
    return nullptr;
  }
  auto limit = std::make_shared<Limit>();
  limit->bytes = message.buffer().max_request_bytes().value();
  return limit;
}

constexpr FilterFactory kFactories[] = {
    {"envoy.filters.http.buffer", "envoy.extensions.filters.http.buffer.v3.Buffer",
     "envoy.extensions.filters.http.buffer.v3.BufferPerRoute", false, nullptr, &MakeLimit},
    {"envoy.filters.http.fault", "envoy.extensions.filters.http.fault.v3.HTTPFault",
     "envoy.extensions.filters.http.fault.v3.HTTPFault", false, nullptr, &MakeLimit},
    {"envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", "", true, nullptr,
     nullptr},
};

Any BufferLimit(uint32_t bytes) {
  BufferPerRoute message;
  message.mutable_buffer()->mutable_max_request_bytes()->set_value(bytes);
  Any any;
  any.PackFrom(message);
  return any;
}

Any Wrapped(bool disabled, const Any* config = nullptr) {
  FilterConfig message;
  message.set_disabled(disabled);
  if (config != nullptr) *message.mutable_config() = *config;
  Any any;
  any.PackFrom(message);
  return any;
}

class ChainBuilderTest : public ::testing::Test {
 protected:
  ChainBuilder Make(bool fault_off = false) {
    auto filter = [] { return std::make_shared<NamedFilter>(); };
    return ChainBuilder({{"buffer", filter(), &kFactories[0], false},
                         {"fault", filter(), &kFactories[1], fault_off},
                         {"router", filter(), &kFactories[2], false}},
                        registry_, diagnostics_, "http.test.");
  }
  static std::string Names(const RouteChain& built) {
    std::string names;
    for (const ChainEntry& entry : *built.chain) names += entry.name + " ";
    return names;
  }

  FilterRegistry registry_{kFactories};
  Diagnostics diagnostics_;
};

TEST_F(ChainBuilderTest, SharesOneChainAmongRoutesThatChangeNothing) {
  ChainBuilder builder = Make();
  RouteChain one = builder.Build({});
  RouteChain two = builder.Build({});
  EXPECT_EQ(Names(one), "buffer fault router ");
  EXPECT_EQ(one.chain, two.chain);
}

TEST_F(ChainBuilderTest, LeavesOutAFilterThatIsOffUnlessARouteTurnsItOn) {
  ChainBuilder builder = Make(/*fault_off=*/true);
  EXPECT_EQ(Names(builder.Build({})), "buffer router ");
  Any on = Wrapped(false);
  PerFilterConfigLevel route{{{"fault", &on}}, {}};
  EXPECT_EQ(Names(builder.Build({&route})), "buffer fault router ");
  EXPECT_FALSE(diagnostics_.HasErrors());
}

TEST_F(ChainBuilderTest, TheMostSpecificLevelDecides) {
  ChainBuilder builder = Make();
  Any off = Wrapped(true);
  Any on = Wrapped(false);
  PerFilterConfigLevel host{{{"fault", &off}}, {}};
  PerFilterConfigLevel route{{{"fault", &on}}, {}};
  EXPECT_EQ(Names(builder.Build({&host})), "buffer router ");
  EXPECT_EQ(Names(builder.Build({&host, &route})), "buffer fault router ");
  EXPECT_EQ(Names(builder.Build({&route, &host})), "buffer router ");
}

TEST_F(ChainBuilderTest, GivesAllConfigurationsTheMostSpecificFirstAndEachCompiledOnce) {
  ChainBuilder builder = Make();
  Any small = BufferLimit(10);
  Any inner = BufferLimit(20);
  Any large = Wrapped(false, &inner);
  PerFilterConfigLevel host{{{"buffer", &small}}, {}};
  PerFilterConfigLevel route{{{"buffer", &large}}, {}};
  RouteChain built = builder.Build({&host, &route});
  ASSERT_EQ(built.configs.size(), 2u);
  EXPECT_EQ(built.configs[0].first, "buffer");
  EXPECT_EQ(dynamic_cast<const Limit&>(*built.configs[0].second).bytes, 20u);
  EXPECT_EQ(dynamic_cast<const Limit&>(*built.configs[1].second).bytes, 10u);
  EXPECT_EQ(builder.Build({&host}).configs[0].second, built.configs[1].second);
}

TEST_F(ChainBuilderTest, ReportsANameThatIsNoFilterOnceWithASuggestion) {
  ChainBuilder builder = Make();
  Any off = Wrapped(true);
  PerFilterConfigLevel route{{{"bufer", &off}}, {}};
  builder.Build({&route});
  builder.Build({&route});
  ASSERT_EQ(diagnostics_.error_count(), 1u);
  EXPECT_EQ(diagnostics_.Sorted()[0].suggestion, "buffer");
}

TEST_F(ChainBuilderTest, RefusesAnotherFiltersConfigurationAndOneThatTakesNone) {
  ChainBuilder builder = Make();
  Any limit = BufferLimit(10), another = BufferLimit(10);
  PerFilterConfigLevel route{{{"fault", &limit}, {"router", &another}}, {}};
  builder.Build({&route});
  std::string text = diagnostics_.ToText();
  EXPECT_NE(text.find("which belongs to envoy.filters.http.buffer"), std::string::npos) << text;
  EXPECT_NE(text.find("\"router\" takes no per-route configuration"), std::string::npos) << text;
}

TEST_F(ChainBuilderTest, TheLastFilterCannotBeDisabled) {
  ChainBuilder builder = Make();
  Any off = Wrapped(true);
  PerFilterConfigLevel route{{{"router", &off}}, {}};
  builder.Build({&route});
  EXPECT_TRUE(diagnostics_.HasErrors());
}

TEST(FilterRegistry, FindsByEitherType) {
  FilterRegistry registry(kFactories);
  EXPECT_EQ(registry.FindByType("envoy.extensions.filters.http.buffer.v3.Buffer"), &registry.all()[0]);
  EXPECT_EQ(registry.FindByRouteType("envoy.extensions.filters.http.buffer.v3.BufferPerRoute"),
            &registry.all()[0]);
  EXPECT_EQ(registry.FindByType("envoy.extensions.filters.http.none.v3.None"), nullptr);
  EXPECT_EQ(registry.FindByRouteType(""), nullptr);
}

}  // namespace
}  // namespace narthex
