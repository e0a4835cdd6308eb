#include "filters/buffer/buffer.h"

#include <optional>
#include <string>
#include <utility>

#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "source/config/unpack.h"
#include "source/stats/stats.h"

namespace narthex {
namespace {

namespace v3 = envoy::extensions::filters::http::buffer::v3;

// Nothing: the route switches buffering off.
struct BufferRoute : RouteFilterConfig {
  std::optional<uint64_t> limit;
};

class Buffering : public HttpFilter {
 public:
  Buffering(std::string name, uint64_t limit, Counter too_large)
      : name_(std::move(name)), limit_(limit), too_large_(too_large) {}

  Task<Response> Handle(Request request, Next next) const override {
    const BufferRoute* route = request.route().Config<BufferRoute>(name_);
    const std::optional<uint64_t> limit = route == nullptr ? limit_ : route->limit;
    if (!limit || request.body().empty()) co_return co_await next(std::move(request));
    // A declared length is refused before a byte of the body is read.
    if (request.body().length().value_or(0) > *limit) co_return TooLarge();

    WholeBody whole = co_await ReadAll(request.body(), *limit, &request.info());
    if (whole.error != nullptr) {
      if (whole.error->detail == "too_large") co_return TooLarge();
      co_return LocalReplyFor(std::move(*whole.error));
    }
    // Trailers need chunks (RFC 9112 section 7.1.2), so only a body without them gets a length.
    if (whole.trailers == nullptr && !request.headers().Has(Header::kContentLength)) {
      request.headers().Set(Header::kContentLength, std::to_string(whole.data.size()));
    }
    Body body(std::move(whole.data));
    body.set_trailers(std::move(whole.trailers));
    request.set_body(std::move(body));
    co_return co_await next(std::move(request));
  }

 private:
  Response TooLarge() const {
    too_large_.Add();
    return LocalReply(413, "request_payload_too_large", "Payload Too Large");
  }

  const std::string name_;
  const uint64_t limit_;
  const Counter too_large_;
};

std::shared_ptr<const HttpFilter> Make(const google::protobuf::Any& any, FilterContext& context) {
  absl::StatusOr<v3::Buffer> config = Unpack<v3::Buffer>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  return std::make_shared<Buffering>(
      context.filter_name, config->max_request_bytes().value(),
      StatsStore::Process().MakeCounter(context.stat_prefix + "downstream_rq_too_large"));
}

std::shared_ptr<const RouteFilterConfig> MakeRoute(const google::protobuf::Any& any, FilterContext& context) {
  absl::StatusOr<v3::BufferPerRoute> config = Unpack<v3::BufferPerRoute>(any, context.path);
  context.diagnostics.AddStatus(config.status());
  if (!config.ok()) return nullptr;
  auto route = std::make_shared<BufferRoute>();
  if (!config->disabled()) route->limit = config->buffer().max_request_bytes().value();
  return route;
}

}  // namespace

FilterFactory BufferFilter() {
  return {.name = "envoy.filters.http.buffer",
          .type = "envoy.extensions.filters.http.buffer.v3.Buffer",
          .route_type = "envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
          .make = &Make,
          .make_route = &MakeRoute};
}

}  // namespace narthex
