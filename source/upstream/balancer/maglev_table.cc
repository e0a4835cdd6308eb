#include "source/upstream/balancer/maglev_table.h"

#include <algorithm>
#include <tuple>

#include "source/upstream/balancer/hashes.h"

namespace narthex {

namespace {

constexpr uint32_t kFree = ~uint32_t{0};

// The order in which one host would like the table's places: a walk that visits each of them once, because
// the size is prime.
struct Preference {
  uint32_t host;
  double share;
  uint64_t place;
  uint64_t step;
  double due = 0;  // grows by the greatest share with each place it takes
  size_t taken = 0;

  void TakePlace(std::vector<uint32_t>& table) {
    while (table[place] != kFree) place = (place + step) % table.size();
    table[place] = host;
    ++taken;
  }
};

// By key, for the table must not depend on the order in which the hosts were discovered.
std::vector<Preference> PreferencesOf(const std::vector<HashedHost>& hosts, uint64_t size) {
  std::vector<uint32_t> order(hosts.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return std::tie(hosts[a].key, a) < std::tie(hosts[b].key, b); });
  std::vector<Preference> preferences;
  for (const uint32_t host : order) {
    const uint64_t place = XxHash64(hosts[host].key) % size;
    const uint64_t step = XxHash64(hosts[host].key, 1) % (size - 1) + 1;
    preferences.push_back({host, hosts[host].share, place, step});
  }
  return preferences;
}

}  // namespace

MaglevTable::MaglevTable(const std::vector<HashedHost>& hosts, uint64_t size) {
  if (hosts.empty()) return;
  double greatest = 0;
  for (const HashedHost& host : hosts) greatest = std::max(greatest, host.share);
  std::vector<Preference> preferences = PreferencesOf(hosts, size);
  table_.assign(size, kFree);
  // A host with the greatest share takes a place in each round, one with a third of it in every third.
  uint64_t filled = 0;
  for (uint64_t round = 1; filled < size; ++round) {
    for (Preference& preference : preferences) {
      if (filled == size) break;
      if (static_cast<double>(round) * preference.share < preference.due) continue;
      preference.due += greatest;
      preference.TakePlace(table_);
      ++filled;
    }
  }
  min_entries_ = size;
  for (const Preference& preference : preferences) {
    min_entries_ = std::min(min_entries_, preference.taken);
    max_entries_ = std::max(max_entries_, preference.taken);
  }
}

bool IsPrime(uint64_t number) {
  if (number < 2) return false;
  for (uint64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return true;
}

}  // namespace narthex
