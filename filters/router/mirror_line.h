#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/coro/event.h"
#include "source/event/event_loop.h"
#include "source/http/message.h"

namespace narthex {

// The way of a request's body to one mirror, beside the way to its own cluster: what the mirror has not read
// yet waits here, without being copied, up to a limit of its own and one of the worker. The request waits for
// nothing: a mirror that falls behind loses the line. Loop-confined.
class MirrorLine : public std::enable_shared_from_this<MirrorLine> {
 public:
  // How much waits for all mirrors of a worker together.
  static constexpr size_t kWorkerBudget = 32 * 1024 * 1024;
  // Why the mirror can't have all of the body.
  enum class Lost : uint8_t { kNo, kLags, kBudget, kBrokenOff };
  // Told at a turn's end that it is lost; may destroy the reader.
  using OnLost = void (*)(void* context, Lost lost);

  // At most `limit` bytes wait.
  MirrorLine(EventLoop& loop, uint64_t limit);
  ~MirrorLine();
  MirrorLine(const MirrorLine&) = delete;

  // For a body that is here as a whole and does not go by the line: counts its bytes for as long as this
  // lives. False when that is too much.
  bool Hold(size_t bytes);

  // The request's side: the next piece, which is shared.
  void Put(const BodyPiece& piece);
  // There will be no other; does nothing behind the last one.
  void BreakOff();

  // The mirror's side. `on_lost` is called once, unless the reader is gone by then; `*ended_us` becomes the
  // time at which the last piece came. Both outlive the reader.
  Body Read(std::optional<uint64_t> length, uint64_t* ended_us, OnLost on_lost, void* context);

 private:
  class Source;
  void Lose(Lost lost);
  void Close();
  BodyPiece TakeAll();
  static void OnTurnEnd(void* self);

  EventLoop& loop_;
  const uint64_t limit_;
  TurnEnd turn_end_;
  Event arrived_;
  Buffer waiting_;
  std::unique_ptr<HeaderMap> trailers_;
  size_t held_ = 0;
  uint64_t* ended_us_ = nullptr;
  OnLost on_lost_ = nullptr;  // null: nobody reads
  void* context_ = nullptr;
  bool ended_ = false;
  Lost lost_ = Lost::kNo;
};

// The same body, whose pieces go by `lines`, too, as they are read. What is not read goes nowhere: a body
// that is dropped before its end breaks the lines off.
Body MirrorBody(Body body, std::vector<std::shared_ptr<MirrorLine>> lines);

}  // namespace narthex
