#include "source/upstream/outlier_detector.h"

#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A cluster of hosts, a clock, and a worker's cells for each host.
class OutlierDetectorTest : public testing::Test {
 protected:
  void Make(size_t hosts, const OutlierSettings& settings) {
    auto set = std::make_shared<HostSet>();
    for (size_t i = 0; i < hosts; ++i) {
      EndpointConfig endpoint;
      endpoint.address = *Address::Ip("10.0.0.1", static_cast<uint16_t>(1000 + i));
      set->hosts.push_back(std::make_shared<Host>(endpoint, endpoint.address));
      cells_.push_back(&set->hosts.back()->AddCells());
    }
    set_ = set;
    name_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    detector_.emplace(name_, settings, [this] { return set_; }, [this] { return now_; });
  }
  Host& host(size_t at) { return *set_->hosts[at]; }
  bool ejected(size_t at) { return host(at).health().Has(HostHealth::kFailedOutlier); }
  void Answer(size_t at, int status, int times = 1) {
    for (int i = 0; i < times; ++i) detector_->OnResponse(host(at), *cells_[at], status);
  }
  void FailLocally(size_t at, int times = 1) {
    for (int i = 0; i < times; ++i) detector_->OnLocalFailure(host(at), *cells_[at], false);
  }
  // An interval passes.
  void Pass(milliseconds time = 10s) {
    now_ += time;
    detector_->OnInterval();
  }
  uint64_t Count(const std::string& name) {
    return StatsStore::Process().ValueOf("cluster." + name_ + ".outlier_detection.ejections_" + name);
  }

  std::shared_ptr<const HostSet> set_;
  std::vector<HostCells*> cells_;
  std::string name_;
  milliseconds now_ = 1000s;
  std::optional<OutlierDetector> detector_;
};

OutlierSettings Half() {
  OutlierSettings settings;
  settings.max_ejection_percent = 50;
  return settings;
}

TEST_F(OutlierDetectorTest, EjectsAfterARowOfFailuresAndNotForMixedAnswers) {
  Make(2, Half());
  for (int i = 0; i < 10; ++i) {
    Answer(0, 500, 4);
    Answer(0, 404);
  }
  EXPECT_FALSE(ejected(0));
  Answer(0, 500, 4);
  EXPECT_FALSE(ejected(0));
  Answer(0, 599);
  EXPECT_TRUE(ejected(0));
  EXPECT_FALSE(host(0).available());
  EXPECT_EQ(host(0).health_cause(HostHealth::kFailedOutlier), "ejected: 5 answers of 500 and above in a row");
  EXPECT_EQ(Count("detected_consecutive_5xx"), 1u);
  EXPECT_EQ(Count("enforced_consecutive_5xx"), 1u);
  EXPECT_EQ(Count("enforced_total"), 1u);
}

TEST_F(OutlierDetectorTest, ComesBackAfterTheEjectionTimeWhichGrowsAndShrinks) {
  Make(2, Half());
  Answer(0, 500, 5);
  Pass(20s);
  EXPECT_TRUE(ejected(0));
  Pass(10s);
  EXPECT_FALSE(ejected(0));
  EXPECT_EQ(host(0).health_cause(HostHealth::kFailedOutlier), "");
  Answer(0, 500, 5);
  Pass(50s);
  EXPECT_TRUE(ejected(0));
  Pass(10s);
  EXPECT_FALSE(ejected(0));
  for (int i = 0; i < 3; ++i) Pass();
  Answer(0, 500, 5);
  Pass(30s);
  EXPECT_FALSE(ejected(0));
}

TEST_F(OutlierDetectorTest, TheTimeHasAnEndAndJitter) {
  OutlierSettings settings = Half();
  settings.max_ejection_time = 40s;
  settings.max_ejection_time_jitter = 5s;
  Make(2, settings);
  for (int i = 0; i < 4; ++i) {
    Answer(0, 500, 5);
    ASSERT_TRUE(ejected(0));
    Pass(46s);
    ASSERT_FALSE(ejected(0));
  }
}

TEST_F(OutlierDetectorTest, EjectsNoMoreThanItsShareOfTheHosts) {
  Make(4, Half());
  for (size_t i = 0; i < 4; ++i) Answer(i, 500, 5);
  EXPECT_TRUE(ejected(0) && ejected(1));
  EXPECT_FALSE(ejected(2) || ejected(3));
  EXPECT_EQ(Count("overflow"), 2u);
}

TEST_F(OutlierDetectorTest, EjectsOneOfFewHostsOnlyWhenAsked) {
  Make(3, {});
  Answer(0, 500, 5);
  EXPECT_FALSE(ejected(0));
  EXPECT_EQ(Count("overflow"), 1u);
  OutlierSettings settings;
  settings.always_eject_one_host = true;
  detector_.emplace(name_, settings, [this] { return set_; }, [this] { return now_; });
  Answer(0, 500, 5);
  Answer(1, 500, 5);
  EXPECT_TRUE(ejected(0));
  EXPECT_FALSE(ejected(1));
}

TEST_F(OutlierDetectorTest, GatewayFailuresAreEnforcedOnlyWhenAsked) {
  OutlierSettings settings = Half();
  settings.consecutive_gateway_failure = {2, 0};
  Make(2, settings);
  Answer(0, 503, 2);
  EXPECT_FALSE(ejected(0));
  EXPECT_EQ(Count("detected_consecutive_gateway_failure"), 1u);
  settings.consecutive_gateway_failure.enforcing = 100;
  detector_.emplace(name_, settings, [this] { return set_; }, [this] { return now_; });
  Answer(1, 502);
  Answer(1, 500);
  Answer(1, 504);
  EXPECT_FALSE(ejected(1));
  Answer(1, 502);
  EXPECT_TRUE(ejected(1));
}

TEST_F(OutlierDetectorTest, LocalFailuresCountAsAnswersUnlessTheyAreSplit) {
  Make(2, Half());
  FailLocally(0, 5);
  EXPECT_TRUE(ejected(0));
  EXPECT_EQ(Count("enforced_consecutive_5xx"), 1u);
}

TEST_F(OutlierDetectorTest, SplitLocalFailuresHaveARowOfTheirOwn) {
  OutlierSettings settings = Half();
  settings.split_local_origin = true;
  Make(2, settings);
  FailLocally(0, 4);
  Answer(0, 500, 4);  // an answer: it was reached
  FailLocally(0, 4);
  EXPECT_FALSE(ejected(0));
  detector_->OnConnected(host(0), *cells_[0]);
  FailLocally(0, 5);
  EXPECT_TRUE(ejected(0));
  EXPECT_EQ(Count("enforced_consecutive_local_origin_failure"), 1u);
  EXPECT_EQ(Count("enforced_consecutive_5xx"), 0u);
}

TEST_F(OutlierDetectorTest, EjectsTheHostWhoseSuccessRateIsFarBelowTheOthers) {
  OutlierSettings settings = Half();
  settings.consecutive_5xx.limit = 1000;
  Make(6, settings);
  for (size_t i = 0; i < 6; ++i) {
    Answer(i, 200, i == 3 ? 60 : 98);
    Answer(i, 500, i == 3 ? 40 : 2);
  }
  Pass();
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(ejected(i), i == 3) << i;
  EXPECT_EQ(host(3).health_cause(HostHealth::kFailedOutlier),
            "ejected: success rate 60%, the cluster's is 92%");
  EXPECT_EQ(Count("enforced_success_rate"), 1u);
}

TEST_F(OutlierDetectorTest, SharesNeedHostsAndVolumeOfOneInterval) {
  OutlierSettings settings = Half();
  settings.consecutive_5xx.limit = 1000;
  settings.failure_percentage = {40, 100};
  Make(5, settings);
  for (size_t i = 0; i < 5; ++i) Answer(i, i == 0 ? 500 : 200, 49);
  Pass();
  EXPECT_FALSE(ejected(0));
  for (size_t i = 0; i < 5; ++i) Answer(i, i == 0 ? 500 : 200, 49);
  Pass();
  EXPECT_FALSE(ejected(0));
  for (size_t i = 0; i < 5; ++i) Answer(i, i == 0 ? 500 : 200, 50);
  Pass();
  EXPECT_TRUE(ejected(0));
  EXPECT_EQ(Count("enforced_failure_percentage"), 1u);
}

TEST_F(OutlierDetectorTest, SplitSharesAreLookedAtApart) {
  OutlierSettings settings = Half();
  settings.split_local_origin = true;
  settings.consecutive_local_origin_failure.limit = 1000;
  settings.local_origin_success_rate_enforcing = 0;
  settings.local_origin_failure_percentage_enforcing = 100;
  Make(5, settings);
  for (size_t i = 0; i < 5; ++i) {
    Answer(i, 200, 50);
    if (i == 2) FailLocally(i, 450);
  }
  Pass();
  EXPECT_TRUE(ejected(2));
  EXPECT_EQ(Count("enforced_local_origin_failure_percentage"), 1u);
  EXPECT_EQ(Count("detected_failure_percentage"), 0u);
}

TEST_F(OutlierDetectorTest, AnActiveCheckThatSucceedsEndsTheEjection) {
  Make(2, Half());
  Answer(0, 500, 5);
  detector_->OnActiveSuccess(host(0));
  EXPECT_FALSE(ejected(0));
  OutlierSettings settings = Half();
  settings.uneject_by_active_check = false;
  detector_.emplace(name_, settings, [this] { return set_; }, [this] { return now_; });
  Answer(0, 500, 5);
  detector_->OnActiveSuccess(host(0));
  EXPECT_TRUE(ejected(0));
}

}  // namespace
}  // namespace narthex
