#include "source/upstream/health_digest.h"

#include "gtest/gtest.h"

namespace narthex {
namespace {

std::shared_ptr<Host> MakeHost(uint32_t first = 0, ConfiguredHealth health = ConfiguredHealth::kHealthy) {
  EndpointConfig endpoint;
  endpoint.address = *Address::Ip("10.0.0.1", 80);
  endpoint.first_health = first;
  endpoint.health = health;
  return std::make_shared<Host>(endpoint, endpoint.address);
}

std::shared_ptr<Host> Failed(const std::string& cause) {
  auto host = MakeHost(HostHealth::kFailedActiveHc);
  host->SetHealthCause(HostHealth::kFailedActiveHc, cause);
  return host;
}

TEST(HealthDigest, IsEmptyWhileAllAreWell) {
  EXPECT_EQ(HealthDigest({{MakeHost(), MakeHost(0, ConfiguredHealth::kDegraded)}}), "");
}

TEST(HealthDigest, CountsReasonsTheMostFrequentFirst) {
  const HostSet hosts{{Failed("certificate has expired"), Failed("Connection refused"), MakeHost(),
                       Failed("Connection refused")}};
  EXPECT_EQ(HealthDigest(hosts), "3 hosts: 2 Connection refused, 1 certificate has expired");
}

TEST(HealthDigest, SaysWhatIsNotCheckedOrConfigured) {
  auto ejected = MakeHost();
  ejected->health().Set(HostHealth::kFailedOutlier);
  ejected->SetHealthCause(HostHealth::kFailedOutlier, "ejected: 5 answers of 500 and above in a row");
  const HostSet hosts{{MakeHost(HostHealth::kFailedActiveHc), MakeHost(0, ConfiguredHealth::kUnhealthy),
                       MakeHost(0, ConfiguredHealth::kDraining), ejected}};
  EXPECT_EQ(HealthDigest(hosts),
            "4 hosts: 1 configured as draining, 1 configured unhealthy, "
            "1 ejected: 5 answers of 500 and above in a row, 1 not checked yet");
}

TEST(HealthDigest, StopsAfterFiveReasons) {
  HostSet hosts;
  for (int i = 0; i < 7; ++i) hosts.hosts.push_back(Failed("reason " + std::to_string(i)));
  EXPECT_EQ(HealthDigest(hosts),
            "7 hosts: 1 reason 0, 1 reason 1, 1 reason 2, 1 reason 3, 1 reason 4, 2 for other reasons");
}

}  // namespace
}  // namespace narthex
