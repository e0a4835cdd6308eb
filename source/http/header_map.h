#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "source/base/block.h"
#include "source/base/frame_pool.h"
#include "source/http/header_names.h"

namespace narthex {

// The fields of a message's header or trailer section, in order, pseudo-headers (":method", ":status")
// included.
//
// Names are in lower case. Bytes live in blocks that the map pins: a parsed message's fields are views into
// the block it was read to, what is added later is copied to a block of the map's own. Views that it returns
// stay valid until the map is destroyed, also when the field is replaced or removed. Loop-confined; a move is
// that of one pointer, copies are explicit.
class HeaderMap {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
    Header known = Header::kUnknown;
    // The parser has seen it: the name is a token, the value has nothing that could end a line.
    bool checked = false;
  };

  HeaderMap() = default;
  HeaderMap(HeaderMap&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  HeaderMap& operator=(HeaderMap&& other) noexcept {
    if (this != &other) {
      Clear();
      rep_ = std::exchange(other.rep_, nullptr);
    }
    return *this;
  }
  ~HeaderMap() { Clear(); }
  HeaderMap Clone() const;

  // The first value; data() is null when there is none. The name must be in lower case.
  std::string_view Get(Header header) const {
    const size_t at = Find(header);
    return at == kNone ? std::string_view() : rep_->fields[at].value;
  }
  std::string_view Get(std::string_view name) const;
  // REQUIRES: a known header, here and wherever a Header is taken but in AddView.
  bool Has(Header header) const { return rep_ != nullptr && rep_->index[static_cast<size_t>(header)] != 0; }
  bool Has(std::string_view name) const { return Get(name).data() != nullptr; }
  // How many fields have this name.
  size_t Count(Header header) const;
  size_t Count(std::string_view name) const;

  // Appends a field, copying name and value. The name is put in lower case. REQUIRES: the name is not empty.
  void Add(std::string_view name, std::string_view value);
  void Add(Header header, std::string_view value);
  // Replaces the first field of this name and removes the others, or appends.
  void Set(std::string_view name, std::string_view value);
  void Set(Header header, std::string_view value);
  // Removes all fields of this name; how many.
  size_t Remove(std::string_view name);
  size_t Remove(Header header);
  // The values of all fields of this name as one list, with commas (RFC 9110 section 5.3).
  std::string Joined(Header header) const;
  // Appends `value` to the list of all fields of this name, or adds the field.
  void AppendToList(Header header, std::string_view value);

  // Appends a field whose bytes are in a pinned block or outlive the map, and have been checked (see Field);
  // the name is in lower case already. On every request several times: always inline.
  [[gnu::always_inline]] void AddView(Header known, std::string_view name, std::string_view value) {
    Append(Field{name, value, known, true});
  }
  void AddView(Header header, std::string_view value) { AddView(header, HeaderName(header), value); }
  // As Set, for a value that outlives the map and has been checked.
  void SetView(Header header, std::string_view value) {
    if (Has(header)) [[unlikely]]
      Remove(header);
    AddView(header, value);
  }
  // Keeps `block` alive as long as the map.
  void Pin(BlockRef block);
  // Bytes that live as long as the map, to be filled by the caller.
  char* Allocate(size_t bytes);

  size_t size() const { return rep_ == nullptr ? 0 : rep_->live; }
  bool empty() const { return size() == 0; }
  // Bytes of names and values together.
  size_t ByteSize() const;
  // Every field was checked when it was added (see Field), and none has been set since.
  bool all_checked() const { return rep_ == nullptr || rep_->all_checked; }
  // Drops all fields, their memory and the pinned blocks.
  void Clear() {
    if (rep_ != nullptr) Drop();
  }

  // Iteration in order over the live fields. The map must not be changed meanwhile.
  class Iterator {
   public:
    Iterator(const Field* at, const Field* end) : at_(at), end_(end) { SkipRemoved(); }
    const Field& operator*() const { return *at_; }
    const Field* operator->() const { return at_; }
    Iterator& operator++() {
      ++at_;
      SkipRemoved();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    void SkipRemoved() {
      while (at_ != end_ && at_->name.data() == nullptr) ++at_;
    }
    const Field* at_;
    const Field* end_;
  };
  Iterator begin() const {
    return rep_ == nullptr ? end() : Iterator(rep_->fields, rep_->fields + rep_->count);
  }
  Iterator end() const {
    const Field* last = rep_ == nullptr ? nullptr : rep_->fields + rep_->count;
    return Iterator(last, last);
  }

 private:
  static constexpr uint32_t kFirstCapacity = 20;
  // What a gateway adds to a request fits into the first arena.
  static constexpr uint32_t kFirstArena = 256;
  static constexpr size_t kNone = ~size_t{0};
  // An index entry of a field beyond what 16 bits can say: look for it.
  static constexpr uint16_t kFarAway = 0xffff;

  struct Storage;

  // All that a map holds. One piece of memory serves the usual message whole.
  struct Rep : FromFramePool {
    Rep() = default;
    Rep(const Rep&) = delete;
    ~Rep();
    Field* first_fields() { return reinterpret_cast<Field*>(field_memory); }

    Field* fields = first_fields();
    uint32_t count = 0;
    uint32_t capacity = kFirstCapacity;
    uint32_t live = 0;
    uint32_t arena_left = kFirstArena;  // free bytes at `arena`
    bool all_checked = true;
    char* arena = arena_memory;
    Storage* storage = nullptr;  // further arenas, and the pinned blocks beyond the first
    BlockRef pinned;
    // Position plus one of the first field of each known name.
    std::array<uint16_t, static_cast<size_t>(Header::kCount)> index = {};
    // Both uninitialised on purpose: written before they are read.
    alignas(Field) char field_memory[kFirstCapacity * sizeof(Field)];
    char arena_memory[kFirstArena];
  };

  Rep& rep() {
    if (rep_ == nullptr) rep_ = new Rep;
    return *rep_;
  }
  // The position of the first field of this name, or kNone.
  size_t Find(Header header) const {
    if (rep_ == nullptr) return kNone;
    const uint16_t entry = rep_->index[static_cast<size_t>(header)];
    if (entry == 0) return kNone;
    return entry == kFarAway ? FindFrom(header, kFarAway - 1) : entry - 1;
  }
  size_t FindNamed(std::string_view name, size_t from) const;
  size_t FindFrom(Header header, size_t from) const;
  void Append(const Field& field);
  void SetAt(size_t at, std::string_view value);
  void RemoveAt(size_t at);
  static void Grow(Rep& rep);
  // Apart, so that destroying an empty map, as moved-from ones are, costs a test and no call.
  void Drop();
  std::string_view Copy(std::string_view bytes);

  Rep* rep_ = nullptr;
};

[[gnu::always_inline]] inline void HeaderMap::Append(const Field& field) {
  Rep& to = rep();
  if (to.count == to.capacity) [[unlikely]]
    Grow(to);
  const uint32_t at = to.count++;
  Field& added = to.fields[at];
  added = field;
  // Absent and empty differ by the pointer.
  if (field.value.data() == nullptr) added.value = "";
  ++to.live;
  to.all_checked &= field.checked;
  uint16_t& entry = to.index[static_cast<size_t>(field.known)];
  // The entry of kUnknown is written, too, and never read.
  if (entry == 0) entry = at + 1 < kFarAway ? static_cast<uint16_t>(at + 1) : kFarAway;
}

}  // namespace narthex
