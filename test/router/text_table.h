#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/router/compiled_route.h"
#include "source/router/route_table.h"

namespace narthex {

// The fields of a request as a test writes them: GET, http, the host a.test and the path / unless given.
HeaderMap RequestHeaders(const std::vector<std::pair<std::string, std::string>>& fields);

// A route table from text, through the loader and the compiler that the gateway uses. All clusters whose name
// does not begin with "missing" exist.
class TextTable {
 public:
  // `yaml` is a RouteConfiguration.
  explicit TextTable(const std::string& yaml);
  // The routes of one virtual host for every host; `routes` is a YAML sequence in flow style without its
  // brackets.
  static TextTable WithRoutes(const std::string& routes);

  // Null when it was refused.
  const std::shared_ptr<const RouteTable>& table() const { return table_; }
  // What was found wrong, a line each.
  const std::string& findings() const { return findings_; }
  const std::shared_ptr<const OriginMap>& origins() const { return origins_; }

  // Where a request goes: "cluster", "direct 410", "redirect 301", "header NAME", or "none". Fails the test
  // when trying every route says something else.
  std::string Target(const std::vector<std::pair<std::string, std::string>>& fields, uint64_t random = 0,
                     const Exchange* exchange = nullptr) const;
  std::string PathTarget(std::string_view path) const { return Target({{":path", std::string(path)}}); }

 private:
  std::shared_ptr<const OriginMap> origins_;
  std::shared_ptr<const RouteTable> table_;
  std::string findings_;
};

// Which runtime keys the tables of tests know: "route.half" is 50 percent, "weights.b" is 3.
std::optional<double> TestRuntime(std::string_view key);

}  // namespace narthex
