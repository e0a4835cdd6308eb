#include <chrono>
#include <cstdio>
#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "source/upstream/balancer/hash_ring.h"
#include "source/upstream/balancer/hashes.h"
#include "source/upstream/balancer/maglev_table.h"
#include "source/upstream/balancer/turns.h"
#include "source/upstream/balancer/weighted_random.h"

// Prints what a choice costs among ten hosts and among ten thousand. What must not grow with the hosts may be
// at most so many times slower as caches that no longer hold the tables make it.
namespace narthex {
namespace {

constexpr int kChoices = 400'000;
constexpr double kCaches = 40;

// Nanoseconds a choice; the best of a few runs, for others may be at work on the machine.
double Nanoseconds(const std::function<size_t(uint64_t)>& choose) {
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    size_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (uint64_t i = 0; i < kChoices; ++i) sum += choose(i * 0x9e3779b97f4a7c15);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / kChoices);
    EXPECT_GT(sum, 0u);
  }
  return best;
}

struct Fleet {
  explicit Fleet(size_t count) {
    names.reserve(count);
    for (size_t i = 0; i < count; ++i)
      names.push_back("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    for (const std::string& name : names) hosts.push_back({name, 1.0 / static_cast<double>(count)});
    equal.assign(count, 1);
    for (size_t i = 0; i < count; ++i) unequal.push_back(static_cast<double>(1 + i % 7));
  }
  std::vector<std::string> names;
  std::vector<HashedHost> hosts;
  std::vector<double> equal, unequal;
};

// The costs of both sizes, printed; the factor between them.
double Compare(const char* what, const std::function<double(const Fleet&)>& cost) {
  const Fleet few(10), many(10'000);
  const double of_few = cost(few), of_many = cost(many);
  std::printf("%-28s %6.1f ns of 10 hosts, %6.1f ns of 10,000\n", what, of_few, of_many);
  return of_many / of_few;
}

TEST(BalancerSpeed, ChoosingDoesNotDependOnTheNumberOfHosts) {
  const auto turns = [](std::vector<double> Fleet::* weights) {
    return [weights](const Fleet& fleet) {
      Turns turns(fleet.*weights, 1);
      return Nanoseconds([&](uint64_t) { return turns.Next() + 1; });
    };
  };
  EXPECT_LT(Compare("round robin", turns(&Fleet::equal)), kCaches);
  EXPECT_LT(Compare("round robin, seven weights", turns(&Fleet::unequal)), kCaches);
  EXPECT_LT(Compare("weighted random",
                    [](const Fleet& fleet) {
                      const WeightedRandom random(fleet.unequal);
                      return Nanoseconds([&](uint64_t bits) { return random.Draw(bits) + 1; });
                    }),
            kCaches);
  EXPECT_LT(Compare("Maglev",
                    [](const Fleet& fleet) {
                      const MaglevTable table(fleet.hosts, 655'373);
                      return Nanoseconds([&](uint64_t hash) { return table.Find(hash) + 1; });
                    }),
            kCaches);
}

TEST(BalancerSpeed, RingsAndChangingWeightsCostALogarithm) {
  // Of 1,000 times the hosts: ten more steps.
  EXPECT_LT(Compare("ring hash",
                    [](const Fleet& fleet) {
                      const HashRing ring(fleet.hosts,
                                          {RingHashFunction::kXxHash, 100 * fleet.hosts.size(), 8'388'608});
                      return Nanoseconds([&](uint64_t hash) { return ring.Find(hash) + 1; });
                    }),
            kCaches);
  EXPECT_LT(Compare("least request, by weight",
                    [](const Fleet& fleet) {
                      ChangingTurns turns(fleet.unequal, 1);
                      return Nanoseconds([&](uint64_t) {
                        return turns.Next([&](size_t item) { return fleet.unequal[item]; }) + 1;
                      });
                    }),
            kCaches);
}

}  // namespace
}  // namespace narthex
