#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Struct;
}  // namespace google::protobuf
namespace envoy::config::core::v3 {
class Metadata;
}  // namespace envoy::config::core::v3

namespace narthex {

// One entry of the metadata below "envoy.lb", which is what balancing goes by.
struct LbMetadataEntry {
  std::string key;
  std::string text;                // of the value: equal values have equal texts
  std::vector<std::string> items;  // the same of each item, when it is a list
};

// In the order of the keys, which are unique.
using LbMetadata = std::vector<LbMetadataEntry>;

LbMetadata ReadLbMetadata(const google::protobuf::Struct& entries);
// Those of `metadata` below "envoy.lb".
LbMetadata ReadLbMetadata(const envoy::config::core::v3::Metadata& metadata);
// The value of this key when that is a text; empty when there is none.
std::string FindLbText(const envoy::config::core::v3::Metadata& metadata, const std::string& key);

// Null when there is none of this key.
const LbMetadataEntry* FindEntry(const LbMetadata& metadata, std::string_view key);

// Adds what one entry is to the name of a subset: names are the same when all entries, in the order of their
// keys, are.
void AppendSubsetName(std::string& name, std::string_view key, std::string_view text);

// What a route asks of hosts, which only clusters with subsets look at. Immutable, thread-safe.
struct MetadataMatch {
  explicit MetadataMatch(LbMetadata wanted);
  // Entries of `over` take the place of those of `base`; null when there is none at all.
  static std::shared_ptr<const MetadataMatch> Make(const envoy::config::core::v3::Metadata& base,
                                                   const envoy::config::core::v3::Metadata& over);

  LbMetadata entries;
  std::string subset;  // its name
};

}  // namespace narthex
