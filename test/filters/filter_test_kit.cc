#include "test/filters/filter_test_kit.h"

#include <algorithm>
#include <cstdlib>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "test/filters/fake_loop.h"

namespace narthex::testing {
namespace {

// Where everything of one run waits: the driver lets one waiter go on at a time.
struct Gate {
  Event event;
  int bodies = 0;  // alive
};

// A body that arrives in pieces, each after a suspension.
class PiecewiseBody : public BodySource {
 public:
  PiecewiseBody(const Message& message, const std::vector<size_t>& cuts, Gate& gate)
      : message_(message), cuts_(cuts), gate_(gate) {
    ++gate_.bodies;
  }
  ~PiecewiseBody() override { --gate_.bodies; }

  Task<BodyPiece> Read() override {
    gate_.event.Reset();
    co_await gate_.event.Wait();
    size_t end = message_.body.size();
    for (const size_t cut : cuts_) {
      if (cut > at_ && cut < end) end = cut;
    }
    BodyPiece piece;
    piece.data.Append(std::string_view(message_.body).substr(at_, end - at_));
    at_ = end;
    if (at_ < message_.body.size()) co_return piece;
    if (message_.breaks_off) {
      piece.error = std::make_unique<ExchangeError>(
          ExchangeError{ResponseFlag::kDownstreamConnectionTermination, "broke_off", false, {}});
      co_return piece;
    }
    piece.end = true;
    if (message_.trailers) {
      piece.trailers = std::make_unique<HeaderMap>();
      for (const auto& [name, value] : *message_.trailers) piece.trailers->Add(name, value);
    }
    co_return piece;
  }

 private:
  const Message& message_;
  const std::vector<size_t>& cuts_;
  Gate& gate_;
  size_t at_ = 0;
};

HeaderMap MakeHeaders(const Fields& fields) {
  HeaderMap headers;
  for (const auto& [name, value] : fields) headers.Add(name, value);
  return headers;
}

Body MakeBody(const Message& message, const Scenario& scenario, Gate& gate) {
  if (message.body.empty() && !message.trailers && !message.chunked && !message.breaks_off) return Body();
  std::optional<uint64_t> length;
  if (!message.chunked) length = message.body.size();
  return Body(Buffer(), std::make_unique<PiecewiseBody>(message, scenario.cuts, gate), length);
}

Fields ReadFields(const HeaderMap& headers) {
  Fields fields;
  for (const HeaderMap::Field& field : headers) fields.emplace_back(field.name, field.value);
  return fields;
}

Task<bool> ReadBody(Body& body, Message& message) {
  message.chunked = !body.length().has_value();
  if (body.empty()) co_return true;
  while (true) {
    BodyPiece piece = co_await body.Read();
    message.body += piece.data.ToString();
    if (piece.trailers != nullptr) message.trailers = ReadFields(*piece.trailers);
    if (piece.error != nullptr) {
      message.breaks_off = true;
      co_return false;
    }
    if (piece.end) co_return true;
  }
}

// The hand-written end of the chain: takes the whole request, then answers after one more suspension.
class LastFilter : public HttpFilter {
 public:
  LastFilter(const Scenario& scenario, Gate& gate, Outcome& outcome)
      : scenario_(scenario), gate_(gate), outcome_(outcome) {}

  Task<Response> Handle(Request request, Next) const override {
    outcome_.forwarded.emplace();
    outcome_.forwarded->headers = ReadFields(request.headers());
    if (!co_await ReadBody(request.body(), *outcome_.forwarded)) co_return Response(502);
    gate_.event.Reset();
    co_await gate_.event.Wait();
    co_return Response(MakeHeaders(scenario_.response.headers),
                       MakeBody(scenario_.response, scenario_, gate_));
  }

 private:
  const Scenario& scenario_;
  Gate& gate_;
  Outcome& outcome_;
};

Task<void> Serve(const HttpFilter& filter, Request request, Next next, Outcome& outcome) {
  Response response = co_await filter.Handle(std::move(request), next);
  if (response.local() != nullptr) outcome.detail = response.local()->detail;
  outcome.response.headers = ReadFields(response.headers());
  co_await ReadBody(response.body(), outcome.response);
}

// Lets `task` go on until it has ended or `cancel_at` suspensions have passed.
void Drive(Task<void>& task, Gate& gate, FakeLoop& loop, Outcome& outcome, std::optional<int> cancel_at) {
  const uint64_t start = loop.NowMs();
  task.Start();
  while (!task.done()) {
    if (cancel_at == outcome.suspensions) break;
    ++outcome.suspensions;
    if (gate.event.has_waiter()) {
      gate.event.Set();
    } else if (loop.wheel().armed() > 0) {
      loop.Advance(std::chrono::milliseconds(loop.wheel().NextDelay()));
    } else {
      ADD_FAILURE() << "the filter waits for nothing that could happen";
      break;
    }
  }
  outcome.finished = task.done();
  outcome.milliseconds = loop.NowMs() - start;
}

}  // namespace

std::string Message::Get(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (field == name) return value;
  }
  return "(none)";
}

int Outcome::status() const {
  return std::atoi(response.Get(":status").c_str());
}

Outcome RunFilter(const HttpFilter& filter, const Scenario& scenario, std::optional<int> cancel_at) {
  Outcome outcome;
  Gate gate;
  FakeLoop loop;
  const ConnectionFacts connection;
  auto route = std::make_shared<Route>();
  route->cluster = scenario.route_cluster;
  route->filter_configs = scenario.route_configs;
  {
    Exchange exchange(loop, connection);
    exchange.set_route(*route);
    exchange.clusters = scenario.clusters;
    exchange.random = scenario.random;
    const FilterChain chain = {{"last", std::make_shared<LastFilter>(scenario, gate, outcome)}};
    Request request(MakeHeaders(scenario.request.headers), MakeBody(scenario.request, scenario, gate),
                    exchange);
    Task<void> task = Serve(filter, std::move(request), Next(chain.data()), outcome);
    Drive(task, gate, loop, outcome, cancel_at);
    task.Cancel();
    outcome.flags = exchange.flags();
    outcome.is_health_check = exchange.is_health_check;
  }
  EXPECT_EQ(gate.bodies, 0) << "a body was left behind";
  EXPECT_FALSE(gate.event.has_waiter()) << "a coroutine still waits";
  EXPECT_EQ(loop.wheel().armed(), 0u) << "a timer was left behind";
  return outcome;
}

void ForEveryCut(const HttpFilter& filter, Scenario scenario,
                 const std::function<void(const Outcome&)>& check) {
  const size_t longest = std::max(scenario.request.body.size(), scenario.response.body.size());
  std::vector<std::vector<size_t>> ways = {{}};
  std::vector<size_t> all;
  for (size_t cut = 1; cut < longest; ++cut) {
    ways.push_back({cut});
    all.push_back(cut);
  }
  ways.push_back(all);
  for (std::vector<size_t>& cuts : ways) {
    SCOPED_TRACE(cuts.size() == 1 ? "cut at " + std::to_string(cuts[0])
                                  : std::to_string(cuts.size()) + " cuts");
    scenario.cuts = cuts;
    check(RunFilter(filter, scenario));
  }
}

void CancelAtEverySuspension(const HttpFilter& filter, const Scenario& scenario) {
  const Outcome whole = RunFilter(filter, scenario);
  ASSERT_TRUE(whole.finished);
  for (int at = 0; at < whole.suspensions; ++at) {
    SCOPED_TRACE("cancelled at suspension " + std::to_string(at));
    EXPECT_FALSE(RunFilter(filter, scenario, at).finished);
  }
}

std::shared_ptr<const HttpFilter> Make(const FilterFactory& factory, const google::protobuf::Message& config,
                                       std::string* errors, RuntimeLookup runtime) {
  google::protobuf::Any any;
  any.PackFrom(config);
  Diagnostics diagnostics;
  RuntimeSwitches switches = [&](std::string_view key) {
    const std::optional<double> number = runtime ? runtime(key) : std::nullopt;
    return number ? std::optional(*number != 0) : std::nullopt;
  };
  FilterContext context{ConfigPath(), diagnostics, std::string(factory.name), "http.test.",
                        "edge",       runtime,     std::move(switches)};
  auto filter = factory.make(any, context);
  if (errors != nullptr) *errors = diagnostics.ToText();
  return filter;
}

std::shared_ptr<const RouteFilterConfig> MakeRoute(const FilterFactory& factory,
                                                   const google::protobuf::Message& config,
                                                   std::string* errors) {
  google::protobuf::Any any;
  any.PackFrom(config);
  Diagnostics diagnostics;
  FilterContext context{ConfigPath(), diagnostics, std::string(factory.name), "http.test.", "edge"};
  auto route = factory.make_route(any, context);
  if (errors != nullptr) *errors = diagnostics.ToText();
  return route;
}

void ParseInto(const std::string& text, google::protobuf::Message& message) {
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) {
    ADD_FAILURE() << "not a " << message.GetTypeName() << ": " << text;
  }
}

}  // namespace narthex::testing
