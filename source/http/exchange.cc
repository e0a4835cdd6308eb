#include "source/http/exchange.h"

namespace narthex {

void Exchange::SetMetadata(std::string_view space, std::string_view key, std::string_view value) {
  for (MetadataEntry& entry : metadata_) {
    if (entry.space == space && entry.key == key) {
      entry.value = value;
      return;
    }
  }
  metadata_.push_back({std::string(space), std::string(key), std::string(value)});
}

std::string_view Exchange::GetMetadata(std::string_view space, std::string_view key) const {
  for (const MetadataEntry& entry : metadata_) {
    if (entry.space == space && entry.key == key) return entry.value;
  }
  return {};
}

}  // namespace narthex
