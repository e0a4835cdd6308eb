#include "test/filters/router_fixture.h"

#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "filters/router/router.h"
#include "gtest/gtest.h"
#include "source/event/timeout.h"
#include "test/filters/filter_test_kit.h"

namespace narthex::testing {
namespace {

using RouterConfig = envoy::extensions::filters::http::router::v3::Router;

// A body that comes whole after a delay.
class LateBody final : public BodySource {
 public:
  LateBody(EventLoop& loop, std::chrono::milliseconds delay, std::string text)
      : loop_(loop), delay_(delay), text_(std::move(text)) {}

  Task<BodyPiece> Read() override {
    co_await Sleep(loop_, delay_);
    if (on_end) *on_end = loop_.NowUs();
    BodyPiece piece;
    piece.data.Append(text_);
    piece.end = true;
    co_return piece;
  }

  uint64_t* on_end = nullptr;

 private:
  EventLoop& loop_;
  std::chrono::milliseconds delay_;
  std::string text_;
};

Body MakeLateBody(EventLoop& loop, std::chrono::milliseconds delay, const std::string& text,
                  uint64_t* on_end = nullptr) {
  if (delay.count() == 0) return Body(text);
  auto source = std::make_unique<LateBody>(loop, delay, text);
  source->on_end = on_end;
  return Body(Buffer(), std::move(source), text.size());
}

std::vector<std::pair<std::string, std::string>> FieldsOf(const HeaderMap& headers) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const HeaderMap::Field& field : headers) fields.emplace_back(field.name, field.value);
  return fields;
}

// Counts itself where it is destroyed in the midst of a try.
class Unanswered {
 public:
  explicit Unanswered(size_t& count) : count_(count) {}
  ~Unanswered() {
    if (!answered) ++count_;
  }
  bool answered = false;

 private:
  size_t& count_;
};

class CountedToken final : public RetryToken {
 public:
  explicit CountedToken(uint32_t& active) : active_(active) { ++active_; }
  ~CountedToken() override { --active_; }

 private:
  uint32_t& active_;
};

class PlannedCluster final : public Cluster {
 public:
  PlannedCluster(std::string name, const UpstreamPlan& first, RouterOutcome& outcome, uint32_t& retries)
      : name_(std::move(name)), first_(first), outcome_(outcome), retries_(retries) {}
  const std::string& name() const override { return name_; }
  HostCounts host_counts() const override { return {1, 1, 0}; }

  Task<ClientConnection::Result> Send(Request request, AttemptOptions options) override {
    return name_.starts_with("mirror") ? SendMirror(std::move(request), options)
                                       : SendTry(std::move(request), options);
  }
  Task<ClientConnection::Result> SendTry(Request request, AttemptOptions options) {
    Unanswered unanswered(outcome_.called_off);
    outcome_.sent = FieldsOf(request.headers());
    outcome_.sent_to = name_;
    outcome_.options = options;
    if (options.avoid != nullptr) outcome_.avoided = *options.avoid;
    Exchange& exchange = request.info();
    outcome_.tried_at.emplace_back((exchange.loop().NowUs() - exchange.times.start) / 1000);
    const size_t further = static_cast<size_t>(outcome_.tries++);
    const UpstreamPlan& plan =
        further == 0 || first_.then.empty() ? first_ : first_.then[std::min(further, first_.then.size()) - 1];
    exchange.upstream.host = *Address::Ip("10.0.0.1", static_cast<uint16_t>(outcome_.tries));
    if (options.priorities != nullptr) {
      outcome_.left_out.push_back(options.priorities->LeavesOut(plan.priority));
      options.priorities->Choose(plan.priority);
    }
    if (plan.reads_request) outcome_.sent_body = (co_await ReadAll(request.body(), 1 << 20)).data.ToString();
    ClientConnection::Result result = co_await Answer(plan, exchange);
    unanswered.answered = true;
    co_return result;
  }
  Task<RawResult> Connect(RawOptions options, UpstreamFacts& facts) override {
    outcome_.raw = options;
    facts.host = *Address::Ip("10.0.0.1", static_cast<uint16_t>(++outcome_.tries));
    co_return first_.error.value_or(ExchangeError());
  }
  std::unique_ptr<RetryToken> TakeRetry(Priority) override {
    return retries_ < first_.retries_allowed ? std::make_unique<CountedToken>(retries_) : nullptr;
  }
  void NoteTimeout(const UpstreamFacts&) override { ++outcome_.timeouts; }

 private:
  Task<ClientConnection::Result> SendMirror(Request request, AttemptOptions options) {
    const UpstreamPlan& plan = first_.mirror.empty() ? first_ : first_.mirror.front();
    Mirrored& mirrored = *outcome_.mirrored.emplace_back(std::make_unique<Mirrored>());
    mirrored.to = name_;
    mirrored.fields = FieldsOf(request.headers());
    mirrored.options = options;
    if (plan.reads_request) mirrored.body = (co_await ReadAll(request.body(), 1 << 20)).data.ToString();
    ClientConnection::Result result = co_await Answer(plan, request.info());
    mirrored.ended = true;
    co_return result;
  }

  static Task<ClientConnection::Result> Answer(const UpstreamPlan& plan, Exchange& exchange) {
    if (!plan.error) exchange.upstream.protocol = "HTTP/1.1";
    exchange.upstream.waits_since = exchange.loop().NowUs();
    if (plan.delay.count() > 0) co_await Sleep(exchange.loop(), plan.delay);
    if (plan.error) co_return *plan.error;
    Response response(plan.status);
    for (const auto& [field, value] : plan.headers) response.headers().Add(field, value);
    response.set_body(MakeLateBody(exchange.loop(), plan.body_delay, plan.body));
    co_return response;
  }

  std::string name_;
  const UpstreamPlan& first_;
  RouterOutcome& outcome_;
  uint32_t& retries_;  // under way
};

class PlannedClusters final : public ClusterManager {
 public:
  PlannedClusters(const UpstreamPlan& plan, RouterOutcome& outcome) : plan_(plan), outcome_(outcome) {}
  Cluster* Find(std::string_view name) override {
    if (name.starts_with("missing")) return nullptr;
    clusters_.push_back(std::make_unique<PlannedCluster>(std::string(name), plan_, outcome_, retries_));
    return clusters_.back().get();
  }
  Errands& errands() override { return errands_; }

 private:
  const UpstreamPlan& plan_;
  RouterOutcome& outcome_;
  uint32_t retries_ = 0;
  std::vector<std::unique_ptr<PlannedCluster>> clusters_;  // all, for exchanges name theirs
  Errands errands_;
};

Task<void> Serve(const HttpFilter& router, Request request, RouterOutcome& outcome) {
  Response response = co_await router.Handle(std::move(request), Next(nullptr));
  outcome.status = response.status();
  outcome.headers = FieldsOf(response.headers());
  if (response.local() != nullptr) outcome.detail = response.local()->detail;
  WholeBody body = co_await ReadAll(response.body(), 1 << 20);
  outcome.body = body.data.ToString();
  if (body.error != nullptr) outcome.body_error = body.error->detail;
}

void Run(FakeLoop& loop, Task<void>& task) {
  task.Start();
  for (;;) {
    loop.RunOnce();
    if (task.done()) return;
    if (loop.wheel().armed() == 0) {
      ADD_FAILURE() << "the router waits for nothing that could happen";
      return;
    }
    loop.Advance(std::chrono::milliseconds(loop.wheel().NextDelay()));
  }
}

// Until nothing is left of what belongs to no exchange.
void RunErrands(FakeLoop& loop, ClusterManager& clusters) {
  for (loop.RunOnce(); clusters.errands().size() > 0; loop.RunOnce()) {
    if (loop.wheel().armed() == 0) {
      ADD_FAILURE() << "an errand waits for nothing that could happen";
      return;
    }
    loop.Advance(std::chrono::milliseconds(loop.wheel().NextDelay()));
  }
}

}  // namespace

std::string Mirrored::Sent(std::string_view name) const {
  return RouterOutcome::Values(fields, name);
}

std::string RouterOutcome::Values(const std::vector<std::pair<std::string, std::string>>& fields,
                                  std::string_view name) {
  std::string values;
  for (const auto& [field, value] : fields) {
    if (field == name) values += (values.empty() ? "" : " ") + value;
  }
  return values;
}

std::string OneRoute(const std::string& fields) {
  return "validate_clusters: false\nvirtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: "
         "/}, " +
         fields + "}]}]\n";
}

RouterOutcome Ask(const RouterQuestion& question, const UpstreamPlan& plan) {
  RouterOutcome outcome;
  TextTable table(question.routes);
  std::string errors;
  auto router = Make(RouterFilter(), Parse<RouterConfig>(question.router), &errors);
  if (table.table() == nullptr || router == nullptr) {
    ADD_FAILURE() << table.findings() << errors;
    return outcome;
  }
  FakeLoop loop;
  const ConnectionFacts facts;
  PlannedClusters clusters(plan, outcome);
  {
    Exchange exchange(loop, facts);
    exchange.request_headers = RequestHeaders(question.fields);
    exchange.clusters = &clusters;
    exchange.internal = question.internal;
    exchange.random = question.random;
    exchange.max_duration = question.max_duration;
    exchange.times.start = loop.NowUs();
    const CompiledRoute* route = table.table()->Match({exchange.request_headers, &exchange, question.random});
    if (route == nullptr) {
      ADD_FAILURE() << "no route takes the request";
      return outcome;
    }
    exchange.set_route(*route);
    const uint64_t start = loop.NowMs();
    Body body = !question.body.empty() ? Body(question.body)
                : question.request_takes.count() == 0
                    ? Body()
                    : MakeLateBody(loop, question.request_takes, "upload", &exchange.times.request_end);
    Task<void> task = Serve(*router, Request(std::move(body), exchange), outcome);
    Run(loop, task);
    outcome.took = std::chrono::milliseconds(loop.NowMs() - start);
    outcome.flags = exchange.flags();
  }
  RunErrands(loop, clusters);
  EXPECT_EQ(loop.wheel().armed(), 0u) << "a timer was left behind";
  return outcome;
}

}  // namespace narthex::testing
