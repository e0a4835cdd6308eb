#include "source/tls/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace narthex {
namespace {

constexpr size_t kKeyBytes = 80;

std::chrono::seconds SteadySeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

std::optional<TicketKey> MakeKey() {
  TicketKey key;
  const bool made = RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
                    RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1 &&
                    RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1;
  if (!made) return std::nullopt;
  return key;
}

}  // namespace

TicketKey::~TicketKey() {
  OPENSSL_cleanse(mac.data(), mac.size());
  OPENSSL_cleanse(cipher.data(), cipher.size());
}

TicketKeys::TicketKeys(Clock clock, std::vector<TicketKey> keys)
    : clock_(std::move(clock)),
      keys_(std::make_shared<const std::vector<TicketKey>>(std::move(keys))),
      made_(clock_ ? clock_() : std::chrono::seconds(0)) {}

std::shared_ptr<TicketKeys> TicketKeys::MakeRotating(Clock clock) {
  const std::optional<TicketKey> first = MakeKey();
  if (!first) return nullptr;
  if (!clock) clock = &SteadySeconds;
  return std::shared_ptr<TicketKeys>(new TicketKeys(std::move(clock), {*first}));
}

absl::StatusOr<std::shared_ptr<TicketKeys>> TicketKeys::MakeFixed(const std::vector<std::string>& keys,
                                                                  size_t& wrong) {
  std::vector<TicketKey> list;
  for (wrong = 0; wrong < keys.size(); ++wrong) {
    const std::string& bytes = keys[wrong];
    if (bytes.size() != kKeyBytes) {
      return absl::InvalidArgumentError("has " + std::to_string(bytes.size()) + " bytes; a key has " +
                                        std::to_string(kKeyBytes));
    }
    TicketKey& key = list.emplace_back();
    std::memcpy(key.name.data(), bytes.data(), key.name.size());
    std::memcpy(key.mac.data(), bytes.data() + 16, key.mac.size());
    std::memcpy(key.cipher.data(), bytes.data() + 48, key.cipher.size());
  }
  if (list.empty()) return absl::InvalidArgumentError("no keys");
  return std::shared_ptr<TicketKeys>(new TicketKeys({}, std::move(list)));
}

TicketKeys::List TicketKeys::Current() {
  const std::lock_guard lock(mutex_);
  if (clock_) {
    const std::chrono::seconds now = clock_();
    if (now - made_ >= kRotation) Rotate(now);
  }
  return keys_;
}

void TicketKeys::Rotate(std::chrono::seconds now) {
  const std::optional<TicketKey> key = MakeKey();
  if (!key) return;
  // After a long pause the old keys are as old as if each rotation had been made in its time.
  const auto missed = static_cast<size_t>((now - made_) / kRotation);
  std::vector<TicketKey> next{*key};
  const size_t kept = missed > kKept ? 0 : std::min(keys_->size(), kKept + 1 - missed);
  next.insert(next.end(), keys_->begin(), keys_->begin() + static_cast<ptrdiff_t>(kept));
  keys_ = std::make_shared<const std::vector<TicketKey>>(std::move(next));
  made_ = now;
}

}  // namespace narthex
