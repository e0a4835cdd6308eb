#pragma once

#include <chrono>
#include <cstdint>

#include "source/event/event_loop.h"
#include "source/http/message.h"
#include "source/stats/stats.h"

namespace narthex {

// Until when one try must have brought a response's head: `timeout` after the request's last byte, and `idle`
// after that or after there was a connection, whichever came later. Zero is no limit. A copyable value; both
// exchanges outlive it.
class TryDeadline {
 public:
  enum class Limit : uint8_t { kNone, kTotal, kIdle };

  // Made when the try begins, on `tried`. `complete`: all of the request is here, and `request` knows
  // otherwise when it is.
  TryDeadline(const Exchange& request, const Exchange& tried, std::chrono::milliseconds timeout,
              std::chrono::milliseconds idle, bool complete)
      : request_(&request),
        tried_(&tried),
        timeout_(timeout),
        idle_(idle),
        begun_(tried.loop().NowUs()),
        complete_(complete) {}

  bool limited() const { return timeout_.count() > 0 || idle_.count() > 0; }
  // Time to the next moment at which it may have passed; zero when it has. REQUIRES: limited().
  std::chrono::milliseconds Left() const;
  // Which of the two has passed.
  Limit passed() const;

 private:
  // When the request was there, for this try; 0: it is not.
  uint64_t SentUs() const;
  std::chrono::milliseconds LeftOfTotal() const;
  std::chrono::milliseconds LeftOfIdle() const;

  const Exchange* request_;
  const Exchange* tried_;
  std::chrono::milliseconds timeout_, idle_;
  uint64_t begun_;
  bool complete_;
};

// A body each of whose pieces must come within `idle`; it fails with upstream_per_try_idle_timeout, which
// counts in `timeouts`, when one does not.
Body BoundEachPiece(Body body, std::chrono::milliseconds idle, Exchange& exchange, Counter timeouts);

}  // namespace narthex
