// What one filter costs that only passes the request on: a chain of them in this process, no sockets.
//
//   filter_layer        prints the nanoseconds a layer adds to a request, as a JSON line
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "source/event/event_loop.h"
#include "source/filter/http_filter.h"

namespace narthex {
namespace {

constexpr int kLayers = 32, kRequests = 100'000, kRounds = 15;

class PassOn final : public HttpFilter {
 public:
  Task<Response> Handle(Request request, Next next) const override {
    Response response = co_await next(std::move(request));
    co_return response;
  }
};

class Answer final : public HttpFilter {
 public:
  Task<Response> Handle(Request, Next) const override { co_return Response(200); }
};

FilterChain ChainOf(int layers) {
  FilterChain chain;
  for (int i = 0; i < layers; ++i) chain.push_back({"pass_on", std::make_shared<PassOn>()});
  chain.push_back({"answer", std::make_shared<Answer>()});
  return chain;
}

Task<void> Ask(Exchange& exchange, const FilterChain& chain, int& answered) {
  const Response response = co_await Next(chain.data())(Request(Body(), exchange));
  answered += response.status() == 200 ? 1 : 0;
}

// Nanoseconds for kRequests through `chain`; exits when one was not answered.
double TimeOf(Exchange& exchange, const FilterChain& chain) {
  int answered = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRequests; ++i) {
    Task<void> task = Ask(exchange, chain, answered);
    task.Start();
  }
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  if (answered != kRequests) std::exit(1);
  return taken.count();
}

}  // namespace
}  // namespace narthex

int main() {
  using namespace narthex;
  const std::unique_ptr<EventLoop> loop = EventLoop::Make();
  const ConnectionFacts facts;
  Exchange exchange(*loop, facts);
  const FilterChain none = ChainOf(0), many = ChainOf(kLayers);
  std::vector<double> layer;
  for (int round = 0; round < kRounds; ++round) {
    layer.push_back((TimeOf(exchange, many) - TimeOf(exchange, none)) / kRequests / kLayers);
  }
  std::nth_element(layer.begin(), layer.begin() + kRounds / 2, layer.end());
  std::printf("{\"ns_a_layer\": %.2f}\n", layer[kRounds / 2]);
}
