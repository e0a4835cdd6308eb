#include "source/upstream/host_health.h"

#include "gtest/gtest.h"
#include "source/upstream/host.h"

namespace narthex {
namespace {

using State = HostHealth::State;

TEST(HostHealth, IsUnhealthyForAsLongAsAnySourceSaysSo) {
  HostHealth health(nullptr);
  EXPECT_EQ(health.state(), State::kHealthy);
  health.Set(HostHealth::kFailedActiveHc);
  health.Set(HostHealth::kFailedOutlier);
  EXPECT_EQ(health.state(), State::kUnhealthy);
  health.Clear(HostHealth::kFailedActiveHc);
  EXPECT_EQ(health.state(), State::kUnhealthy);
  health.Clear(HostHealth::kFailedOutlier);
  EXPECT_EQ(health.state(), State::kHealthy);
}

TEST(HostHealth, IsDegradedUnlessItIsUnhealthy) {
  HostHealth health(nullptr);
  health.Set(HostHealth::kDegradedActiveHc);
  EXPECT_EQ(health.state(), State::kDegraded);
  health.Set(HostHealth::kFailedActiveHc);
  EXPECT_EQ(health.state(), State::kUnhealthy);
}

TEST(HostHealth, CountsChangesAndNothingElse) {
  const auto epoch = std::make_shared<HealthEpoch>();
  HostHealth health(epoch);
  health.Clear(HostHealth::kFailedOutlier);
  EXPECT_EQ(epoch->value(), 0u);
  health.Set(HostHealth::kFailedOutlier);
  health.Set(HostHealth::kFailedOutlier);
  EXPECT_EQ(epoch->value(), 1u);
  health.Clear(HostHealth::kFailedOutlier);
  EXPECT_EQ(epoch->value(), 2u);
}

TEST(HostHealth, ExcludesAHostThatWasNotCheckedYet) {
  HostHealth health(nullptr);
  health.Set(HostHealth::kPendingActiveHc);
  EXPECT_TRUE(health.excluded());
  EXPECT_EQ(health.state(), State::kHealthy);
}

TEST(HostHealth, BeginsAsTheEndpointIsConfigured) {
  const auto state_of = [](ConfiguredHealth configured) {
    EndpointConfig endpoint;
    endpoint.health = configured;
    return Host(endpoint, *Address::Ip("10.0.0.1", 80)).health().state();
  };
  EXPECT_EQ(state_of(ConfiguredHealth::kHealthy), State::kHealthy);
  EXPECT_EQ(state_of(ConfiguredHealth::kDegraded), State::kDegraded);
  EXPECT_EQ(state_of(ConfiguredHealth::kDraining), State::kUnhealthy);
  EXPECT_EQ(state_of(ConfiguredHealth::kUnhealthy), State::kUnhealthy);
}

}  // namespace
}  // namespace narthex
