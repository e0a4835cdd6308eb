// Connections to upstreams when few file descriptors are left.

#include "source/net/descriptor_budget.h"
#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

class DescriptorsTest : public UpstreamTest {
 protected:
  ~DescriptorsTest() override { DescriptorBudget::Process().SetLimit(UINT64_MAX, 0); }
  // Two clusters of one host each.
  void StartWithAnother() {
    auto other = std::make_shared<ClusterConfig>(*Config());
    other->name = "other";
    Start({Config(), other});
  }
};

TEST_F(DescriptorsTest, RequestsWaitForAConnectionThatTheirHostHas) {
  DescriptorBudget::Process().SetLimit(4, 1);
  Start({Config()});
  const auto one = Send(), two = Send(), three = Send();
  EXPECT_EQ(upstream_.dialled, 2u);
  connection(0).Answer(200);
  Settle();
  EXPECT_FALSE(three->done());
  connection(0).Answer(201);
  EXPECT_EQ(three->status(), 201);
  connection(1).Answer(202);
  EXPECT_EQ(two->status(), 202);
}

TEST_F(DescriptorsTest, AHostWithoutAnyGetsItsFirst) {
  DescriptorBudget::Process().SetLimit(4, 1);
  StartWithAnother();
  const auto one = Send(), two = Send();
  Call first(*this, *manager_->Find("other"), "GET", {});
  Settle();
  EXPECT_EQ(upstream_.dialled, 3u);
  connection(2).Answer(200);
  EXPECT_EQ(first.status(), 200);
}

TEST_F(DescriptorsTest, BeyondThoseItsRequestsAreAnsweredAtOnce) {
  DescriptorBudget::Process().SetLimit(4, 0);
  StartWithAnother();
  const auto one = Send(), two = Send();
  Call first(*this, *manager_->Find("other"), "GET", {});
  Settle();
  EXPECT_EQ(upstream_.dialled, 2u);
  ASSERT_TRUE(first.done());
  EXPECT_EQ(first.error().flag, ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_TRUE(first.error().retryable);
  EXPECT_EQ(first.error().cause,
            "connect to 127.0.0.1:9001: no file descriptor is left for connections to upstreams");
}

}  // namespace
}  // namespace narthex
