#include "source/config/config_path.h"

#include <charconv>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_split.h"

namespace narthex {
namespace {

constexpr char kOriginPayload[] = "narthex/origin";

int ParseInt(absl::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string QuotedKey(std::string_view key) {
  std::string step = "[\"";
  step.append(key).append("\"]");
  return step;
}

}  // namespace

ConfigPath ConfigPath::Beyond(std::string step) const {
  ConfigPath path = *this;
  path.rest_ += step;
  return path;
}

ConfigPath ConfigPath::Field(std::string_view name) const {
  std::string step = ".";
  step.append(name);
  if (!IsWritten()) return Beyond(std::move(step));
  OriginMap::Id child = map_->FindField(id_, name);
  if (child == OriginMap::kAbsent) return Beyond(std::move(step));
  ConfigPath path(*map_);
  path.id_ = child;
  return path;
}

ConfigPath ConfigPath::Index(size_t index) const {
  OriginMap::Id child = IsWritten() ? map_->FindElement(id_, index) : OriginMap::kAbsent;
  if (child == OriginMap::kAbsent) return Beyond("[" + std::to_string(index) + "]");
  ConfigPath path(*map_);
  path.id_ = child;
  return path;
}

ConfigPath ConfigPath::Key(std::string_view key) const {
  OriginMap::Id child = IsWritten() ? map_->FindField(id_, key) : OriginMap::kAbsent;
  if (child == OriginMap::kAbsent) return Beyond(QuotedKey(key));
  ConfigPath path(*map_);
  path.id_ = child;
  return path;
}

std::string ConfigPath::ToString() const {
  std::string path = map_ == nullptr ? std::string() : map_->PathOf(id_);
  path += rest_;
  if (path.starts_with('.')) path.erase(0, 1);
  return path;
}

narthex::Origin ConfigPath::Origin() const {
  narthex::Origin origin;
  if (map_ != nullptr) origin = map_->OriginOf(id_);
  origin.path = ToString();
  return origin;
}

absl::Status ConfigPath::Error(std::string_view message) const {
  return ErrorAt(Origin(), message);
}

absl::Status ErrorAt(const Origin& origin, std::string_view message) {
  std::string text = origin.ToString();
  if (!text.empty()) text += ": ";
  text += message;
  absl::Status status = absl::InvalidArgumentError(text);
  std::string payload = origin.file;
  for (const std::string& part : {std::to_string(origin.line), std::to_string(origin.column), origin.path}) {
    payload.push_back('\0');
    payload += part;
  }
  payload.push_back('\0');
  payload += message;
  status.SetPayload(kOriginPayload, absl::Cord(payload));
  return status;
}

bool FindOrigin(const absl::Status& status, Origin& origin, std::string& message) {
  auto payload = status.GetPayload(kOriginPayload);
  if (!payload.has_value()) return false;
  std::string text(*payload);
  std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('\0', 4));
  if (parts.size() != 5) return false;
  origin.file = std::string(parts[0]);
  origin.line = ParseInt(parts[1]);
  origin.column = ParseInt(parts[2]);
  origin.path = std::string(parts[3]);
  message = std::string(parts[4]);
  return true;
}

}  // namespace narthex
