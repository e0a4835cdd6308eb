#include "filters/registry.h"

#include <set>

#include "gtest/gtest.h"

namespace narthex {
namespace {

TEST(Registry, HasEachFilterOnceWithItsMaker) {
  std::set<std::string_view> names, types;
  for (const FilterFactory& factory : BuiltInFilters()) {
    EXPECT_TRUE(names.insert(factory.name).second) << factory.name;
    EXPECT_TRUE(types.insert(factory.type).second) << factory.type;
    EXPECT_NE(factory.make, nullptr) << factory.name;
    EXPECT_EQ(factory.make_route != nullptr, !factory.route_type.empty()) << factory.name;
  }
  EXPECT_EQ(names.count("envoy.filters.http.buffer"), 1u);
}

TEST(Registry, FindsAFilterByTheTypeOfItsMessage) {
  const FilterRegistry registry(BuiltInFilters());
  const FilterFactory* router = registry.FindByType("envoy.extensions.filters.http.router.v3.Router");
  ASSERT_NE(router, nullptr);
  EXPECT_TRUE(router->terminal);
  EXPECT_EQ(registry.FindByType("envoy.extensions.filters.http.NoSuch"), nullptr);
}

}  // namespace
}  // namespace narthex
