#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/router/route_table.h"

namespace envoy::config::route::v3 {
class RouteMatch;
class VirtualHost;
}  // namespace envoy::config::route::v3

namespace narthex {

// A request that a match asks for, made up from it.
struct RouteWitness {
  std::string host;
  std::string path;  // empty: CONNECT
  std::vector<std::pair<std::string, std::string>> headers;

  // As the arguments of `narthex explain`: GET http://a.test/b -H 'x: 1'.
  std::string ToString() const;
};

// Nothing when a text that the match takes could not be made up (a regular expression, a share, metadata).
std::optional<RouteWitness> MakeWitness(const envoy::config::route::v3::VirtualHost& host,
                                        const envoy::config::route::v3::RouteMatch& match);

// A path that the match takes, made up from it. Nothing for CONNECT, and for an expression of which none
// could be made up.
std::optional<std::string> PathTakenBy(const envoy::config::route::v3::RouteMatch& match);

// Whether the table gives the request to this route of this virtual host.
bool IsTakenBy(const RouteTable& table, const RouteWitness& witness, int virtual_host, int route);

}  // namespace narthex
