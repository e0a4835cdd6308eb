#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "source/http/held_bytes.h"
#include "source/http/message.h"

namespace narthex {

// A request's body that can be sent again: what was read of it is kept, without being copied, up to a limit
// of its own and one of the worker. Loop-confined.
class KeptBody {
 public:
  // How much all requests of a worker keep together.
  static constexpr size_t kWorkerBudget = 64 * 1024 * 1024;
  // Why it can't be sent again.
  enum class Lost : uint8_t { kNo, kTooLong, kBudget, kInTransit };

  // Of `exchange`; keeps at most `limit` bytes.
  static std::shared_ptr<KeptBody> Make(Body body, uint64_t limit, Exchange& exchange);
  ~KeptBody();
  KeptBody(const KeptBody&) = delete;

  // The body from its beginning, for one try. REQUIRES: lost() is kNo, and the body of the last try is not
  // read any more.
  static Body Again(const std::shared_ptr<KeptBody>& kept);
  Lost lost() const { return reading_ ? Lost::kInTransit : lost_; }
  // There will be no other try: keeps nothing from now on.
  void StopKeeping() { Drop(); }

 private:
  class Source;
  KeptBody(Body body, uint64_t limit, Exchange& exchange);
  static size_t Held(const void* self) { return static_cast<const KeptBody*>(self)->kept_.size(); }
  void Keep(const BodyPiece& piece);
  void Drop();
  // A piece that holds all that is kept.
  Body Whole() const;

  Body rest_;  // not read yet
  const std::optional<uint64_t> length_;
  const bool absent_;
  const uint64_t limit_;
  Buffer kept_;
  std::unique_ptr<HeaderMap> trailers_;
  bool keeping_ = true;
  bool ended_ = false;    // all of it is kept
  bool reading_ = false;  // a read has begun and not ended; its bytes are lost when it is called off
  Lost lost_ = Lost::kNo;
  const HeldBytes held_;
};

}  // namespace narthex
