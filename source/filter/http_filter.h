#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/coro/task.h"
#include "source/http/exchange.h"
#include "source/http/message.h"

namespace narthex {

class HttpFilter;

// One entry of a compiled chain: a filter with the name that the configuration gave it.
struct ChainEntry {
  std::string name;
  std::shared_ptr<const HttpFilter> filter;
};
// The filters of a request in the order in which they see it; the last one answers (the router). Immutable.
using FilterChain = std::vector<ChainEntry>;
using UpgradeChains = std::vector<std::shared_ptr<const FilterChain>>;

// The rest of the chain behind a filter. A value of one pointer; valid for the exchange.
class Next {
 public:
  explicit Next(const ChainEntry* entry) : entry_(entry) {}
  // Hands the request to the next filter and returns its response at the head. Call it at most once.
  Task<Response> operator()(Request request) const;

 private:
  const ChainEntry* entry_;
};

// A filter: one function. One object per configuration, immutable, shared by all requests and workers;
// per-request state lives in the coroutine's frame.
class HttpFilter {
 public:
  virtual ~HttpFilter() = default;
  // Answers the request, or hands it on with `next` and may change what comes back. A request body may be
  // wrapped with set_body, a response's likewise; the wrapper must own what it needs, since this frame ends
  // when the head is returned.
  virtual Task<Response> Handle(Request request, Next next) const = 0;
};

inline Task<Response> Next::operator()(Request request) const {
  return entry_->filter->Handle(std::move(request), Next(entry_ + 1));
}

}  // namespace narthex
