#include <cstdlib>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "test/router/route_generator.h"
#include "test/router/text_table.h"

// The compiled lookup against its oracles: trying every route in order, and every domain one after the other.
namespace narthex {
namespace {

constexpr int kTables = 250;
constexpr int kRequests = 100;

// NARTHEX_TEST_SEED repeats a run that failed; else always the same tables, so that a failure is a change's.
uint32_t Seed() {
  const char* given = std::getenv("NARTHEX_TEST_SEED");
  return given == nullptr ? 20 : static_cast<uint32_t>(std::strtoul(given, nullptr, 10));
}

RouteGenerator::Choose ChooseBy(std::mt19937& engine) {
  return [&engine](uint32_t limit) { return static_cast<uint32_t>(engine() % limit); };
}

// One request; the number of routes that took it.
int CheckOne(const RouteGenerator::Table& plan, const RouteTable& table,
             const RouteGenerator::Request& request) {
  HeaderMap headers = RequestHeaders(request.fields);
  RouteInput input{headers, nullptr, request.random};
  const CompiledRoute* found = table.Match(input);
  EXPECT_EQ(found, table.MatchLinear(input));
  int host = ChooseVirtualHost(plan, request.host());
  if (host < 0) EXPECT_EQ(found, nullptr);
  std::string last = table.ExplainMatch(input).back();
  bool taken = last.find(": takes the request (") != std::string::npos ||
               last.find(": redirected to https") != std::string::npos;
  EXPECT_EQ(taken, found != nullptr) << last;
  if (found == nullptr) return 0;
  EXPECT_EQ(found->virtual_host, std::to_string(host));
  return 1;
}

TEST(RandomRoutes, MatchTheSameAsTryingEveryRouteAndEveryDomain) {
  const uint32_t seed = Seed();
  int found = 0;
  for (uint32_t number = 0; number < kTables; ++number) {
    std::mt19937 engine(seed * kTables + number);
    RouteGenerator generator(ChooseBy(engine));
    RouteGenerator::Table plan = generator.MakeTable(6, 30);
    TextTable text(plan.yaml);
    ASSERT_NE(text.table(), nullptr) << text.findings() << plan.yaml;
    for (int i = 0; i < kRequests; ++i) {
      RouteGenerator::Request request = generator.MakeRequest();
      found += CheckOne(plan, *text.table(), request);
      ASSERT_FALSE(HasFailure()) << "NARTHEX_TEST_SEED=" << seed << ", table " << number << "\n"
                                 << request.ToString() << "\n"
                                 << plan.yaml;
    }
  }
  std::printf("seed %u: %d requests on %d tables, %d of them took a route\n", seed, kTables * kRequests,
              kTables, found);
  // A generator whose requests meet no route would prove nothing.
  EXPECT_GT(found, kTables * kRequests / 4);
  EXPECT_LT(found, kTables * kRequests * 9 / 10);
}

}  // namespace
}  // namespace narthex
