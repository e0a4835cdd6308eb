#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/balancer/hash_ring.h"
#include "source/upstream/balancer/hashes.h"
#include "source/upstream/balancer/maglev_table.h"

namespace narthex {
namespace {

constexpr size_t kKeys = 100'000;

struct Fleet {
  explicit Fleet(std::vector<std::string> names, const std::vector<double>& weights = {})
      : names(std::move(names)) {
    double sum = 0;
    for (size_t i = 0; i < this->names.size(); ++i) sum += weights.empty() ? 1 : weights[i];
    for (size_t i = 0; i < this->names.size(); ++i) {
      hosts.push_back({this->names[i], (weights.empty() ? 1 : weights[i]) / sum});
    }
  }
  static Fleet Of(size_t count, size_t without = ~size_t{0}) {
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i) {
      if (i != without) names.push_back("10.0.0." + std::to_string(i) + ":80");
    }
    return Fleet(std::move(names));
  }
  // The name of the host that each of many keys finds.
  template <class Table>
  std::vector<std::string> Find(const Table& table) const {
    std::vector<std::string> found;
    for (size_t i = 0; i < kKeys; ++i)
      found.push_back(names[table.Find(XxHash64("key" + std::to_string(i)))]);
    return found;
  }

  std::vector<std::string> names;
  std::vector<HashedHost> hosts;
};

double Share(const std::vector<std::string>& found, const std::string& name) {
  return static_cast<double>(std::count(found.begin(), found.end(), name)) /
         static_cast<double>(found.size());
}

// How many keys moved that need not have: their host before is still there.
double Disruption(const std::vector<std::string>& before, const std::vector<std::string>& after,
                  const std::string& gone) {
  size_t moved = 0;
  for (size_t i = 0; i < before.size(); ++i) moved += before[i] != gone && before[i] != after[i];
  return static_cast<double>(moved) / static_cast<double>(before.size());
}

TEST(Hashes, AreTheKnownOnes) {
  EXPECT_EQ(XxHash64(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(XxHash64("foo"), 3728699739546630719u);
  EXPECT_EQ(XxHash64("bar"), 5234164152756840025u);
  EXPECT_NE(XxHash64("foo", 1), XxHash64("foo"));
}

// libstdc++ hashes strings by the same function with the same seed.
TEST(Hashes, MurmurIsThatOfTheStandardLibrary) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(MurmurHash64(text), std::hash<std::string>()(text)) << text;
    text += static_cast<char>('a' + i * 7 % 26);
  }
}

TEST(HashRing, HasAtLeastSoManyPointsAndTheSameForEqualHosts) {
  const Fleet fleet = Fleet::Of(3);
  const HashRing ring(fleet.hosts, {RingHashFunction::kXxHash, 1000, 1'000'000});
  EXPECT_EQ(ring.size(), 1002u);
  EXPECT_EQ(ring.min_points(), 334u);
  EXPECT_EQ(ring.max_points(), 334u);
}

TEST(HashRing, HasPointsInProportionToWeights) {
  const Fleet fleet({"a", "b", "c"}, {1, 2, 5});
  const HashRing ring(fleet.hosts, {RingHashFunction::kXxHash, 800, 1'000'000});
  EXPECT_EQ(ring.size(), 800u);
  EXPECT_EQ(ring.min_points(), 100u);
  EXPECT_EQ(ring.max_points(), 500u);
}

TEST(HashRing, IsNoLargerThanItsMaximum) {
  const Fleet fleet = Fleet::Of(4);
  const HashRing ring(fleet.hosts, {RingHashFunction::kXxHash, 6, 6});
  EXPECT_EQ(ring.size(), 6u);
  EXPECT_EQ(ring.min_points(), 1u);
  EXPECT_EQ(ring.max_points(), 2u);
}

TEST(HashRing, GivesAHashTheNextPoint) {
  const Fleet fleet({"only"});
  EXPECT_EQ(HashRing(fleet.hosts, {}).Find(0), 0u);
  EXPECT_EQ(HashRing(fleet.hosts, {}).Find(~uint64_t{0}), 0u);
  const Fleet two({"a", "b"});
  const HashRing ring(two.hosts, {RingHashFunction::kXxHash, 2, 2});
  const uint64_t a = XxHash64("a_0"), b = XxHash64("b_0");
  EXPECT_EQ(ring.Find(a), 0u);
  EXPECT_EQ(ring.Find(b), 1u);
  EXPECT_EQ(ring.Find(std::min(a, b) + 1), a > b ? 0u : 1u);
  EXPECT_EQ(ring.Find(std::max(a, b) + 1), a < b ? 0u : 1u);  // round to the first
}

TEST(HashRing, MovesOnlyTheKeysOfAHostThatLeaves) {
  for (const auto function : {RingHashFunction::kXxHash, RingHashFunction::kMurmurHash2}) {
    const RingOptions options{function, 1000, 1'000'000};
    const Fleet all = Fleet::Of(10), left = Fleet::Of(10, 4);
    const auto before = all.Find(HashRing(all.hosts, options));
    const auto after = left.Find(HashRing(left.hosts, options));
    EXPECT_NEAR(Share(before, all.names[4]), 0.1, 0.04);
    // The ring of nine has 112 points a host in place of 100: the added ones take some.
    EXPECT_LT(Disruption(before, after, all.names[4]), 0.12);
    const RingOptions exact{function, 900, 900};
    const Fleet nine = Fleet::Of(9), eight = Fleet::Of(9, 4);
    const auto of_nine = nine.Find(HashRing(nine.hosts, exact));
    const auto of_eight = eight.Find(HashRing(eight.hosts, {function, 800, 800}));
    EXPECT_EQ(Disruption(of_nine, of_eight, nine.names[4]), 0) << "the same 100 points a host";
  }
}

TEST(MaglevTable, GivesEveryHostItsShare) {
  const Fleet fleet = Fleet::Of(10);
  const MaglevTable table(fleet.hosts, MaglevTable::kDefaultSize);
  EXPECT_GE(table.min_entries(), 6553u);
  EXPECT_LE(table.max_entries(), 6554u);
  const Fleet weighted({"a", "b", "c"}, {1, 2, 5});
  const MaglevTable uneven(weighted.hosts, 8009);
  EXPECT_NEAR(static_cast<double>(uneven.min_entries()), 1001, 2);
  EXPECT_NEAR(static_cast<double>(uneven.max_entries()), 5005, 2);
}

TEST(MaglevTable, DoesNotDependOnTheOrderOfItsHosts) {
  const Fleet fleet = Fleet::Of(7);
  std::vector<std::string> names = fleet.names;
  std::reverse(names.begin(), names.end());
  const Fleet reversed(std::move(names));
  EXPECT_EQ(fleet.Find(MaglevTable(fleet.hosts, 1009)), reversed.Find(MaglevTable(reversed.hosts, 1009)));
}

TEST(MaglevTable, MovesFewOtherKeysWhenAHostLeaves) {
  const Fleet all = Fleet::Of(10), left = Fleet::Of(10, 4);
  const auto before = all.Find(MaglevTable(all.hosts, MaglevTable::kDefaultSize));
  const auto after = left.Find(MaglevTable(left.hosts, MaglevTable::kDefaultSize));
  EXPECT_NEAR(Share(before, all.names[4]), 0.1, 0.005);
  EXPECT_LT(Disruption(before, after, all.names[4]), 0.04);
}

TEST(MaglevTable, IsFullHoweverLittleAHostWeighs) {
  const Fleet fleet({"a", "b"}, {1, 100'000});
  const MaglevTable table(fleet.hosts, 1009);
  EXPECT_EQ(table.min_entries() + table.max_entries(), 1009u);
}

TEST(IsPrime, TellsThem) {
  for (const uint64_t prime : {2u, 3u, 65537u, 5000011u}) EXPECT_TRUE(IsPrime(prime)) << prime;
  for (const uint64_t other : {0u, 1u, 4u, 65535u, 5000013u}) EXPECT_FALSE(IsPrime(other)) << other;
}

}  // namespace
}  // namespace narthex
