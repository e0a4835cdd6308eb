#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "source/base/block.h"
#include "source/http/header_names.h"

namespace narthex {

// The fields of a message's header or trailer section, in order, pseudo-headers (":method", ":status")
// included.
//
// Names are in lower case. Bytes live in blocks that the map pins: a parsed message's fields are views into
// the block it was read to, what is added later is copied to a block of the map's own. Views that it returns
// stay valid until the map is destroyed, also when the field is replaced or removed. Loop-confined; moves are
// cheap, copies explicit.
class HeaderMap {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
    Header known = Header::kUnknown;
  };

  HeaderMap() = default;
  HeaderMap(HeaderMap&& other) noexcept;
  HeaderMap& operator=(HeaderMap&& other) noexcept;
  ~HeaderMap();
  HeaderMap Clone() const;

  // The first value; data() is null when there is none. The name must be in lower case.
  std::string_view Get(Header header) const;
  std::string_view Get(std::string_view name) const;
  // REQUIRES: a known header, here and wherever a Header is taken but in AddView.
  bool Has(Header header) const { return index_[static_cast<size_t>(header)] != 0; }
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
  // Joins `value` to the existing one with a comma, or adds the field.
  void AppendToList(Header header, std::string_view value);

  // For the codec: a field whose bytes are in a pinned block or static; the name is in lower case already.
  void AddView(Header known, std::string_view name, std::string_view value) { Append(known, name, value); }
  // Keeps `block` alive as long as the map.
  void Pin(BlockRef block);
  // Bytes that live as long as the map, to be filled by the caller.
  char* Allocate(size_t bytes);

  size_t size() const { return live_; }
  bool empty() const { return live_ == 0; }
  // Bytes of names and values together.
  size_t ByteSize() const;
  // Drops all fields, their memory and the pinned blocks.
  void Clear();

  // Iteration in order over the live fields.
  class Iterator {
   public:
    Iterator(const HeaderMap* map, size_t at) : map_(map), at_(at) { SkipRemoved(); }
    const Field& operator*() const { return map_->fields_[at_]; }
    const Field* operator->() const { return &map_->fields_[at_]; }
    Iterator& operator++() {
      ++at_;
      SkipRemoved();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    void SkipRemoved() {
      while (at_ < map_->count_ && map_->fields_[at_].name.data() == nullptr) ++at_;
    }
    const HeaderMap* map_;
    size_t at_;
  };
  Iterator begin() const { return Iterator(this, 0); }
  Iterator end() const { return Iterator(this, count_); }

 private:
  static constexpr uint32_t kFirstCapacity = 24;
  static constexpr size_t kNone = ~size_t{0};
  // An index entry of a field beyond what 16 bits can say: look for it.
  static constexpr uint16_t kFarAway = 0xffff;

  // The position of the first field of this name, or kNone.
  size_t Find(Header header) const;
  size_t FindNamed(std::string_view name, size_t from) const;
  size_t FindFrom(Header header, size_t from) const;
  void Append(Header known, std::string_view name, std::string_view value);
  void RemoveAt(size_t at);
  void Grow();
  void Steal(HeaderMap& other);
  void Release();
  std::string_view Copy(std::string_view bytes);

  Field* fields_ = nullptr;
  uint32_t count_ = 0;
  uint32_t capacity_ = 0;
  uint32_t live_ = 0;
  // Free bytes at arena_.
  uint32_t arena_left_ = 0;
  char* arena_ = nullptr;
  // Position plus one of the first field of each known name.
  std::array<uint16_t, static_cast<size_t>(Header::kCount)> index_ = {};
  struct Storage;
  // The map's own arenas and the pinned blocks beyond the first.
  Storage* storage_ = nullptr;
  BlockRef pinned_;
};

inline void HeaderMap::Append(Header known, std::string_view name, std::string_view value) {
  if (count_ == capacity_) Grow();
  const size_t at = count_++;
  // Absent and empty differ by the pointer.
  fields_[at] = Field{name, value.data() == nullptr ? std::string_view("") : value, known};
  ++live_;
  uint16_t& entry = index_[static_cast<size_t>(known)];
  if (entry == 0 && known != Header::kUnknown) {
    entry = at + 1 < kFarAway ? static_cast<uint16_t>(at + 1) : kFarAway;
  }
}

}  // namespace narthex
