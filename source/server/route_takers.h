#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace envoy::config::route::v3 {
class RouteMatch;
}

namespace narthex {

// The text that every path of the match begins with; for an expression, what all that it matches have in
// common. Nothing when there is none.
std::optional<std::string> LiteralOf(const envoy::config::route::v3::RouteMatch& match);

// The routes of a virtual host seen so far, to find one that leaves nothing to a later one: its path takes
// every path of the later one, and each of its other conditions is one of the later one's. Finding costs a
// look-up for each byte of a path, however many routes there are. It may miss one, and never invents one.
class RouteTakers {
 public:
  RouteTakers();
  ~RouteTakers();

  void Add(const envoy::config::route::v3::RouteMatch& match, int index);
  // The first route that takes everything that `match` would; -1 when there is none.
  int Find(const envoy::config::route::v3::RouteMatch& match) const;

 private:
  class Paths;
  std::map<std::string, std::unique_ptr<Paths>, std::less<>> by_conditions_;
};

}  // namespace narthex
