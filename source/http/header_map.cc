#include "source/http/header_map.h"

#include <cstring>
#include <new>
#include <type_traits>

#include "source/base/frame_pool.h"

namespace narthex {
namespace {

constexpr size_t kNextArena = 1024;
// Longer pieces get an arena of their own, and leave the present one to others.
constexpr size_t kOwnArena = 192;

static_assert(std::is_trivially_copyable_v<HeaderMap::Field>);
static_assert(sizeof(HeaderMap) == sizeof(void*));

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

HeaderMap::Rep::~Rep() {
  if (fields != first_fields()) FramePool::Give(fields, capacity * sizeof(Field));
  while (storage != nullptr) {
    Storage* gone = std::exchange(storage, storage->next);
    const size_t size = gone->size;
    gone->~Storage();
    FramePool::Give(gone, size);
  }
}

void HeaderMap::Drop() {
  delete std::exchange(rep_, nullptr);
}

HeaderMap HeaderMap::Clone() const {
  HeaderMap copy;
  for (const Field& field : *this) {
    const std::string_view name =
        field.known == Header::kUnknown ? copy.Copy(field.name) : HeaderName(field.known);
    copy.Append(Field{name, copy.Copy(field.value), field.known, field.checked});
  }
  return copy;
}

std::string_view HeaderMap::Get(std::string_view name) const {
  const size_t at = FindNamed(name, 0);
  return at == kNone ? std::string_view() : rep_->fields[at].value;
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
  Append(Field{lower, Copy(value), FindHeader(lower)});
}

void HeaderMap::Add(Header header, std::string_view value) {
  Append(Field{HeaderName(header), Copy(value), header});
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
  SetAt(first, Copy(value));
  for (size_t at = first; (at = FindNamed(name, at + 1)) != kNone;) RemoveAt(at);
}

void HeaderMap::Set(Header header, std::string_view value) {
  const size_t first = Find(header);
  if (first == kNone) {
    Add(header, value);
    return;
  }
  SetAt(first, Copy(value));
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

std::string HeaderMap::Joined(Header header) const {
  std::string joined;
  for (size_t at = Find(header); at != kNone; at = FindFrom(header, at + 1)) {
    if (!joined.empty()) joined += ',';
    joined += rep_->fields[at].value;
  }
  return joined;
}

void HeaderMap::AppendToList(Header header, std::string_view value) {
  const size_t at = Find(header);
  if (at == kNone) {
    Add(header, value);
    return;
  }
  // Several fields are one list (RFC 9110 section 5.3), and its end is behind the last of them.
  if (FindFrom(header, at + 1) != kNone) Set(header, Joined(header));
  const std::string_view old = rep_->fields[at].value;
  if (old.empty()) {
    SetAt(at, Copy(value));
    return;
  }
  const size_t total = old.size() + 1 + value.size();
  char* joined = Allocate(total);
  std::memcpy(joined, old.data(), old.size());
  joined[old.size()] = ',';
  if (!value.empty()) std::memcpy(joined + old.size() + 1, value.data(), value.size());
  SetAt(at, std::string_view(joined, total));
}

void HeaderMap::Pin(BlockRef block) {
  Rep& to = rep();
  if (!block || block.get() == to.pinned.get()) return;
  if (!to.pinned) {
    to.pinned = std::move(block);
    return;
  }
  to.storage = new (FramePool::Take(sizeof(Storage))) Storage{to.storage, sizeof(Storage), std::move(block)};
}

char* HeaderMap::Allocate(size_t bytes) {
  Rep& to = rep();
  if (bytes > to.arena_left) {
    const bool own = bytes > kOwnArena;
    const size_t whole = own ? sizeof(Storage) + bytes : kNextArena;
    to.storage = new (FramePool::Take(whole)) Storage{to.storage, whole, {}};
    char* memory = reinterpret_cast<char*>(to.storage + 1);
    if (own) return memory;
    to.arena = memory;
    to.arena_left = static_cast<uint32_t>(whole - sizeof(Storage));
  }
  char* memory = to.arena;
  to.arena += bytes;
  to.arena_left -= static_cast<uint32_t>(bytes);
  return memory;
}

size_t HeaderMap::ByteSize() const {
  size_t bytes = 0;
  for (const Field& field : *this) bytes += field.name.size() + field.value.size();
  return bytes;
}

size_t HeaderMap::FindFrom(Header header, size_t from) const {
  for (size_t at = from; rep_ != nullptr && at < rep_->count; ++at) {
    const Field& field = rep_->fields[at];
    if (field.known == header && field.name.data() != nullptr) return at;
  }
  return kNone;
}

size_t HeaderMap::FindNamed(std::string_view name, size_t from) const {
  const Header known = FindHeader(name);
  if (known != Header::kUnknown) return from == 0 ? Find(known) : FindFrom(known, from);
  for (size_t at = from; rep_ != nullptr && at < rep_->count; ++at) {
    const Field& field = rep_->fields[at];
    if (field.known == Header::kUnknown && field.name.data() != nullptr && field.name == name) return at;
  }
  return kNone;
}

void HeaderMap::SetAt(size_t at, std::string_view value) {
  rep_->fields[at].value = value;
  rep_->fields[at].checked = false;
  rep_->all_checked = false;
}

void HeaderMap::RemoveAt(size_t at) {
  const Header known = rep_->fields[at].known;
  rep_->fields[at].name = {};
  --rep_->live;
  if (known == Header::kUnknown) return;
  uint16_t& entry = rep_->index[static_cast<size_t>(known)];
  // Only the first field of a name is in the index.
  if (entry != kFarAway && entry != at + 1) return;
  const size_t next = FindFrom(known, entry == kFarAway ? kFarAway - 1 : at + 1);
  entry = next == kNone ? 0 : next + 1 < kFarAway ? static_cast<uint16_t>(next + 1) : kFarAway;
}

void HeaderMap::Grow(Rep& rep) {
  const uint32_t capacity = rep.capacity * 2;
  auto* fields = static_cast<Field*>(FramePool::Take(capacity * sizeof(Field)));
  std::memcpy(static_cast<void*>(fields), rep.fields, rep.count * sizeof(Field));
  if (rep.fields != rep.first_fields()) FramePool::Give(rep.fields, rep.capacity * sizeof(Field));
  rep.fields = fields;
  rep.capacity = capacity;
}

std::string_view HeaderMap::Copy(std::string_view bytes) {
  if (bytes.empty()) return "";
  char* copy = Allocate(bytes.size());
  std::memcpy(copy, bytes.data(), bytes.size());
  return {copy, bytes.size()};
}

}  // namespace narthex
