#include "source/upstream/discovery.h"

#include <list>
#include <map>

#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

using namespace std::chrono_literals;

// Names that the test knows; those that it does not know yet hang when asked for.
class FakeNames {
 public:
  ResolverFactory MakeFactory() {
    return [this](EventLoop&, const DnsResolverOptions&) -> absl::StatusOr<std::unique_ptr<DnsResolver>> {
      ++resolvers;
      if (broken) return absl::InternalError("no resolver");
      return std::make_unique<Resolver>(*this);
    };
  }
  void Set(const std::string& name, std::vector<std::string> ips, std::chrono::seconds ttl = 0s) {
    DnsAddresses answer;
    for (const std::string& ip : ips) answer.addresses.push_back(*Address::Ip(ip, 0));
    answer.ttl = ttl;
    answers_.insert_or_assign(name, answer);
    Wake();
  }
  void Fail(const std::string& name, const std::string& error) {
    answers_.insert_or_assign(name, absl::UnavailableError(error));
    Wake();
  }

  std::map<std::string, int> asked;
  int resolvers = 0;
  bool broken = false;

 private:
  class Resolver final : public DnsResolver {
   public:
    explicit Resolver(FakeNames& names) : names_(names) {}
    Task<DnsResult> Resolve(std::string name, DnsFamily) override {
      ++names_.asked[name];
      while (!names_.answers_.contains(name)) co_await names_.waiting_.emplace_back().Wait();
      co_return names_.answers_.at(name);
    }

   private:
    FakeNames& names_;
  };
  void Wake() {
    for (Event& event : waiting_) event.Set();
  }

  std::map<std::string, DnsResult> answers_;
  std::list<Event> waiting_;
};

class DiscoveryTest : public UpstreamTest {
 protected:
  static std::shared_ptr<ClusterConfig> NamesConfig(std::vector<std::string> names) {
    auto config = Config(names.size());
    config->type = DiscoveryType::kStrictDns;
    for (size_t i = 0; i < names.size(); ++i) {
      config->endpoints[i].address = Address();
      config->endpoints[i].dns_name = names[i];
      config->endpoints[i].port = static_cast<uint16_t>(80 + i);
    }
    return config;
  }
  void Discover(std::shared_ptr<const ClusterConfig> config) {
    Start({std::move(config)});
    discovery_ = MakeDiscovery(*loop_, names_.MakeFactory());
    discovery_->Update(*set_);
    Settle();
  }
  ClusterRuntime& runtime() { return *set_->clusters.at("products"); }
  // The addresses, with a space between.
  std::string Hosts() {
    std::string text;
    for (const auto& host : runtime().hosts()->hosts)
      text += (text.empty() ? "" : " ") + host->address_text();
    return text;
  }

  FakeNames names_;
  std::unique_ptr<Discovery> discovery_;
};

TEST_F(DiscoveryTest, EveryAddressOfEveryNameIsAHost) {
  names_.Set("a.test", {"10.0.0.1", "10.0.0.2"});
  names_.Set("b.test", {"10.0.0.3"});
  Discover(NamesConfig({"a.test", "b.test"}));
  EXPECT_EQ(Hosts(), "10.0.0.1:80 10.0.0.2:80 10.0.0.3:81");
  EXPECT_EQ(runtime().hosts()->hosts[0]->hostname(), "host1.example");
}

TEST_F(DiscoveryTest, ARequestThatCameBeforeTheFirstAnswerIsServed) {
  Discover(NamesConfig({"a.test"}));
  const auto call = Send();
  EXPECT_FALSE(call->done());
  names_.Set("a.test", {"10.0.0.1"});
  Settle();
  ASSERT_EQ(upstream_.connections.size(), 1u);
  connection().Answer(200);
  EXPECT_EQ(call->status(), 200);
}

TEST_F(DiscoveryTest, ARequestDoesNotWaitForEverForTheFirstAnswer) {
  Discover(NamesConfig({"a.test"}));
  const auto call = Send();
  Pass(4900ms);
  EXPECT_FALSE(call->done());
  Pass(200ms);
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().flag, ResponseFlag::kNoHealthyUpstream);
  EXPECT_EQ(call->error().cause, "cluster products has no hosts: a.test: no answer from DNS yet");
}

TEST_F(DiscoveryTest, NamesAreLookedUpAgainAtTheRefreshRate) {
  names_.Set("a.test", {"10.0.0.1", "10.0.0.2"});
  Discover(NamesConfig({"a.test"}));
  const std::shared_ptr<Host> kept = runtime().hosts()->hosts[1];
  names_.Set("a.test", {"10.0.0.2", "10.0.0.3"});
  Pass(4900ms);
  EXPECT_EQ(names_.asked["a.test"], 1);
  Pass(200ms);
  EXPECT_EQ(names_.asked["a.test"], 2);
  EXPECT_EQ(Hosts(), "10.0.0.2:80 10.0.0.3:80");
  EXPECT_EQ(runtime().hosts()->hosts[0], kept);
}

TEST_F(DiscoveryTest, TheTtlReplacesTheRefreshRateWhenAskedFor) {
  names_.Set("a.test", {"10.0.0.1"}, 30s);
  auto config = NamesConfig({"a.test"});
  config->dns.respect_ttl = true;
  Discover(config);
  Pass(29900ms);
  EXPECT_EQ(names_.asked["a.test"], 1);
  Pass(200ms);
  EXPECT_EQ(names_.asked["a.test"], 2);
}

TEST_F(DiscoveryTest, AFailureKeepsTheHostsAndIsTold) {
  names_.Set("a.test", {"10.0.0.1"});
  Discover(NamesConfig({"a.test"}));
  names_.Fail("a.test", "a.test: refused");
  Pass(5100ms);
  EXPECT_EQ(Hosts(), "10.0.0.1:80");
  EXPECT_EQ(runtime().discovery_error(), "a.test: refused");
  names_.Set("a.test", {"10.0.0.1"});
  Pass(5100ms);
  EXPECT_EQ(runtime().discovery_error(), "");
}

TEST_F(DiscoveryTest, FailuresAreRetriedMoreAndMoreSlowly) {
  names_.Fail("a.test", "a.test: refused");
  auto config = NamesConfig({"a.test"});
  config->dns.refresh_rate = 1h;
  config->dns.failure = DnsBackoff{100ms, 400ms};
  Discover(config);
  EXPECT_EQ(names_.asked["a.test"], 1);
  Pass(110ms);
  EXPECT_GE(names_.asked["a.test"], 2);
  Pass(20s);
  // Each wait is at most 400 ms long.
  EXPECT_GE(names_.asked["a.test"], 50);
  names_.Set("a.test", {"10.0.0.1"});
  Pass(500ms);
  EXPECT_EQ(Hosts(), "10.0.0.1:80");
  const int asked = names_.asked["a.test"];
  Pass(20s);
  EXPECT_EQ(names_.asked["a.test"], asked) << "a name that is known again is asked for at the refresh rate";
}

TEST_F(DiscoveryTest, AFirstFailureEndsTheWaiting) {
  names_.Fail("a.test", "a.test: Domain name not found");
  Discover(NamesConfig({"a.test"}));
  const auto call = Send();
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().cause, "cluster products has no hosts: a.test: Domain name not found");
}

TEST_F(DiscoveryTest, ALogicalClusterKeepsItsOneHostAsLongAsItIsAmongTheAnswers) {
  names_.Set("a.test", {"10.0.0.2", "10.0.0.3"});
  auto config = NamesConfig({"a.test"});
  config->type = DiscoveryType::kLogicalDns;
  Discover(config);
  EXPECT_EQ(Hosts(), "10.0.0.2:80");
  names_.Set("a.test", {"10.0.0.1", "10.0.0.2"});
  Pass(5100ms);
  EXPECT_EQ(Hosts(), "10.0.0.2:80");
  names_.Set("a.test", {"10.0.0.5", "10.0.0.6"});
  Pass(5100ms);
  EXPECT_EQ(Hosts(), "10.0.0.5:80");
}

TEST_F(DiscoveryTest, AddressesAmongNamesAreHostsFromTheStart) {
  auto config = NamesConfig({"a.test", ""});
  config->endpoints[1].address = *Address::Ip("10.0.0.9", 90);
  Discover(config);
  EXPECT_EQ(Hosts(), "10.0.0.9:90");
  const std::shared_ptr<Host> first = runtime().hosts()->hosts[0];
  names_.Set("a.test", {"10.0.0.1", "10.0.0.1"});
  Settle();
  EXPECT_EQ(Hosts(), "10.0.0.1:80 10.0.0.9:90");
  EXPECT_EQ(runtime().hosts()->hosts[1], first);
}

TEST_F(DiscoveryTest, AnUnchangedClusterIsNotAskedAgainOnAReload) {
  names_.Set("a.test", {"10.0.0.1"});
  const auto config = NamesConfig({"a.test"});
  Discover(config);
  discovery_->Update(*MakeClusterSet({config}, set_.get()));
  Settle();
  EXPECT_EQ(names_.asked["a.test"], 1);
  auto changed = NamesConfig({"a.test"});
  changed->content_hash = 2;
  discovery_->Update(*MakeClusterSet({changed}, set_.get()));
  EXPECT_EQ(names_.asked["a.test"], 2);
  EXPECT_EQ(names_.resolvers, 1);
  discovery_->Update(ClusterSet());
  Pass(20s);
  EXPECT_EQ(names_.asked["a.test"], 2);
}

TEST_F(DiscoveryTest, AChangedClusterBeginsWithTheHostsThatItHadAlsoWhenDnsIsGone) {
  names_.Set("a.test", {"10.0.0.1", "10.0.0.2"});
  names_.Set("b.test", {"10.0.0.3"});
  Discover(NamesConfig({"a.test", "b.test"}));
  names_.Fail("a.test", "a.test: no server answers");
  names_.Fail("b.test", "b.test: no server answers");
  auto changed = NamesConfig({"a.test", "b.test"});
  changed->content_hash = 7;
  changed->connection.connect_timeout = 1s;
  const auto before = set_;
  set_ = MakeClusterSet({changed}, before.get());
  ASSERT_NE(&runtime(), before->clusters.at("products").get());
  EXPECT_TRUE(runtime().hosts()->warm);
  EXPECT_EQ(Hosts(), "10.0.0.1:80 10.0.0.2:80 10.0.0.3:81");
  const std::shared_ptr<Host> first = runtime().hosts()->hosts[0];
  discovery_->Update(*set_);
  Settle();
  EXPECT_EQ(Hosts(), "10.0.0.1:80 10.0.0.2:80 10.0.0.3:81");
  EXPECT_EQ(runtime().hosts()->hosts[0], first);
  EXPECT_EQ(runtime().discovery_error(), "a.test: no server answers; b.test: no server answers");
  // A new answer replaces them.
  names_.Set("a.test", {"10.0.0.9"});
  Pass(6s);
  EXPECT_EQ(Hosts(), "10.0.0.9:80 10.0.0.3:81");
}

TEST_F(DiscoveryTest, AClusterThatAsksOtherServersOrFamiliesBeginsAnew) {
  names_.Set("a.test", {"10.0.0.1"});
  Discover(NamesConfig({"a.test"}));
  auto changed = NamesConfig({"a.test"});
  changed->content_hash = 7;
  changed->dns.family = DnsFamily::kV6Only;
  EXPECT_TRUE(MakeClusterSet({changed}, set_.get())->clusters.at("products")->hosts()->hosts.empty());
  auto others = NamesConfig({"a.test"});
  others->content_hash = 8;
  others->dns.resolver.servers = {"10.0.0.53:53"};
  EXPECT_TRUE(MakeClusterSet({others}, set_.get())->clusters.at("products")->hosts()->hosts.empty());
}

TEST_F(DiscoveryTest, WithoutAResolverTheClusterSaysWhy) {
  names_.broken = true;
  Discover(NamesConfig({"a.test"}));
  const auto call = Send();
  ASSERT_EQ(call->status(), -1);
  EXPECT_EQ(call->error().cause, "cluster products has no hosts: no resolver");
}

}  // namespace
}  // namespace narthex
