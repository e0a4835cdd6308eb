#include "source/upstream/balancer/hash_ring.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "source/upstream/balancer/hashes.h"

namespace narthex {

HashRing::HashRing(const std::vector<HashedHost>& hosts, const RingOptions& options) {
  if (hosts.empty()) return;
  double least = 1;
  for (const HashedHost& host : hosts) least = std::min(least, host.share);
  // The smallest share gets a whole number of points, so that the others come out in proportion; unless that
  // makes the ring too large.
  const double wanted = std::ceil(least * static_cast<double>(options.min_size)) / least;
  const double scale = std::min(wanted, static_cast<double>(options.max_size));
  points_.reserve(static_cast<size_t>(std::ceil(scale)));
  min_points_ = static_cast<size_t>(std::ceil(scale));
  // Sums over all hosts, so that what rounding takes from one goes to the next.
  double target = 0;
  std::string key;
  for (uint32_t host = 0; host < hosts.size(); ++host) {
    target += scale * hosts[host].share;
    size_t count = 0;
    for (; static_cast<double>(points_.size()) < target; ++count) {
      key.assign(hosts[host].key).append("_").append(std::to_string(count));
      const bool murmur = options.function == RingHashFunction::kMurmurHash2;
      points_.push_back({murmur ? MurmurHash64(key) : XxHash64(key), host});
    }
    min_points_ = std::min(min_points_, count);
    max_points_ = std::max(max_points_, count);
  }
  std::sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) { return a.hash < b.hash; });
}

size_t HashRing::Find(uint64_t hash) const {
  const auto found = std::lower_bound(points_.begin(), points_.end(), hash,
                                      [](const Point& point, uint64_t at) { return point.hash < at; });
  return (found == points_.end() ? points_.front() : *found).host;
}

}  // namespace narthex
