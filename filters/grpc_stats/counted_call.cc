#include "filters/grpc_stats/counted_call.h"

#include <algorithm>
#include <utility>

#include "source/router/grpc_method_stats.h"
#include "source/substitution/grpc_status.h"

namespace narthex {
namespace {

constexpr std::string_view kProtocol = "grpc";
constexpr uint64_t kUnknown = 2;  // what a status that is no number means

void Advance(GrpcFrames& frames, const Buffer& data) {
  for (Buffer rest = data.Share(); !rest.empty(); rest.Consume(rest.Front().size())) {
    frames.AdvanceAll(rest.Front());
  }
}

}  // namespace

class CountedCall::CountedBody : public BodySource {
 public:
  CountedBody(Body body, CountedCall& call, GrpcFrames& frames)
      : body_(std::move(body)), call_(call), frames_(frames) {}

  Task<BodyPiece> Read() override {
    BodyPiece piece = co_await body_.Read();
    Advance(frames_, piece.data);
    if (piece.trailers != nullptr && &frames_ == &call_.responses_) call_.Note(*piece.trailers);
    co_return piece;
  }

 private:
  Body body_;
  CountedCall& call_;
  GrpcFrames& frames_;
};

CountedCall::CountedCall(Exchange& exchange, std::shared_ptr<const GrpcStatsRules> rules)
    : exchange_(exchange), rules_(std::move(rules)), path_(exchange.request_headers.Get(Header::kPath)) {}

// The statistics' name, "grpc" alone for the methods that are counted together; empty for what is no call.
// `known`: the configuration names it, or it is that one.
std::string CountedCall::Name(bool& known) const {
  GrpcMethod method = GrpcMethod::OfPath(path_);
  if (method.method.empty()) return {};
  std::string id(method.service);
  id.append("/").append(method.method);
  known = rules_->methods.contains(id);
  if (!known && !rules_->all_methods) {
    known = true;
    return std::string(kProtocol);
  }
  std::string service(method.service);
  if (rules_->replace_dots) std::replace(service.begin(), service.end(), '.', '_');
  method.service = service;
  return GrpcMethodStats::NameOf(kProtocol, method);
}

CountedCall::~CountedCall() {
  bool known = false;
  const std::string name = Name(known);
  const bool may_add = known || (status_ && GrpcMethodStats::MakesKnown(*status_));
  const GrpcMethodStats* stats = GrpcMethodStats::Of(ClusterStatName(exchange_), name, may_add);
  if (stats == nullptr) return;
  if (status_) stats->Count(*status_);
  stats->CountMessages(requests_.begun(), responses_.begun());
  const ExchangeTimes& times = exchange_.times;
  if (!rules_->upstream_time || !answered_ || times.response_end == 0) return;
  const uint64_t asked = std::max(times.request_end, times.upstream_start);
  stats->RecordTime(times.response_end > asked ? (times.response_end - asked) / 1000 : 0);
}

Body CountedCall::CountRequest(Body body) {
  return Count(std::move(body), requests_);
}

void CountedCall::CountResponse(Response& response) {
  if (response.local() != nullptr) {
    // The manager is yet to say so in the form of gRPC.
    status_ = GrpcStatusOfHttp(response.status());
    return Note(response.headers());
  }
  answered_ = true;
  Note(response.headers());
  if (response.body().trailers() != nullptr) Note(*response.body().trailers());
  response.set_body(Count(std::move(response.body()), responses_));
}

// One that is here whole stays so: it can be sent at once, or again.
Body CountedCall::Count(Body body, GrpcFrames& frames) {
  if (body.complete()) {
    Advance(frames, body.buffered());
    return body;
  }
  const std::optional<uint64_t> length = body.length();
  return Body(Buffer(), std::make_unique<CountedBody>(std::move(body), *this, frames), length);
}

void CountedCall::Note(const HeaderMap& fields) {
  const std::string_view text = fields.Get(Header::kGrpcStatus);
  if (text.data() != nullptr) status_ = ParseGrpcStatus(text).value_or(kUnknown);
}

}  // namespace narthex
