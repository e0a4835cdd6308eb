#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace narthex {

// Makes route tables and requests that often meet: a small alphabet, so that prefixes overlap, hosts share
// wildcards and conditions hold about half of the time. Every decision is taken by `choose`, which a test
// makes of a random engine and a fuzz target of its bytes.
class RouteGenerator {
 public:
  // A number in [0, limit).
  using Choose = std::function<uint32_t(uint32_t limit)>;
  explicit RouteGenerator(Choose choose) : choose_(std::move(choose)) {}

  struct Table {
    std::string yaml;                               // a RouteConfiguration
    std::vector<std::vector<std::string>> domains;  // of its virtual hosts, whose names are their numbers
    bool ignore_port = false;
  };
  Table MakeTable(uint32_t max_hosts, uint32_t max_routes);

  struct Request {
    std::vector<std::pair<std::string, std::string>> fields;
    uint64_t random = 0;

    std::string_view host() const { return fields[0].second; }
    std::string ToString() const;
  };
  Request MakeRequest();

 private:
  std::string Pick(std::initializer_list<std::string_view> values);
  bool OneIn(uint32_t n) { return choose_(n) == 0; }
  std::string Path(uint32_t max_size);
  std::string Host();
  std::string Domain();
  std::string Text();
  std::string StringMatch();
  std::string PathMatch();
  std::string HeaderMatch();
  std::string Conditions();
  std::string Action(uint32_t number);
  std::string Routes(uint32_t max_routes);

  Choose choose_;
};

// The number of the virtual host that takes `host` by Envoy's rules, tried one domain after the other; -1 for
// none. `host` without port where the table ignores it.
int ChooseVirtualHost(const RouteGenerator::Table& table, std::string_view host);

}  // namespace narthex
