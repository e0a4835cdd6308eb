#include "source/upstream/lb_metadata.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/struct.pb.h"
#include "source/base/escape.h"

namespace narthex {

namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

constexpr char kNamespace[] = "envoy.lb";

void AppendQuoted(std::string& text, std::string_view part) {
  text += '"';
  AppendJsonEscaped(text, part);
  text += '"';
}

void AppendValue(std::string& text, const Value& value);

void AppendStruct(std::string& text, const Struct& value) {
  // A protobuf map has no order.
  const std::map<std::string, Value> fields(value.fields().begin(), value.fields().end());
  text += '{';
  for (const auto& [key, field] : fields) {
    if (text.back() != '{') text += ',';
    AppendQuoted(text, key);
    text += ':';
    AppendValue(text, field);
  }
  text += '}';
}

void AppendNumber(std::string& text, double number) {
  char digits[32];
  const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), number);
  text.append(digits, end);
}

void AppendValue(std::string& text, const Value& value) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      return AppendQuoted(text, value.string_value());
    case Value::kNumberValue:
      return AppendNumber(text, value.number_value());
    case Value::kBoolValue:
      text += value.bool_value() ? "true" : "false";
      return;
    case Value::kStructValue:
      return AppendStruct(text, value.struct_value());
    case Value::kListValue:
      text += '[';
      for (const Value& item : value.list_value().values()) {
        if (text.back() != '[') text += ',';
        AppendValue(text, item);
      }
      text += ']';
      return;
    default:
      text += "null";
  }
}

std::string TextOf(const Value& value) {
  std::string text;
  AppendValue(text, value);
  return text;
}

const Struct* FindLb(const envoy::config::core::v3::Metadata& metadata) {
  const auto found = metadata.filter_metadata().find(kNamespace);
  return found == metadata.filter_metadata().end() ? nullptr : &found->second;
}

}  // namespace

LbMetadata ReadLbMetadata(const Struct& entries) {
  LbMetadata metadata;
  for (const auto& [key, value] : entries.fields()) {
    LbMetadataEntry& entry = metadata.emplace_back();
    entry.key = key;
    entry.text = TextOf(value);
    for (const Value& item : value.list_value().values()) entry.items.push_back(TextOf(item));
  }
  std::sort(metadata.begin(), metadata.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return metadata;
}

LbMetadata ReadLbMetadata(const envoy::config::core::v3::Metadata& metadata) {
  const Struct* entries = FindLb(metadata);
  return entries == nullptr ? LbMetadata() : ReadLbMetadata(*entries);
}

std::string FindLbText(const envoy::config::core::v3::Metadata& metadata, const std::string& key) {
  const Struct* entries = FindLb(metadata);
  if (entries == nullptr) return {};
  const auto found = entries->fields().find(key);
  return found == entries->fields().end() ? std::string() : found->second.string_value();
}

const LbMetadataEntry* FindEntry(const LbMetadata& metadata, std::string_view key) {
  const auto found = std::find_if(metadata.begin(), metadata.end(),
                                  [&](const LbMetadataEntry& entry) { return entry.key == key; });
  return found == metadata.end() ? nullptr : &*found;
}

void AppendSubsetName(std::string& name, std::string_view key, std::string_view text) {
  if (!name.empty()) name += ", ";
  name.append(key).append("=").append(text);
}

MetadataMatch::MetadataMatch(LbMetadata wanted) : entries(std::move(wanted)) {
  for (const LbMetadataEntry& entry : entries) AppendSubsetName(subset, entry.key, entry.text);
}

std::shared_ptr<const MetadataMatch> MetadataMatch::Make(const envoy::config::core::v3::Metadata& base,
                                                         const envoy::config::core::v3::Metadata& over) {
  LbMetadata entries = ReadLbMetadata(over);
  for (LbMetadataEntry& entry : ReadLbMetadata(base)) {
    if (FindEntry(entries, entry.key) == nullptr) entries.push_back(std::move(entry));
  }
  if (entries.empty()) return nullptr;
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return std::make_shared<const MetadataMatch>(std::move(entries));
}

}  // namespace narthex
