#include "filters/router/mirror_line.h"

#include <utility>

namespace narthex {
namespace {

// Of this worker's mirrors.
thread_local size_t waiting_in_worker = 0;

class MirroredBody final : public BodySource {
 public:
  MirroredBody(Body body, std::vector<std::shared_ptr<MirrorLine>> lines)
      : body_(std::move(body)), lines_(std::move(lines)) {}
  ~MirroredBody() override {
    for (const auto& line : lines_) line->BreakOff();
  }

  Task<BodyPiece> Read() override {
    BodyPiece piece = co_await body_.Read();
    for (const auto& line : lines_) line->Put(piece);
    co_return piece;
  }

 private:
  Body body_;
  const std::vector<std::shared_ptr<MirrorLine>> lines_;
};

}  // namespace

class MirrorLine::Source final : public BodySource {
 public:
  explicit Source(std::shared_ptr<MirrorLine> line) : line_(std::move(line)) {}
  ~Source() override { line_->Close(); }

  Task<BodyPiece> Read() override {
    while (line_->waiting_.empty() && !line_->ended_) {
      line_->arrived_.Reset();
      co_await line_->arrived_.Wait();
    }
    co_return line_->TakeAll();
  }

 private:
  const std::shared_ptr<MirrorLine> line_;
};

MirrorLine::MirrorLine(EventLoop& loop, uint64_t limit)
    : loop_(loop), limit_(limit), turn_end_(&MirrorLine::OnTurnEnd, this) {}

MirrorLine::~MirrorLine() {
  waiting_in_worker -= waiting_.size() + held_;
}

bool MirrorLine::Hold(size_t bytes) {
  if (waiting_in_worker + bytes > kWorkerBudget) return false;
  held_ += bytes;
  waiting_in_worker += bytes;
  return true;
}

void MirrorLine::Put(const BodyPiece& piece) {
  if (on_lost_ == nullptr || lost_ != Lost::kNo) return;
  if (piece.error != nullptr) return Lose(Lost::kBrokenOff);
  const size_t size = piece.data.size();
  if (waiting_.size() + size > limit_) return Lose(Lost::kLags);
  if (waiting_in_worker + size > kWorkerBudget) return Lose(Lost::kBudget);
  waiting_.Append(piece.data.Share());
  waiting_in_worker += size;
  if (piece.end) {
    ended_ = true;
    *ended_us_ = loop_.NowUs();
    if (piece.trailers != nullptr) trailers_ = std::make_unique<HeaderMap>(piece.trailers->Clone());
  }
  loop_.AtTurnEnd(turn_end_);
}

void MirrorLine::BreakOff() {
  if (!ended_ && on_lost_ != nullptr && lost_ == Lost::kNo) Lose(Lost::kBrokenOff);
}

void MirrorLine::Lose(Lost lost) {
  lost_ = lost;
  waiting_in_worker -= waiting_.size();
  waiting_.Clear();
  loop_.AtTurnEnd(turn_end_);
}

void MirrorLine::Close() {
  on_lost_ = nullptr;
  waiting_in_worker -= waiting_.size();
  waiting_.Clear();
  turn_end_.Cancel();
}

BodyPiece MirrorLine::TakeAll() {
  BodyPiece piece;
  waiting_in_worker -= waiting_.size();
  piece.data = std::move(waiting_);
  piece.end = ended_;
  piece.trailers = std::move(trailers_);
  return piece;
}

// The reader goes on from here, so that the request never waits for what it does.
void MirrorLine::OnTurnEnd(void* self) {
  const auto line = static_cast<MirrorLine*>(self)->shared_from_this();
  if (line->lost_ == Lost::kNo) return line->arrived_.Set();
  if (line->on_lost_ != nullptr) line->on_lost_(line->context_, line->lost_);
}

Body MirrorLine::Read(std::optional<uint64_t> length, uint64_t* ended_us, OnLost on_lost, void* context) {
  ended_us_ = ended_us;
  on_lost_ = on_lost;
  context_ = context;
  return Body(Buffer(), std::make_unique<Source>(shared_from_this()), length);
}

Body MirrorBody(Body body, std::vector<std::shared_ptr<MirrorLine>> lines) {
  const std::optional<uint64_t> length = body.length();
  return Body(Buffer(), std::make_unique<MirroredBody>(std::move(body), std::move(lines)), length);
}

}  // namespace narthex
