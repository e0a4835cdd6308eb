#pragma once

#include <cstddef>

namespace narthex {

class Exchange;

// Something that keeps bytes for an exchange, beside the codec of its client: a body that waits to be whole,
// to be sent again, or to be taken by the upstream. Counted when memory is short, and never before: for as
// long as this lives it only stands in the exchange's list. Either may go first. Loop-confined.
class HeldBytes {
 public:
  // How much `owner` keeps now.
  using Count = size_t (*)(const void* owner);
  HeldBytes(Exchange& exchange, Count count, const void* owner);
  ~HeldBytes() { Unlink(); }
  HeldBytes(const HeldBytes&) = delete;

 private:
  friend class HeldBytesList;
  void Unlink();

  const Count count_;
  const void* const owner_;
  HeldBytes* next_ = nullptr;
  HeldBytes** link_ = nullptr;  // what points to this; null once the exchange has gone
};

// Those of one exchange.
class HeldBytesList {
 public:
  HeldBytesList() = default;
  ~HeldBytesList();
  HeldBytesList(const HeldBytesList&) = delete;

  size_t Total() const;

 private:
  friend class HeldBytes;
  HeldBytes* first_ = nullptr;
};

}  // namespace narthex
