#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "test/router/route_generator.h"
#include "test/router/text_table.h"

namespace narthex {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Takes decisions from the front of the input; all are the first choice once it is used up.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  uint32_t Choose(uint32_t limit) {
    uint32_t number = 0;
    for (uint32_t range = limit; range > 1 && left_ > 0; range = (range + 255) >> 8) {
      number = number << 8 | *data_++;
      --left_;
    }
    return number % limit;
  }
  bool empty() const { return left_ == 0; }
  std::string_view rest() const { return {reinterpret_cast<const char*>(data_), left_}; }

 private:
  const uint8_t* data_;
  size_t left_;
};

// Whatever the table and the request: the compiled lookup finds the route that trying each in order finds.
void Check(const RouteTable& table, const std::vector<std::pair<std::string, std::string>>& fields,
           uint64_t random) {
  HeaderMap headers = RequestHeaders(fields);
  RouteInput input{headers, nullptr, random};
  Require(table.Match(input) == table.MatchLinear(input));
  Require(!table.ExplainMatch(input).empty());
}

}  // namespace
}  // namespace narthex

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace narthex;
  Bytes bytes(data, size);
  RouteGenerator generator([&bytes](uint32_t limit) { return bytes.Choose(limit); });
  RouteGenerator::Table plan = generator.MakeTable(3, 12);
  TextTable text(plan.yaml);
  Require(text.table() != nullptr);
  for (int i = 0; i < 8 && !bytes.empty(); ++i) {
    RouteGenerator::Request request = generator.MakeRequest();
    Check(*text.table(), request.fields, request.random);
    // Hosts and paths of any bytes, too.
    std::string_view rest = bytes.rest().substr(0, 64);
    std::string raw(rest.substr(0, rest.size() / 2));
    request.fields[0].second += raw;
    request.fields[1].second += rest.substr(rest.size() / 2);
    Check(*text.table(), request.fields, request.random);
  }
  return 0;
}
