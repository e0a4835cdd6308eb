#include "source/server/config_dump.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "google/protobuf/util/json_util.h"
#include "source/base/escape.h"
#include "source/config/regex.h"
#include "source/server/dump_mask.h"
#include "source/server/dump_resources.h"
#include "source/server/redact.h"

namespace narthex {
namespace {

using google::protobuf::Message;
using Members = std::vector<std::string>;

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  AppendJsonEscaped(quoted, text);
  return quoted += '"';
}

// What the mask leaves of the message; nothing when it does not fit.
std::optional<std::string> MaskedJson(const Message& message, const DumpMask& mask) {
  const std::unique_ptr<Message> shown(message.New());
  shown->CopyFrom(message);
  RedactSecrets(*shown);
  if (!mask.Trim(*shown)) return std::nullopt;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  return google::protobuf::util::MessageToJsonString(*shown, &json, options).ok() ? json : "{}";
}

// As an Any is printed: with its type.
std::optional<std::string> TypedJson(const Message& message, const DumpMask& mask) {
  std::optional<std::string> json = MaskedJson(message, mask);
  if (!json) return std::nullopt;
  json->insert(1, absl::StrCat("\"@type\":\"type.googleapis.com/", message.GetDescriptor()->full_name(),
                               *json == "{}" ? "\"" : "\","));
  return json;
}

std::string Object(const Members& members) {
  return absl::StrCat("{", absl::StrJoin(members, ","), "}");
}

std::string TypeMember(const char* type) {
  return absl::StrCat("\"@type\":\"type.googleapis.com/envoy.admin.v3.", type, "\"");
}

absl::Status MisfitError(std::string_view mask) {
  return absl::InvalidArgumentError(
      absl::StrCat("the mask ", std::string(mask), " fits nothing in the configuration dump"));
}

class Dump {
 public:
  Dump(const Snapshot& snapshot, const ConfigDumpQuery& query)
      : snapshot_(snapshot),
        query_(query),
        mask_(query.mask),
        updated_(absl::StrCat(
            "\"last_updated\":\"",
            absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::FromChrono(snapshot.made), absl::UTCTimeZone()),
            "\"")) {}

  absl::StatusOr<std::string> Answer() {
    if (!query_.name_regex.empty()) {
      std::string error;
      names_ = Regex::Compile(query_.name_regex, error);
      if (names_ == nullptr) return absl::InvalidArgumentError("name_regex: " + error);
    }
    return query_.resource.empty() ? AllSections() : OneResource();
  }

 private:
  bool IsWanted(const DumpEntry& entry) const { return names_ == nullptr || names_->FullMatch(entry.name); }

  // {"cluster":{..},"last_updated":..} without its braces; nothing when the mask does not fit.
  std::optional<Members> Stamped(const DumpList& list, const DumpEntry& entry, const DumpMask& mask) const {
    if (!mask.Fits({list.key, "last_updated"})) return std::nullopt;
    Members members;
    if (const std::optional<DumpMask> below = mask.Of(list.key)) {
      const std::optional<std::string> json = TypedJson(*entry.message, *below);
      if (!json) return std::nullopt;
      members.push_back(absl::StrCat("\"", list.key, "\":", *json));
    }
    if (mask.Of("last_updated")) members.push_back(updated_);
    return members;
  }

  // The same, or {"name":..,"active_state":{..}} around it, where updates may come.
  std::optional<Members> EntryMembers(const DumpList& list, const DumpEntry& entry,
                                      const DumpMask& mask) const {
    if (!list.has_states) return Stamped(list, entry, mask);
    if (!mask.Fits({"name", "active_state"})) return std::nullopt;
    Members members;
    if (mask.Of("name")) members.push_back("\"name\":" + Quoted(entry.name));
    if (const std::optional<DumpMask> below = mask.Of("active_state")) {
      const std::optional<Members> state = Stamped(list, entry, *below);
      if (!state) return std::nullopt;
      members.push_back("\"active_state\":" + Object(*state));
    }
    return members;
  }

  absl::StatusOr<std::string> OneResource() const {
    const std::string resource(query_.resource);
    if (resource == "bootstrap") {
      return absl::InvalidArgumentError("bootstrap is not a repeated field; ?mask=bootstrap shows only it");
    }
    for (const DumpSection& section : DumpSections(snapshot_)) {
      for (const DumpList& list : section.lists) {
        if (list.field == resource) return ListAnswer(list);
      }
    }
    if (IsEmptyResource(resource)) return "{}";
    return absl::NotFoundError(resource + " not found in config dump");
  }

  absl::StatusOr<std::string> ListAnswer(const DumpList& list) const {
    Members configs;
    for (const DumpEntry& entry : list.entries) {
      if (!IsWanted(entry)) continue;
      std::optional<Members> members = EntryMembers(list, entry, mask_);
      if (!members) return MisfitError(query_.mask);
      members->insert(members->begin(), TypeMember(list.entry_type));
      configs.push_back(Object(*members));
    }
    return configs.empty() ? "{}" : Configs(configs);
  }

  absl::StatusOr<std::string> AllSections() const {
    Members configs;
    if (auto bootstrap = Bootstrap()) configs.push_back(*std::move(bootstrap));
    for (const DumpSection& section : DumpSections(snapshot_)) {
      if (auto shown = SectionJson(section)) configs.push_back(*std::move(shown));
    }
    if (configs.empty()) return MisfitError(query_.mask);
    return Configs(configs);
  }

  std::optional<std::string> Bootstrap() const {
    if (!mask_.Fits({"bootstrap", "last_updated"})) return std::nullopt;
    Members members{TypeMember("BootstrapConfigDump")};
    if (const std::optional<DumpMask> below = mask_.Of("bootstrap")) {
      const std::optional<std::string> json = MaskedJson(*snapshot_.files->bootstrap, *below);
      if (!json) return std::nullopt;
      members.push_back("\"bootstrap\":" + *json);
    }
    if (mask_.Of("last_updated")) members.push_back(updated_);
    return Object(members);
  }

  // Nothing when the mask does not fit: as with any FieldMask, it can't reach into lists.
  std::optional<std::string> SectionJson(const DumpSection& section) const {
    if (!mask_.Fits({section.lists[0].field, section.lists[1].field})) return std::nullopt;
    Members members{TypeMember(section.type)};
    for (const DumpList& list : section.lists) {
      const std::optional<DumpMask> below = mask_.Of(list.field);
      if (!below) continue;
      if (!below->all()) return std::nullopt;
      Members entries;
      for (const DumpEntry& entry : list.entries) {
        if (IsWanted(entry)) entries.push_back(Object(*EntryMembers(list, entry, *below)));
      }
      members.push_back(absl::StrCat("\"", list.field, "\":[", absl::StrJoin(entries, ","), "]"));
    }
    return Object(members);
  }

  static std::string Configs(const Members& configs) {
    return absl::StrCat("{\"configs\":[", absl::StrJoin(configs, ","), "]}");
  }

  const Snapshot& snapshot_;
  const ConfigDumpQuery& query_;
  const DumpMask mask_;
  const std::string updated_;
  std::unique_ptr<const Regex> names_;
};

}  // namespace

absl::StatusOr<std::string> DumpConfig(const Snapshot& snapshot, const ConfigDumpQuery& query) {
  return Dump(snapshot, query).Answer();
}

}  // namespace narthex
