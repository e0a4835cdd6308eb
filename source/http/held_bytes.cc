#include "source/http/held_bytes.h"

#include "source/http/exchange.h"

namespace narthex {

HeldBytes::HeldBytes(Exchange& exchange, Count count, const void* owner)
    : count_(count), owner_(owner), next_(exchange.held_bytes.first_), link_(&exchange.held_bytes.first_) {
  if (next_ != nullptr) next_->link_ = &next_;
  *link_ = this;
}

void HeldBytes::Unlink() {
  if (link_ == nullptr) return;
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  link_ = nullptr;
}

HeldBytesList::~HeldBytesList() {
  while (first_ != nullptr) first_->Unlink();
}

size_t HeldBytesList::Total() const {
  size_t total = 0;
  for (const HeldBytes* held = first_; held != nullptr; held = held->next_)
    total += held->count_(held->owner_);
  return total;
}

}  // namespace narthex
