#include "filters/header_mutation/header_mutation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "filters/header_mutation/mutations.h"
#include "source/config/unpack.h"

namespace narthex {
namespace {

namespace v3 = envoy::extensions::filters::http::header_mutation::v3;

struct MutationRoute : RouteFilterConfig {
  std::shared_ptr<const Mutations> mutations;
};

using Section = FieldMutations Mutations::*;

// The mutations that apply to one request, in order: the filter's, then those of the route's levels. Borrows
// them: they live as long as the filter and the route.
class Applied {
 public:
  static constexpr size_t kMost = 5;  // filter, route table, virtual host, route, weighted cluster

  void Push(const std::shared_ptr<const Mutations>& mutations) {
    if (count_ < kMost) all_[count_++] = &mutations;
  }
  // Turns the order of all but the first around.
  void ReverseRoute() { std::reverse(all_.begin() + 1, all_.begin() + count_); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.begin() + count_; }

  // Whether any of them changes that section.
  bool Any(Section section) const {
    return std::any_of(begin(), end(), [&](const auto* m) { return !(m->get()->*section).empty(); });
  }
  // Whether any value in that section depends on the exchange.
  bool NeedsContext(Section section) const {
    return std::any_of(begin(), end(), [&](const auto* m) { return !(m->get()->*section).is_literal(); });
  }
  void Apply(Section section, HeaderMap& headers, const FormatContext& context) const {
    for (const auto* mutations : *this) (mutations->get()->*section).Apply(headers, context);
  }

 private:
  std::array<const std::shared_ptr<const Mutations>*, kMost> all_ = {};
  size_t count_ = 0;
};

FormatContext ContextOf(const Exchange& exchange, const HeaderMap* response) {
  FormatContext context;
  context.exchange = &exchange;
  context.request = &exchange.request_headers;
  context.response = response;
  return context;
}

// Passes a body through and changes its trailers. Owns all that it needs but the exchange, which outlives it.
class TrailerMutation : public BodySource {
 public:
  // `response` is a copy of the response's head when values may ask for it.
  TrailerMutation(Body body, const Applied& applied, Section section, const Exchange& exchange,
                  std::optional<HeaderMap> response)
      : body_(std::move(body)), section_(section), exchange_(exchange), response_(std::move(response)) {
    for (const auto* mutations : applied) mutations_.push_back(*mutations);
  }

  Task<BodyPiece> Read() override {
    BodyPiece piece = co_await body_.Read();
    if (piece.trailers == nullptr) co_return piece;
    FormatContext context = ContextOf(exchange_, response_ ? &*response_ : nullptr);
    context.trailers = piece.trailers.get();
    for (const auto& mutations : mutations_) (mutations.get()->*section_).Apply(*piece.trailers, context);
    co_return piece;
  }

 private:
  Body body_;
  std::vector<std::shared_ptr<const Mutations>> mutations_;
  const Section section_;
  const Exchange& exchange_;
  const std::optional<HeaderMap> response_;
};

// Whether a message with this body may still get trailers.
bool MayHaveTrailers(const Body& body) {
  return !body.complete() || body.trailers() != nullptr;
}

Body WithTrailers(Body body, const Applied& applied, Section section, const Exchange& exchange,
                  std::optional<HeaderMap> response) {
  const std::optional<uint64_t> length = body.length();
  auto source =
      std::make_unique<TrailerMutation>(std::move(body), applied, section, exchange, std::move(response));
  return Body(Buffer(), std::move(source), length);
}

class HeaderMutating : public HttpFilter {
 public:
  HeaderMutating(std::string name, std::shared_ptr<const Mutations> mutations, bool most_specific_wins)
      : name_(std::move(name)), mutations_(std::move(mutations)), most_specific_wins_(most_specific_wins) {}

  Task<Response> Handle(Request request, Next next) const override {
    const Applied applied = Choose(request.route());
    Exchange& exchange = request.info();
    MutateRequest(request, applied);
    Response response = co_await next(std::move(request));

    // What the mutations may ask for; a later filter may change it yet.
    exchange.response_status = response.status();
    if (response.local() != nullptr) exchange.response_details = response.local()->detail;
    applied.Apply(&Mutations::response, response.headers(), ContextOf(exchange, &response.headers()));
    if (applied.Any(&Mutations::response_trailers) && MayHaveTrailers(response.body())) {
      std::optional<HeaderMap> head;
      if (applied.NeedsContext(&Mutations::response_trailers)) head = response.headers().Clone();
      response.set_body(WithTrailers(std::move(response.body()), applied, &Mutations::response_trailers,
                                     exchange, std::move(head)));
    }
    co_return response;
  }

 private:
  Applied Choose(const Route& route) const {
    Applied applied;
    applied.Push(mutations_);
    // The route lists the most specific first: so they apply, unless the most specific is to have the last
    // word.
    for (const auto& [name, config] : route.filter_configs) {
      if (name != name_) continue;
      const auto* level = dynamic_cast<const MutationRoute*>(config.get());
      if (level != nullptr) applied.Push(level->mutations);
    }
    if (most_specific_wins_) applied.ReverseRoute();
    return applied;
  }

  static void MutateRequest(Request& request, const Applied& applied) {
    const FormatContext context = ContextOf(request.info(), nullptr);
    for (const auto* mutations : applied) {
      (*mutations)->request.Apply(request.headers(), context);
      if ((*mutations)->query.empty()) continue;
      request.headers().Set(Header::kPath, MutateQuery(request.path(), (*mutations)->query, context));
    }
    if (applied.Any(&Mutations::request_trailers) && MayHaveTrailers(request.body())) {
      request.set_body(WithTrailers(std::move(request.body()), applied, &Mutations::request_trailers,
                                    request.info(), std::nullopt));
    }
  }

  const std::string name_;
  const std::shared_ptr<const Mutations> mutations_;
  const bool most_specific_wins_;
};

std::shared_ptr<const HttpFilter> Make(const google::protobuf::Any& any, FilterContext& context) {
  absl::StatusOr<v3::HeaderMutation> config = Unpack<v3::HeaderMutation>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  auto mutations =
      Mutations::Compile(config->mutations(), context.path.Field("mutations"), context.diagnostics);
  if (mutations == nullptr) return nullptr;
  return std::make_shared<HeaderMutating>(context.filter_name, std::move(mutations),
                                          config->most_specific_header_mutations_wins());
}

std::shared_ptr<const RouteFilterConfig> MakeRoute(const google::protobuf::Any& any, FilterContext& context) {
  absl::StatusOr<v3::HeaderMutationPerRoute> config = Unpack<v3::HeaderMutationPerRoute>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  auto route = std::make_shared<MutationRoute>();
  route->mutations =
      Mutations::Compile(config->mutations(), context.path.Field("mutations"), context.diagnostics);
  return route->mutations == nullptr ? nullptr : route;
}

}  // namespace

FilterFactory HeaderMutationFilter() {
  return {.name = "envoy.filters.http.header_mutation",
          .type = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
          .route_type = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute",
          .make = &Make,
          .make_route = &MakeRoute};
}

}  // namespace narthex
