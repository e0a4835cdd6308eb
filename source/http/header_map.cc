#include "source/http/header_map.h"

#include <cstring>
#include <new>
#include <type_traits>

#include "source/base/frame_pool.h"

namespace narthex {
namespace {

// What a gateway adds to a request fits into the first arena.
constexpr size_t kFirstArena = 256;
constexpr size_t kNextArena = 1024;
// Longer pieces get an arena of their own, and leave the present one to others.
constexpr size_t kOwnArena = 192;

static_assert(std::is_trivially_copyable_v<HeaderMap::Field>);
static_assert(sizeof(HeaderMap) <= 160);

char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

// An arena, with its bytes behind the struct, or only a pinned block.
struct HeaderMap::Storage {
  Storage* next;
  size_t size;  // as taken from FramePool
  BlockRef pinned;
};

HeaderMap::HeaderMap(HeaderMap&& other) noexcept {
  Steal(other);
}

HeaderMap& HeaderMap::operator=(HeaderMap&& other) noexcept {
  if (this == &other) return *this;
  Release();
  Steal(other);
  return *this;
}

HeaderMap::~HeaderMap() {
  Release();
}

HeaderMap HeaderMap::Clone() const {
  HeaderMap copy;
  for (const Field& field : *this) {
    const std::string_view name =
        field.known == Header::kUnknown ? copy.Copy(field.name) : HeaderName(field.known);
    copy.Append(field.known, name, copy.Copy(field.value));
  }
  return copy;
}

std::string_view HeaderMap::Get(Header header) const {
  const size_t at = Find(header);
  return at == kNone ? std::string_view() : fields_[at].value;
}

std::string_view HeaderMap::Get(std::string_view name) const {
  const size_t at = FindNamed(name, 0);
  return at == kNone ? std::string_view() : fields_[at].value;
}

size_t HeaderMap::Count(Header header) const {
  size_t found = 0;
  for (size_t at = Find(header); at != kNone; at = FindFrom(header, at + 1)) ++found;
  return found;
}

size_t HeaderMap::Count(std::string_view name) const {
  size_t found = 0;
  for (size_t at = FindNamed(name, 0); at != kNone; at = FindNamed(name, at + 1)) ++found;
  return found;
}

void HeaderMap::Add(std::string_view name, std::string_view value) {
  char* copy = Allocate(name.size());
  for (size_t i = 0; i < name.size(); ++i) copy[i] = ToLower(name[i]);
  const std::string_view lower(copy, name.size());
  Append(FindHeader(lower), lower, Copy(value));
}

void HeaderMap::Add(Header header, std::string_view value) {
  Append(header, HeaderName(header), Copy(value));
}

void HeaderMap::Set(std::string_view name, std::string_view value) {
  if (const Header known = FindHeader(name); known != Header::kUnknown) {
    Set(known, value);
    return;
  }
  const size_t first = FindNamed(name, 0);
  if (first == kNone) {
    Add(name, value);
    return;
  }
  fields_[first].value = Copy(value);
  for (size_t at = first; (at = FindNamed(name, at + 1)) != kNone;) RemoveAt(at);
}

void HeaderMap::Set(Header header, std::string_view value) {
  const size_t first = Find(header);
  if (first == kNone) {
    Add(header, value);
    return;
  }
  fields_[first].value = Copy(value);
  for (size_t at = first; (at = FindFrom(header, at + 1)) != kNone;) RemoveAt(at);
}

size_t HeaderMap::Remove(std::string_view name) {
  size_t removed = 0;
  for (size_t at = FindNamed(name, 0); at != kNone; at = FindNamed(name, at + 1)) {
    RemoveAt(at);
    ++removed;
  }
  return removed;
}

size_t HeaderMap::Remove(Header header) {
  size_t removed = 0;
  for (size_t at; (at = Find(header)) != kNone; ++removed) RemoveAt(at);
  return removed;
}

void HeaderMap::AppendToList(Header header, std::string_view value) {
  const size_t at = Find(header);
  if (at == kNone) {
    Add(header, value);
    return;
  }
  const std::string_view old = fields_[at].value;
  if (old.empty()) {
    fields_[at].value = Copy(value);
    return;
  }
  const size_t total = old.size() + 1 + value.size();
  char* joined = Allocate(total);
  std::memcpy(joined, old.data(), old.size());
  joined[old.size()] = ',';
  if (!value.empty()) std::memcpy(joined + old.size() + 1, value.data(), value.size());
  fields_[at].value = std::string_view(joined, total);
}

void HeaderMap::Pin(BlockRef block) {
  if (!block || block.get() == pinned_.get()) return;
  if (!pinned_) {
    pinned_ = std::move(block);
    return;
  }
  storage_ = new (FramePool::Take(sizeof(Storage))) Storage{storage_, sizeof(Storage), std::move(block)};
}

char* HeaderMap::Allocate(size_t bytes) {
  if (bytes > arena_left_) {
    const bool own = bytes > kOwnArena;
    const size_t whole = own ? sizeof(Storage) + bytes : storage_ == nullptr ? kFirstArena : kNextArena;
    storage_ = new (FramePool::Take(whole)) Storage{storage_, whole, {}};
    char* memory = reinterpret_cast<char*>(storage_ + 1);
    if (own) return memory;
    arena_ = memory;
    arena_left_ = static_cast<uint32_t>(whole - sizeof(Storage));
  }
  char* memory = arena_;
  arena_ += bytes;
  arena_left_ -= static_cast<uint32_t>(bytes);
  return memory;
}

size_t HeaderMap::ByteSize() const {
  size_t bytes = 0;
  for (const Field& field : *this) bytes += field.name.size() + field.value.size();
  return bytes;
}

void HeaderMap::Clear() {
  Release();
}

size_t HeaderMap::Find(Header header) const {
  const uint16_t entry = index_[static_cast<size_t>(header)];
  if (entry == 0) return kNone;
  return entry == kFarAway ? FindFrom(header, kFarAway - 1) : entry - 1;
}

size_t HeaderMap::FindFrom(Header header, size_t from) const {
  for (size_t at = from; at < count_; ++at) {
    if (fields_[at].known == header && fields_[at].name.data() != nullptr) return at;
  }
  return kNone;
}

size_t HeaderMap::FindNamed(std::string_view name, size_t from) const {
  const Header known = FindHeader(name);
  if (known != Header::kUnknown) return from == 0 ? Find(known) : FindFrom(known, from);
  for (size_t at = from; at < count_; ++at) {
    const Field& field = fields_[at];
    if (field.known == Header::kUnknown && field.name.data() != nullptr && field.name == name) return at;
  }
  return kNone;
}

void HeaderMap::RemoveAt(size_t at) {
  const Header known = fields_[at].known;
  fields_[at].name = {};
  --live_;
  if (known == Header::kUnknown) return;
  uint16_t& entry = index_[static_cast<size_t>(known)];
  // Only the first field of a name is in the index.
  if (entry != kFarAway && entry != at + 1) return;
  const size_t next = FindFrom(known, entry == kFarAway ? kFarAway - 1 : at + 1);
  entry = next == kNone ? 0 : next + 1 < kFarAway ? static_cast<uint16_t>(next + 1) : kFarAway;
}

void HeaderMap::Grow() {
  const uint32_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
  auto* fields = static_cast<Field*>(FramePool::Take(capacity * sizeof(Field)));
  if (fields_ != nullptr) {
    std::memcpy(static_cast<void*>(fields), fields_, count_ * sizeof(Field));
    FramePool::Give(fields_, capacity_ * sizeof(Field));
  }
  fields_ = fields;
  capacity_ = capacity;
}

// REQUIRES: this map holds nothing.
void HeaderMap::Steal(HeaderMap& other) {
  fields_ = std::exchange(other.fields_, nullptr);
  count_ = std::exchange(other.count_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  live_ = std::exchange(other.live_, 0);
  arena_left_ = std::exchange(other.arena_left_, 0);
  arena_ = std::exchange(other.arena_, nullptr);
  index_ = std::exchange(other.index_, {});
  storage_ = std::exchange(other.storage_, nullptr);
  pinned_ = std::move(other.pinned_);
}

void HeaderMap::Release() {
  if (fields_ != nullptr) FramePool::Give(fields_, capacity_ * sizeof(Field));
  while (storage_ != nullptr) {
    Storage* storage = std::exchange(storage_, storage_->next);
    const size_t size = storage->size;
    storage->~Storage();
    FramePool::Give(storage, size);
  }
  fields_ = nullptr;
  count_ = capacity_ = live_ = arena_left_ = 0;
  arena_ = nullptr;
  index_ = {};
  pinned_ = {};
}

std::string_view HeaderMap::Copy(std::string_view bytes) {
  if (bytes.empty()) return "";
  char* copy = Allocate(bytes.size());
  std::memcpy(copy, bytes.data(), bytes.size());
  return {copy, bytes.size()};
}

}  // namespace narthex
