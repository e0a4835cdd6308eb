#include "filters/router/kept_body.h"

#include <utility>

namespace narthex {
namespace {

// Of this worker's requests.
thread_local size_t kept_by_worker = 0;

std::unique_ptr<HeaderMap> CloneOf(const HeaderMap* trailers) {
  return trailers == nullptr ? nullptr : std::make_unique<HeaderMap>(trailers->Clone());
}

}  // namespace

// What follows the bytes that are kept, for one try.
class KeptBody::Source final : public BodySource {
 public:
  explicit Source(std::shared_ptr<KeptBody> kept) : kept_(std::move(kept)) {}

  Task<BodyPiece> Read() override {
    kept_->reading_ = true;
    BodyPiece piece = co_await kept_->rest_.Read();
    kept_->reading_ = false;
    kept_->Keep(piece);
    co_return piece;
  }

 private:
  const std::shared_ptr<KeptBody> kept_;
};

std::shared_ptr<KeptBody> KeptBody::Make(Body body, uint64_t limit, Exchange& exchange) {
  return std::shared_ptr<KeptBody>(new KeptBody(std::move(body), limit, exchange));
}

KeptBody::KeptBody(Body body, uint64_t limit, Exchange& exchange)
    : rest_(std::move(body)),
      length_(rest_.length()),
      absent_(rest_.absent()),
      limit_(limit),
      held_(exchange, &KeptBody::Held, this) {
  if (!rest_.complete()) return;
  BodyPiece all;
  all.end = true;
  all.trailers = CloneOf(rest_.trailers());
  all.data = rest_.TakeBuffered();
  // It is here in any case, and keeping it costs nothing.
  kept_ = std::move(all.data);
  kept_by_worker += kept_.size();
  trailers_ = std::move(all.trailers);
  ended_ = true;
}

KeptBody::~KeptBody() {
  Drop();
}

void KeptBody::Drop() {
  kept_by_worker -= kept_.size();
  kept_.Clear();
  trailers_.reset();
  keeping_ = false;
}

void KeptBody::Keep(const BodyPiece& piece) {
  if (!keeping_) return;
  const size_t size = piece.data.size();
  lost_ = piece.error != nullptr                            ? Lost::kInTransit
          : kept_.size() + size > limit_                    ? Lost::kTooLong
          : kept_by_worker + size > KeptBody::kWorkerBudget ? Lost::kBudget
                                                            : Lost::kNo;
  if (lost_ != Lost::kNo) return Drop();
  kept_.Append(piece.data.Share());
  kept_by_worker += size;
  if (!piece.end) return;
  ended_ = true;
  trailers_ = CloneOf(piece.trailers.get());
}

Body KeptBody::Whole() const {
  if (absent_ && trailers_ == nullptr) return Body();
  Body body(kept_.Share());
  if (trailers_ != nullptr) body.set_trailers(CloneOf(trailers_.get()));
  return body;
}

Body KeptBody::Again(const std::shared_ptr<KeptBody>& kept) {
  if (kept->ended_) return kept->Whole();
  return Body(kept->kept_.Share(), std::make_unique<Source>(kept), kept->length_);
}

}  // namespace narthex
